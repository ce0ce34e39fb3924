#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "rules/saved_state.h"
#include "tests/rules/written_rules.h"

// Groups that lie idle are put out of memory and read back when they are needed. That every kind
// says the same with it is shown by tests/oracle/cold_twin_test.cc.
namespace tocsin::rules {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string counting(const std::string& more = {}) {
  return "rules:\n  - {rule: r, kind: threshold, " + kHead +
         ", select: 'e.indicator == \"violence.attack\"', by: [e.attrs.side], "
         "detect: {measures: {n: {agg: count, window: 4d, every: 1d}}, when: 'n >= 3'}, "
         "severity: watch" +
         more + "}\n";
}

class ColdGroups : public ::testing::Test, protected SavedState {
 protected:
  void begin(const std::string& rules, bool cools = true) {
    bundle_ = written(small_world(), rules);
    events_.emplace(bundle_->catalogue);
    engine_ = std::make_unique<Engine>(bundle_, EngineOptions{.saved = cools ? this : nullptr});
  }

  void hit(EventTime at, const std::string& side) {
    const Event& event =
        events_->with_attr(events_->make(at, 1.0, "XA-1", "violence.attack", "desk"), "side", side);
    engine_->on_event(event, events_->last_seq(), log_);
  }
  // `count` groups that one event came to.
  void hit_each(EventTime at, int count) {
    for (int i = 0; i < count; ++i) hit(at, "side" + std::to_string(i));
  }
  void save() {
    engine_->save([this](std::string_view key, std::string_view value) {
      if (value.empty()) {
        saved_.erase(std::string(key));
      } else {
        saved_.insert_or_assign(std::string(key), std::string(value));
      }
    });
  }
  // All that may go goes.
  void cool() {
    save();
    engine_->cool(0);
    engine_->cool(0);
  }
  RuleCounters counters() const { return engine_->counters().front(); }
  size_t saved_groups() const {
    return static_cast<size_t>(std::count_if(saved_.begin(), saved_.end(), [](const auto& entry) {
      return entry.first.starts_with("gp/r");
    }));
  }
  std::string& entry_of(const std::string& side) {
    return saved_.at(std::string("gp/r\0", 5) + side + '\0');
  }

  std::map<std::string, std::string, std::less<>> saved_;
  std::function<std::optional<Error>()> problem_ = [] { return std::nullopt; };
  std::shared_ptr<const Bundle> bundle_;
  std::optional<EventBuilder> events_;
  std::unique_ptr<Engine> engine_;
  Engine::Transitions log_;

