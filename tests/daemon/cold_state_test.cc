#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "storage/key_value_store.h"
#include "storage/memory_key_value.h"
#include "storage/memory_store.h"
#include "storage/rocksdb_store.h"
#include "tests/daemon/fed_pipeline.h"
#include "tests/daemon/temporary_folder.h"

// Groups that lie idle are in the store alone: nobody sees the difference, and one that cannot be
// read back stops the commit.
namespace tocsin::daemon {
namespace {

using ::testing::HasSubstr;

constexpr const char* kSides = R"(tocsin: catalogue/1
indicators:
  violence.clash: {driver: violence, unit: deaths, meaning: made up, attrs: {side: {type: string, cardinality: 10000}}}
sources:
  desk: {title: Desk, lateness: 1d, correction_horizon: 10d, tlp: clear, indicators: [violence.clash]}
regions:
  declare: {XA: {names: {en: Alpha}}, XB: {names: {en: Beta}}, XC: {names: {en: Gamma}}}
)";

constexpr const char* kRulesOfSides = R"(tocsin: rules/1
package: test
defaults: {status: draft, driver: violence, stage: latent, limits: {groups: 100000, new_groups_per_hour: 100000, state: 1GiB}}
signals:
  clashes:
    select: e.indicator == "violence.clash"
    by: [region@country]
    measure: {agg: count, window: 2d, every: 1d}
rules:
  - rule: counted
    kind: threshold
    title: T
    select: e.indicator == "violence.clash"
    by: [region@country, e.attrs.side]
    detect: {measures: {n: {agg: count, window: 4d, every: 1d}}, when: "n >= 3"}
    severity: watch
  - rule: first
    kind: new_term
    title: T
    select: e.indicator == "violence.clash"
    by: [region@country]
    detect: {term: [e.attrs.side], history: 20d}
    levels: {info: {}, watch: {when: 'signal("clashes") >= 4.0'}}
    alert: {hold: 1d}
)";

rules::BundleText text_of_sides() {
  rules::BundleText text;
  text.catalogue.push_back({"catalogue.yaml", kSides});
  text.rules.push_back({"rules.yaml", kRulesOfSides});
  return text;
}

std::string side_line(int number, int hour, const std::string& side, const char* region) {
  const EventTime time = parse_time("2020-01-01").value() + std::chrono::hours(hour);
  return fmt::format(
      R"({{"id":"e{}","source":"desk","indicator":"violence.clash","time":"{}","region":"{}","value":1,"attrs":{{"side":"{}"}}}})"
      "\n",
      number, format_time(time), region, side);
}

PipelineOptions cooling(size_t shards = 1, size_t memory = 0) {
  PipelineOptions cooling = options(shards);
  cooling.state_memory = memory;
  return cooling;
}

uint64_t sum(const Pipeline& pipeline, uint64_t rules::RuleCounters::*counter) {
  uint64_t sum = 0;
  for (const rules::RuleCounters& counters : pipeline.engine().counters()) sum += counters.*counter;
  return sum;
}

std::map<std::string, std::string> state_of(const storage::Store& store) {
  std::map<std::string, std::string> state;
  EXPECT_TRUE(store.read_state([&](std::string_view key, std::string_view value) {
    if (Pipeline::is_of_the_journal(key)) state.emplace(key, value);
  }));
  return state;
}

std::vector<std::string> alerts_of(const storage::Store& store) {
  std::vector<std::string> lines;
  EXPECT_TRUE(store.read_alert_log(0, [&](const storage::Store::StoredAlert& alert) {
    lines.push_back(alert.json);
    return true;
  }));
  return lines;
}

