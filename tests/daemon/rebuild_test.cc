#include "daemon/rebuild.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "storage/memory_store.h"
#include "tests/daemon/fed_pipeline.h"

// All that is saved follows from the journal, and what does not is found.
namespace tocsin::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

rules::BundleText with_limit(const std::string& limit) {
  rules::BundleText text = bundle_text();
  std::string& rules = text.rules.front().text;
  for (size_t at = 0; (at = rules.find("30.0", at)) != std::string::npos; at += limit.size()) {
    rules.replace(at, 4, limit);
  }
  return text;
}

// Some days with alerts in all three countries.
void feed_days(Daemon& daemon, int from, int to) {
  constexpr const char* kRegions[] = {"XA", "XB", "XC"};
  for (int day = from; day < to; ++day) {
    daemon.feed(event_line(day, day, kRegions[day % 3], (day * 7) % 45));
    if (day % 4 == 0) daemon.commit(day % 8 == 0);
  }
  daemon.commit(/*checkpoint=*/true);
}

TEST(Rebuild, FindsNoDifferenceAfterRestartsReloadsAndAnotherWayToEmit) {
  const auto store = storage::make_memory_store();
  {
    Daemon daemon(*store, options());
    feed_days(daemon, 0, 20);
    const rules::BundleText lower = with_limit("20.0");
    const std::string text = rules::serialize(lower);
    ASSERT_TRUE(daemon.pipeline().activate(compile(text), text));
    feed_days(daemon, 20, 40);
  }
  {
    Daemon daemon(*store, options(1, rules::Emit::kFinal), with_limit("20.0"));
    feed_days(daemon, 40, 60);
  }
  {
    Daemon daemon(*store, options(1, rules::Emit::kFinal), with_limit("25.0"));
    feed_days(daemon, 60, 80);
    daemon.feed(event_line(80, 80, "XB", 44));
    daemon.commit();  // behind the checkpoint
  }
  const auto report = rebuild(*store, {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_THAT(report->first_differences, IsEmpty());
  EXPECT_EQ(report->warning, "");
  EXPECT_GT(report->transitions, 20U);
  EXPECT_GT(report->state_entries, 3U);
  EXPECT_LT(report->checkpoint, report->records);
}

TEST(Rebuild, TellsWhatDoesNotFollowFromTheJournal) {
  const auto store = storage::make_memory_store();
  {
    Daemon daemon(*store, options());
    feed_days(daemon, 0, 20);
  }
  storage::Batch& batch = store->begin();
  batch.put_state("shard/1/0/sdesk", "\x05 of nothing");
  batch.mark_checkpoint();
  batch.put_alert({.alert = {1, 2}, .seq = 0, .open = true, .notify = false, .json = "{}"});
  ASSERT_TRUE(store->commit(batch, {}));
  const auto report = rebuild(*store, {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->differences, 2U);
  EXPECT_THAT(report->first_differences,
              ElementsAre(HasSubstr("shard/1/0/sdesk"), HasSubstr("no such transition")));

  ASSERT_TRUE(replace_state(*store, *report, {}));
  const auto again = rebuild(*store, {});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_THAT(again->first_differences,
              ElementsAre(HasSubstr("pipeline.told.00000000000000010000000000000002: saved, but"),
                          HasSubstr("no such transition")))
      << "what is told next is numbered after it";
}

// Their rules are in the folder, and this program makes nothing of them.
TEST(Rebuild, DoesNotCompareWhatWasToldByRulesThatDoNotCompile) {
  const auto store = storage::make_memory_store();
  {
    Daemon daemon(*store, options());
    feed_days(daemon, 0, 20);
  }
  const uint64_t before = store->statistics().alert_records;
  ASSERT_GT(before, 3U);
  const Pipeline::CompileBundle some = [](const std::string& text) {
    return text.find("30.0") == std::string::npos ? compile(text) : nullptr;
  };
  const std::string text = rules::serialize(with_limit("20.0"));
  {
    Pipeline pipeline(*store, compile(text), text, options());
    std::string warning;
    ASSERT_TRUE(pipeline.recover(some, {}, warning, {}));
    EXPECT_THAT(warning, HasSubstr("no longer compile"));
    ASSERT_TRUE(pipeline.commit({}, /*checkpoint=*/true));
  }
  {
    Daemon daemon(*store, options(), with_limit("20.0"));
    feed_days(daemon, 20, 40);
  }
  ASSERT_GT(store->statistics().alert_records, before);
  const auto report = rebuild(*store, {.compile = some});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_THAT(report->first_differences, IsEmpty());
  EXPECT_EQ(report->undecided, before);
  EXPECT_EQ(report->transitions + before, store->statistics().alert_records);
}

// A transition that no record brought about: by a tocsin that did not journal it.
TEST(Rebuild, NumbersWhatFollowsAfterTheLogWhenItPutsTheStateInOrder) {
  const auto store = storage::make_memory_store();
  {
    Daemon daemon(*store, options(1, rules::Emit::kFinal));
    daemon.feed(event_line(1, 0, "XA", 40) + event_line(2, 3, "XB", 1));
    daemon.commit(/*checkpoint=*/true);
  }
  storage::AlertRecord moved;
  moved.seq = 1;
  ASSERT_TRUE(store->read_alerts({}, [&](const auto& last) {
    moved.alert = last.alert;
    moved.json = last.json + " ";
    return true;
  }));
  storage::Batch& batch = store->begin();
  batch.put_alert(moved);
  ASSERT_TRUE(store->commit(batch, {}));
  const auto report = rebuild(*store, {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_THAT(report->first_differences, ElementsAre(HasSubstr("seq 1: told, but")));
  ASSERT_TRUE(replace_state(*store, *report, {}));
  Daemon daemon(*store, options(1, rules::Emit::kFinal));
  daemon.feed(event_line(3, 20, "XB", 1));
  daemon.commit();
  const auto transitions = store->read_alert(moved.alert);
  ASSERT_TRUE(transitions);
  ASSERT_EQ(transitions->size(), 3U);
  EXPECT_THAT(transitions->back(), HasSubstr(R"("seq":2,"action":"resolve")"));
}

TEST(Rebuild, DoesNotAskWhatWasKnownOfAlertsThatRetentionHasDropped) {
  const auto store = storage::make_memory_store();
  {
    Daemon daemon(*store, options());
    feed_days(daemon, 0, 60);
  }
  std::vector<Hash128> closed;
  ASSERT_TRUE(store->read_alerts({}, [&](const auto& last) {
    if (!last.open) closed.push_back(last.alert);
    return true;
  }));
  ASSERT_GT(closed.size(), 1U);
  const auto forget = [&](Hash128 alert) {
    storage::Batch& batch = store->begin();
    batch.put_state("pipeline.told." + to_hex(alert), "");
    batch.mark_checkpoint();
    ASSERT_TRUE(store->commit(batch, {}));
  };
  forget(closed.front());
  auto report = rebuild(*store, {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_THAT(report->first_differences, ElementsAre(HasSubstr(to_hex(closed.front()))));

  ASSERT_TRUE(store->apply_retention({.closed_alerts = std::chrono::hours(1)},
                                     WallTime{} + std::chrono::hours(2)));
  report = rebuild(*store, {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_THAT(report->first_differences, IsEmpty());
  EXPECT_GT(report->forgotten, 0U);
}

// The first events of a source that nobody waited for may be of long ago.
TEST(Rebuild, KnowsThatASourceJoinedLate) {
  const auto store = storage::make_memory_store();
  Daemon daemon(*store, options());
  feed_days(daemon, 0, 30);
  daemon.feed(event_line(1000, 10, "XA", 90, "wire"));
  daemon.commit();
  EXPECT_EQ(daemon.pipeline().take_counts().revisions, 1U);
  daemon.commit(/*checkpoint=*/true);
  const auto report = rebuild(*store, {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_THAT(report->first_differences, IsEmpty());
}

}  // namespace
}  // namespace tocsin::daemon
