// A stop is heard whatever of the journal is being read, and what it cut off is done by the next
// start as if nothing had been.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "storage/memory_store.h"
#include "tests/daemon/fed_pipeline.h"
#include "tests/daemon/judged_folder.h"

namespace tocsin::daemon {
namespace {

using ::testing::HasSubstr;
using Kind = storage::Control::Kind;

// The rule begins anew whenever its window is another one.
rules::BundleText rules_of(int window) {
  rules::BundleText text = bundle_text();
  std::string& rules = text.rules.front().text;
  rules.replace(rules.find("window: 5d"), 10, fmt::format("window: {}d", window));
  return text;
}

// Says yes to a question, and to all after it.
class Stop {
 public:
  PipelineOptions options() {
    PipelineOptions options = daemon::options();
    options.revision_share = 10;  // rules are judged aside
    options.is_stopping = [this] { return ++asked_ >= yes_from_; };
    return options;
  }
  // From the `nth` question on, beginning with the next.
  void say_yes_to(int nth) { yes_from_ = asked_ + nth; }
  int asked() const { return asked_; }

 private:
  std::atomic<int> asked_{0};
  std::atomic<int> yes_from_{INT_MAX};
};

std::string correction(int day, int value) {
  std::string line = event_line(day, day, "XA", value);
  return line.insert(line.rfind('}'), R"(,"rev":1)");
}

void load(Daemon& daemon, int window, Status& loaded) {
  const std::string serialized = rules::serialize(rules_of(window));
  daemon.pipeline().activate(compile(serialized), serialized,
                             [&](const Status& status) { loaded = status; });
}

size_t records_of(const storage::Store& store, Kind kind) {
  size_t count = 0;
  EXPECT_TRUE(store.read_journal(1, [&](const auto& record) {
    count += record.control != nullptr && record.control->kind == kind;
    return true;
  }));
  return count;
}

// All that a start may change.
std::vector<std::string> content(const storage::Store& store) {
  std::vector<std::string> lines{fmt::format("{} {}", store.last_seq(), store.checkpoint_seq())};
  EXPECT_TRUE(store.read_state([&](std::string_view key, std::string_view value) {
    lines.push_back(fmt::format("{} {}", key, value));
  }));
  EXPECT_TRUE(store.read_alert_log(0, [&](const auto& alert) {
    lines.push_back(alert.json);
    return true;
  }));
  return lines;
}

std::string alert_log(const storage::Store& store) {
  std::string log;
  EXPECT_TRUE(store.read_alert_log(0, [&](const auto& alert) {
    log += alert.json + "\n";
    return true;
  }));
  return log;
}

// A journal behind a checkpoint, with a revision, and with rules that were judged aside while an
// event came.
std::unique_ptr<storage::Store> store_with_a_long_past() {
  auto store = storage::make_memory_store();
  Stop never;
  Daemon daemon(*store, never.options());
  for (int day = 0; day < 10; ++day) daemon.feed(event_line(day, day, "XA", 4));
  daemon.commit();
  daemon.feed(correction(7, 40));
  daemon.commit();
  EXPECT_EQ(records_of(*store, Kind::kRevise), 1U);
  Status loaded = unavailable("not yet");
  load(daemon, 3, loaded);
  daemon.feed(event_line(10, 10, "XA", 4));
  while (!loaded) daemon.commit();
  EXPECT_EQ(records_of(*store, Kind::kActivate), 1U);
  for (int day = 11; day < 15; ++day) daemon.feed(event_line(day, day, "XA", 4));
  daemon.commit();
  return store;
}

// By rules that are other ones again.
Status recover(storage::Store& store, const PipelineOptions& options) {
  const std::string serialized = rules::serialize(rules_of(4));
  Pipeline pipeline(store, compile(serialized), serialized, options);
  std::string warning;
  return pipeline.recover(compile, {}, warning, WallTime{});
}

TEST(Stopping, IsHeardInAllThatARecoveryReads) {
  const auto calm_store = store_with_a_long_past();
  Stop never;
  ASSERT_TRUE(recover(*calm_store, never.options()));
  // The revision, the rules of then aside and up to their record, the present rules.
  ASSERT_GE(never.asked(), 4);
  for (int nth = 1; nth <= never.asked(); ++nth) {
    SCOPED_TRACE(fmt::format("question {} of {}", nth, never.asked()));
    const auto store = store_with_a_long_past();
    const std::vector<std::string> before = content(*store);
    Stop stop;
    stop.say_yes_to(nth);
    const Status cut_off = recover(*store, stop.options());
    ASSERT_FALSE(cut_off);
    EXPECT_EQ(cut_off.error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(cut_off.error().message, "told to stop");
    EXPECT_EQ(content(*store), before);
    Daemon next(*store, options(), rules_of(4));
    EXPECT_EQ(next.warning(), "");
    expect_rebuilt_the_same(*store);
  }
}

// The state is to be rebuilt by rules that are then put in the place of others.
TEST(Stopping, IsHeardInARebuildWhichIsBegunAgain) {
  const auto store = store_with_a_long_past();
  storage::Batch& batch = store->begin();
  batch.put_state("pipeline.fault", "made up");
  ASSERT_TRUE(store->commit(batch, WallTime{}));
  const std::vector<std::string> before = content(*store);
  Stop never;
  ASSERT_TRUE(recover(*store, never.options()));
  ASSERT_GE(never.asked(), 4);
  EXPECT_EQ(content(*store), before) << "before the commit that is to follow";
  for (int nth = 1; nth <= never.asked(); ++nth) {
    SCOPED_TRACE(fmt::format("question {} of {}", nth, never.asked()));
    Stop stop;
    stop.say_yes_to(nth);
    ASSERT_FALSE(recover(*store, stop.options()));
    EXPECT_EQ(content(*store), before);
  }
}

TEST(Stopping, LeavesALiveRevisionToTheNextStart) {
  for (const int nth : {1, 2}) {  // before it, and in it
    SCOPED_TRACE(fmt::format("question {}", nth));
    const auto store = storage::make_memory_store();
    Stop stop;
    {
      Daemon daemon(*store, stop.options());
      for (int day = 0; day < 10; ++day) daemon.feed(event_line(day, day, "XA", 4));
      daemon.commit();
      daemon.feed(correction(7, 90));
      stop.say_yes_to(nth);
      daemon.commit();
      EXPECT_GE(stop.asked(), nth);
      EXPECT_EQ(daemon.pipeline().unrevised(), 1U);
      daemon.commit(/*checkpoint=*/true);
    }
    EXPECT_EQ(records_of(*store, Kind::kRevise), 0U);
    EXPECT_EQ(alert_log(*store), "");
    Daemon next(*store, options());
    EXPECT_EQ(next.pipeline().unrevised(), 0U);
    EXPECT_EQ(records_of(*store, Kind::kRevise), 1U);
    EXPECT_THAT(alert_log(*store), HasSubstr("Many dead in Alpha"));
    next.commit(/*checkpoint=*/true);
    expect_rebuilt_the_same(*store);
  }
}

TEST(Stopping, LeavesRulesThatWereJudgedAsideToTheNextStart) {
  for (const int nth : {1, 2}) {  // before they are told what came meanwhile, and then
    SCOPED_TRACE(fmt::format("question {}", nth));
    const auto store = storage::make_memory_store();
    Stop stop;
    Status loaded;
    {
      Daemon daemon(*store, stop.options());
      for (int day = 0; day < 10; ++day) daemon.feed(event_line(day, day, "XA", 4));
      daemon.commit();
      load(daemon, 9, loaded);
      while (!daemon.pipeline().has_uncommitted()) std::this_thread::yield();  // it is built
      daemon.feed(event_line(10, 10, "XA", 4));
      stop.say_yes_to(nth);
      daemon.commit();
      daemon.commit(/*checkpoint=*/true);
      EXPECT_TRUE(loaded) << "nothing is decided yet: " << loaded.error().message;
    }
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::kUnavailable) << "they were not refused";
    EXPECT_EQ(records_of(*store, Kind::kActivate), 0U);
    Daemon next(*store, options(), rules_of(9));
    EXPECT_EQ(records_of(*store, Kind::kActivate), 1U);
    EXPECT_THAT(alert_log(*store), HasSubstr("Many dead in Alpha"));
    expect_rebuilt_the_same(*store);
  }
}

}  // namespace
}  // namespace tocsin::daemon