// Over forty days, from 60 sides, of which some are heard of often and most hardly ever.
std::vector<std::string> batches_of(uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::string> batches;
  for (int i = 0; i < 800; ++i) {
    if (i % 20 == 0) batches.emplace_back();
    const auto side = random() % 3 == 0 ? random() % 4 : random() % 60;
    const char* const regions[] = {"XA", "XB", "XC"};
    batches.back() += side_line(i, i * 6 / 5, fmt::format("s{}", side), regions[random() % 3]);
  }
  return batches;
}

TEST(ColdState, ChangesNothingOverTheRealStore) {
  for (const size_t shards : {1U, 3U}) {
    std::vector<std::vector<std::string>> alerts;
    std::vector<std::map<std::string, std::string>> states;
    for (const bool cools : {false, true}) {
      const TemporaryFolder folder;
      auto store = storage::open_rocksdb_store({.path = folder.path("data")});
      ASSERT_TRUE(store) << store.error().message;
      const PipelineOptions how = cools ? cooling(shards) : options(shards);
      auto daemon = std::make_unique<Daemon>(**store, how, text_of_sides());
      uint64_t reads = 0;
      size_t fed = 0;
      for (const std::string& batch : batches_of(3)) {
        daemon->feed(batch);
        daemon->commit(/*checkpoint=*/true);
        if (++fed % 15 != 0) continue;
        reads += sum(daemon->pipeline(), &rules::RuleCounters::cold_reads);
        daemon = std::make_unique<Daemon>(**store, how, text_of_sides());
        EXPECT_EQ(daemon->warning(), "");
      }
      EXPECT_EQ(sum(daemon->pipeline(), &rules::RuleCounters::cold_groups) > 0, cools);
      EXPECT_EQ(reads > 50, cools) << reads;
      alerts.push_back(alerts_of(**store));
      states.push_back(state_of(**store));
    }
    EXPECT_GT(alerts[0].size(), 50U);
    EXPECT_EQ(alerts[0], alerts[1]);
    EXPECT_EQ(states[0], states[1]);
  }
}

// What lies in the store may be more than there is memory for.
TEST(ColdState, ARestartKeepsToTheMemory) {
  constexpr int kGroups = 20'000;
  const auto store = storage::make_memory_store();
  size_t state = 0;
  {
    Daemon daemon(*store, options(), text_of_sides());
    std::string lines;
    for (int i = 0; i < kGroups; ++i)
      lines += side_line(i, i / 500, fmt::format("side{}", i), "XA");
    daemon.feed(lines);
    daemon.commit(/*checkpoint=*/true);
    state = daemon.pipeline().engine().resident_bytes();
  }
  const size_t memory = state / 2;
  Daemon daemon(*store, cooling(1, memory), text_of_sides());
  EXPECT_EQ(daemon.warning(), "");
  const ShardedEngine& engine = daemon.pipeline().engine();
  // What was restored since the last look stays.
  EXPECT_LE(engine.resident_bytes(), memory + memory / 5);
  EXPECT_GT(engine.state_bytes(), state - state / 10);
  EXPECT_EQ(sum(daemon.pipeline(), &rules::RuleCounters::groups), kGroups + 1U);
  RecordProperty("bytes_a_cold_group",
                 std::to_string((engine.resident_bytes()) /
                                sum(daemon.pipeline(), &rules::RuleCounters::cold_groups)));
}

// Tables that tell of each write.
class WatchedTables : public storage::MemoryKeyValue {
 public:
  explicit WatchedTables(const std::function<void()>& on_write) : on_write_(on_write) {}
  Status write(storage::Writes& writes, bool sync) override {
    if (on_write_) on_write_();
    return MemoryKeyValue::write(writes, sync);
  }

 private:
  const std::function<void()>& on_write_;
};