 private:
  Result<std::optional<std::string>> read(std::string_view key) const override {
    if (const auto problem = problem_()) return *problem;
    const auto found = saved_.find(key);
    if (found == saved_.end()) return std::optional<std::string>();
    return std::optional(found->second);
  }
};

TEST_F(ColdGroups, LeaveMemoryAndComeBackWithTheNextEvent) {
  begin(counting());
  hit_each(day(1), 100);
  const size_t before = engine_->resident_bytes();
  cool();
  EXPECT_EQ(counters().cold_groups, 100U);
  EXPECT_EQ(counters().groups, 100U) << "they are there as before";
  EXPECT_EQ(engine_->state_bytes(), before);
  EXPECT_LT(engine_->resident_bytes(), before / 2);
  hit(day(1.1), "side7");
  EXPECT_EQ(counters().cold_groups, 99U);
  EXPECT_EQ(counters().cold_reads, 1U);
  hit(day(1.2), "side7");
  ASSERT_THAT(brief(log_), ::testing::ElementsAre("~fire watch d1.2 side7")) << "all three count";
  EXPECT_EQ(counters().cold_reads, 1U);
  RecordProperty("resident_bytes_before", std::to_string(before));
  RecordProperty("resident_bytes_after", std::to_string(engine_->resident_bytes()));
}

TEST_F(ColdGroups, OnlyThoseGoThatLieIdle) {
  begin(counting());
  hit_each(day(1), 3);
  cool();
  for (int i = 0; i < 3; ++i) hit(day(1.1), "fires");
  hit(day(1.1), "side0");
  hit(day(1.1), "new");
  engine_->cool(0);
  engine_->cool(0);
  EXPECT_EQ(counters().cold_groups, 2U) << "what changed since the last save stays";
  save();
  engine_->cool(0);
  engine_->cool(0);
  EXPECT_EQ(counters().cold_groups, 4U) << "an alert that is open keeps its group";
  hit(day(1.2), "new");
  save();
  hit(day(1.3), "elsewhere");
  engine_->cool(0);
  EXPECT_EQ(counters().cold_groups, 3U) << "it was used since the last look";
  engine_->cool(0);
  EXPECT_EQ(counters().cold_groups, 4U);
}

TEST_F(ColdGroups, GoUntilTheRestFits) {
  begin(counting());
  hit_each(day(1), 200);
  save();
  const size_t all = engine_->resident_bytes();
  engine_->cool(all);
  engine_->cool(all);
  EXPECT_EQ(counters().cold_groups, 0U);
  engine_->cool(all / 2);
  engine_->cool(all / 2);
  EXPECT_LE(engine_->resident_bytes(), all / 2);
  EXPECT_GT(engine_->resident_bytes(), all / 2 - 2000) << "and no more of them";
}

TEST_F(ColdGroups, CountAtTheLimits) {
  begin(counting(", limits: {groups: 3}"));
  hit_each(day(1), 3);
  cool();
  ASSERT_EQ(counters().cold_groups, 3U);
  hit(day(1), "fourth");
  EXPECT_EQ(counters().refused, 1U);
  hit(day(1), "side1");
  EXPECT_EQ(counters().refused, 1U) << "it is known";
}

TEST_F(ColdGroups, GoAtTheirTimeWithWhatWasSavedOfThem) {
  begin(counting());
  hit_each(day(1), 5);
  cool();
  ASSERT_EQ(counters().cold_groups, 5U);
  ASSERT_EQ(saved_groups(), 5U);
  hit(day(30), "late");
  save();
  EXPECT_EQ(counters().groups, 1U);
  EXPECT_EQ(saved_groups(), 1U);
  EXPECT_EQ(counters().cold_groups, 0U);
}

TEST_F(ColdGroups, GoWithTheirRule) {
  begin(counting());
  hit_each(day(1), 5);
  cool();
  Engine::Transitions begun;
  engine_->activate(written(small_world(), "rules: []\n"), log_, begun);
  save();
  EXPECT_EQ(saved_groups(), 0U);
  EXPECT_FALSE(engine_->fault());
}

TEST_F(ColdGroups, ThereAreNoneWithoutSavedState) {
  begin(counting(), /*cools=*/false);
  hit_each(day(1), 5);
  cool();
  EXPECT_EQ(counters().cold_groups, 0U);
  EXPECT_EQ(engine_->resident_bytes(), engine_->state_bytes());
}

// One that cannot be had is neither made anew nor left out in silence.
TEST_F(ColdGroups, AFailedReadIsAFault) {
  struct Row {
    std::string name;
    std::function<void()> happens;
    ErrorCode code;
    std::string text;
  };
  std::string older;
  const std::vector<Row> rows = {
      {"the disk does not answer", [&] { problem_ = [] { return unavailable("no answer"); }; },
       ErrorCode::kUnavailable, "no answer"},
      {"it is gone", [&] { saved_.erase(std::string("gp/r\0side1\0", 11)); }, ErrorCode::kCorrupt,
       "it is not there"},
      {"a bit has turned", [&] { entry_of("side1")[60] ^= 1; }, ErrorCode::kCorrupt,
       "it is damaged"},
      {"it is cut off", [&] { entry_of("side1").resize(40); }, ErrorCode::kCorrupt,
       "it is damaged"},
      {"it is of another group", [&] { entry_of("side1") = entry_of("side2"); },
       ErrorCode::kCorrupt, "it is damaged"},
      {"it is an older one", [&] { entry_of("side1") = older; }, ErrorCode::kCorrupt,
       "it is not what was saved last"},
  };
  for (const Row& row : rows) {
    saved_.clear();
    log_.clear();
    problem_ = [] { return std::nullopt; };
    begin(counting());
    hit_each(day(1), 3);
    save();
    older = entry_of("side1");
    hit(day(3), "other");  // the first tick of the groups
    cool();
    ASSERT_GE(counters().cold_groups, 3U) << row.name;
    row.happens();
    hit(day(3.1), "side1");
    ASSERT_TRUE(engine_->fault()) << row.name;
    EXPECT_EQ(engine_->fault()->code, row.code) << row.name;
    EXPECT_EQ(engine_->fault()->message,
              "read back the saved state of group `side1` of `p/r`: " + row.text);
    EXPECT_EQ(counters().groups, 4U) << row.name;
    problem_ = [] { return unavailable("later"); };
    hit(day(30), "other");  // all would go
    EXPECT_THAT(engine_->fault()->message, HasSubstr(row.text)) << "the first one is told";
    EXPECT_THAT(log_, IsEmpty()) << row.name;
  }
}

}  // namespace
}  // namespace tocsin::rules