// State of many groups that lie idle, which another number of shards cannot read.
class ColdRebuild : public ::testing::Test {
 protected:
  void fill(size_t events) {
    auto opened = storage::KeyValueStore::open(std::make_unique<WatchedTables>(on_write_), {});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    Daemon daemon(*store_, options(), text_of_sides());
    std::string lines;
    for (size_t i = 0; i < events; ++i) {
      const bool is_hot = i % 100 == 0;
      lines += side_line(static_cast<int>(i), static_cast<int>(i / 500),
                         is_hot ? "hot" : fmt::format("side{}", i), is_hot ? "XB" : "XA");
      if (i % 5000 != 0 && i + 1 < events) continue;
      daemon.feed(lines);
      daemon.commit(/*checkpoint=*/true);
      lines.clear();
    }
    state_ = daemon.pipeline().engine().state_bytes();
    EXPECT_GT(sum(daemon.pipeline(), &rules::RuleCounters::groups), events - events / 50);
  }

  // With two shards. `stops`: when most of the journal was read, it is told to.
  std::string start(std::optional<size_t> memory, bool stops = false) {
    PipelineOptions how = options(2);
    how.state_memory = memory;
    const std::string text = rules::serialize(text_of_sides());
    Pipeline pipeline(*store_, compile(text), text, how);
    resident_.clear();
    on_write_ = [&] { resident_.push_back(pipeline.engine().resident_bytes()); };
    std::string warning;
    const auto progress = [stops](uint64_t done, uint64_t) { return !stops || done == 0; };
    const Status status = pipeline.recover(compile, progress, warning, {});
    on_write_ = nullptr;
    resident_.push_back(pipeline.engine().resident_bytes());
    EXPECT_EQ(status.has_value(), !stops);
    if (status) {
      EXPECT_TRUE(pipeline.commit({}, /*checkpoint=*/true));
    }
    return warning;
  }

  static constexpr const char* kOtherShards =
      "the number of shards or the format of saved state has changed, or it is damaged: state is "
      "rebuilt from the whole journal";

  std::function<void()> on_write_;
  std::unique_ptr<storage::Store> store_;
  size_t state_ = 0;              // bytes
  std::vector<size_t> resident_;  // bytes, at each write of the recovery and at its end
};

TEST_F(ColdRebuild, KeepsToTheMemoryAndComesToTheSame) {
  fill(40'000);
  const size_t memory = state_ / 2;
  const auto alerts = alerts_of(*store_);
  EXPECT_EQ(start(memory), kOtherShards);
  EXPECT_GE(resident_.size(), 4U) << "it made room";
  const size_t most = memory + state_ / 3;  // with what comes, and is read, until it does so again
  for (const size_t bytes : resident_) EXPECT_LE(bytes, most);
  EXPECT_EQ(start(memory), "") << "it is done";
  const auto state = state_of(*store_);
  EXPECT_EQ(alerts_of(*store_), alerts);

  fill(40'000);
  EXPECT_EQ(start(std::nullopt), kOtherShards);
  EXPECT_GT(resident_.back(), most) << "or nothing was shown";
  EXPECT_TRUE(state_of(*store_) == state);
}

TEST_F(ColdRebuild, BeginsAgainWhenItWasCutOff) {
  fill(70'000);
  const size_t memory = state_ / 2;
  const auto alerts = alerts_of(*store_);
  EXPECT_EQ(start(memory, /*stops=*/true), kOtherShards);
  EXPECT_FALSE(state_of(*store_).empty()) << "some was saved by then";
  EXPECT_EQ(start(memory),
            "a rebuild of the state has not come to its end: state is rebuilt from the whole "
            "journal");
  EXPECT_EQ(start(memory), "");
  const auto state = state_of(*store_);
  EXPECT_EQ(alerts_of(*store_), alerts);

  fill(70'000);
  EXPECT_EQ(start(std::nullopt), kOtherShards);
  EXPECT_TRUE(state_of(*store_) == state);
}

class UnreadableState : public storage::MemoryKeyValue {
 public:
  explicit UnreadableState(const bool& fails) : fails_(fails) {}
  Result<std::optional<std::string>> get(storage::Table table,
                                         std::string_view key) const override {
    if (fails_ && table == storage::Table::kState) return unavailable("no answer");
    return MemoryKeyValue::get(table, key);
  }

 private:
  const bool& fails_;
};

class ColdFault : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened =
        storage::KeyValueStore::open(std::make_unique<UnreadableState>(is_unreadable_), {});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    start();
    daemon_->feed(side_line(1, 1, "a", "XA") + side_line(2, 2, "b", "XA"));
    for (int i = 0; i < 4; ++i) daemon_->commit(/*checkpoint=*/true);
    ASSERT_GE(sum(daemon_->pipeline(), &rules::RuleCounters::cold_groups), 2U);
    key_ = std::string("shard/1/0/gtest/counted\0XA\0a\0", 29);
    ASSERT_TRUE(store_->get_state(key_).value());
  }

  void start() { daemon_ = std::make_unique<Daemon>(*store_, cooling(), text_of_sides()); }

  // The commit of the next event must fail and leave nothing.
  Error fail() {
    const JournalSeq last = store_->last_seq();
    daemon_->feed(side_line(3, 3, "a", "XA"));
    const Status status = daemon_->pipeline().commit({}, true);
    EXPECT_FALSE(status);
    EXPECT_EQ(store_->last_seq(), last);
    EXPECT_FALSE(daemon_->pipeline().commit({}, false)) << "it is of no more use";
    return status ? Error{} : status.error();
  }

  // What a daemon says that nothing ever happened to.
  static std::map<std::string, std::string> state_without_fault() {
    const auto store = storage::make_memory_store();
    Daemon daemon(*store, options(), text_of_sides());
    daemon.feed(side_line(1, 1, "a", "XA") + side_line(2, 2, "b", "XA"));
    daemon.commit(/*checkpoint=*/true);
    daemon.feed(side_line(3, 3, "a", "XA"));
    daemon.commit(/*checkpoint=*/true);
    return state_of(*store);
  }
  void go_on() {
    daemon_->feed(side_line(3, 3, "a", "XA"));
    daemon_->commit(/*checkpoint=*/true);
    EXPECT_EQ(state_of(*store_), state_without_fault());
  }

  bool is_unreadable_ = false;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Daemon> daemon_;
  std::string key_;
};

TEST_F(ColdFault, OfTheDiskLeavesTheStateToTheNextStart) {
  is_unreadable_ = true;
  const Error error = fail();
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_EQ(error.message,
            "read back the saved state of group `XA/a` of `test/counted`: no answer");
  is_unreadable_ = false;
  start();
  EXPECT_EQ(daemon_->warning(), "");
  go_on();
}

TEST_F(ColdFault, OfTheEntryHasTheNextStartRebuildFromTheJournal) {
  const std::string whole = store_->get_state(key_).value().value();
  std::string turned = whole;
  turned[turned.size() / 2] ^= '\x10';
  for (const std::string& bytes : {turned, std::string()}) {
    SCOPED_TRACE(bytes.empty() ? "it is gone" : "a bit has turned");
    storage::Batch& batch = store_->begin();
    batch.put_state(key_, bytes);
    ASSERT_TRUE(store_->commit(batch, {}));
    const Error error = fail();
    EXPECT_EQ(error.code, ErrorCode::kUnavailable) << "to be opened again";
    EXPECT_THAT(error.message, HasSubstr("read back the saved state of group `XA/a`"));
    EXPECT_THAT(error.message, HasSubstr("state is rebuilt from the whole journal"));
    start();
    EXPECT_THAT(daemon_->warning(), HasSubstr("state is rebuilt from the whole journal"));
    start();
    EXPECT_EQ(daemon_->warning(), "") << "once";
    for (int i = 0; i < 4; ++i) daemon_->commit(/*checkpoint=*/true);
    EXPECT_EQ(store_->get_state(key_).value(), whole);
  }
  go_on();
}

}  // namespace
}  // namespace tocsin::daemon
