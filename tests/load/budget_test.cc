#include "rules/load/budget.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <random>

#include "rules/engine.h"
#include "tests/load/loading.h"
#include "tests/support/event_builder.h"

// The estimate of the loader against what an engine counts for a group that is as busy as it says.
namespace tocsin::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using tocsin::testing::day;
using tocsin::testing::EventBuilder;

struct BudgetCase {
  std::string name;
  std::string rule;
  int days;                             // until all windows are full, at an event in six hours
  std::vector<std::string> indicators;  // one after another, again and again
};
std::ostream& operator<<(std::ostream& out, const BudgetCase& row) { return out << row.name; }

class Budget : public ::testing::TestWithParam<BudgetCase> {};

// Told by two sources, of which one falls silent for as long as it may hold the watermark back.
class BusyGroup {
 public:
  explicit BusyGroup(std::shared_ptr<const Bundle> bundle)
      : bundle_(std::move(bundle)),
        events_(bundle_->catalogue),
        engine_(bundle_, {.emit = bundle_->rules[0].emit}) {
    for (const char* source : {"desk", "iom"}) {
      engine_.expect_source(*bundle_->catalogue->find_source(source));
    }
  }

  uint64_t fill(int until, const std::vector<std::string>& indicators) {
    const Source& silent = bundle_->catalogue->source(*bundle_->catalogue->find_source("iom"));
    EventTime time = day(0);
    for (size_t i = 0; time < day(until) + silent.idle; ++i, time += hours(6)) {
      if (time < day(until)) {
        engine_.advance(*bundle_->catalogue->find_source("iom"), time - silent.lateness, out_);
      }
      feed(time, indicators[i % indicators.size()]);
    }
    return engine_.counters()[0].state_bytes;
  }

 private:
  // About 480 bytes when it is kept whole.
  void feed(EventTime time, const std::string& indicator) {
    std::string id(60, 'x');
    id += std::to_string(events_.last_seq());
    Event& event = events_.make(time, 3.0, "ML", indicator, "desk", std::move(id));
    const bool is_abuse = indicator == "rights.abuse";
    events_.with_attr(event, is_abuse ? "perpetrator" : "kind", std::string(300, 'a'));
    engine_.on_event(event, events_.last_seq(), out_);
  }

  std::shared_ptr<const Bundle> bundle_;
  EventBuilder events_;
  Engine engine_;
  Engine::Transitions out_;
};

TEST_P(Budget, IsWhatABusyGroupTakes) {
  const auto bundle = load_good(file_with(GetParam().rule + "limits: {state: 1GiB}\n"));
  ASSERT_NE(bundle, nullptr);
  const uint64_t estimate = bytes_per_group(*bundle->catalogue, bundle->rules[0]);
  const uint64_t kept = BusyGroup(bundle).fill(GetParam().days, GetParam().indicators);
  EXPECT_LE(kept, estimate);
  EXPECT_LE(estimate, 2 * kept) << "far too careful";
}

std::string of_two(const std::string& kind) {
  return "kind: " + kind +
         "\nselect: e.indicator in [\"rights.abuse\", \"displacement.new\"]\nby: [region@country]\n"
         "severity: watch\n";
}

std::string steps(const std::string& list) {
  return "kind: sequence\nby: [region@country]\nseverity: watch\nalert: {hold: 30d}\n"
         "detect: {steps: [" +
         list + "], span: 300d}\n";
}

std::string step(const std::string& name, const std::string& indicator) {
  return "{" + name + ": {select: 'e.indicator == \"" + indicator + "\"'}}";
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, Budget,
    ::testing::Values(
        BudgetCase{
            "OneCount",
            of_two("threshold") +
                "detect: {measures: {n: {agg: count, window: 28d, every: 1d}}, when: n >= 3}\n",
            40,
            {"rights.abuse"}},
        BudgetCase{"SeveralMeasures",
                   of_two("threshold") +
                       "detect: {measures: {n: {agg: count, window: 28d, every: 1d}, "
                       "s: {agg: sum, of: e.value, window: 91d, every: 1d}, "
                       "m: {agg: max, of: e.value, window: 7d, every: 1d}}, "
                       "when: n >= 3 && s > 2.0 && m > 1.0}\n",
                   100,
                   {"rights.abuse"}},
        BudgetCase{"DistinctIds",
                   of_two("threshold") +
                       "detect: {measures: {n: {agg: distinct, of: e.id, window: 70d, every: 7d}}, "
                       "when: n >= 3}\n",
                   90,
                   {"rights.abuse"}},
        BudgetCase{
            "WideWindowOfHours",
            of_two("threshold") +
                "detect: {measures: {n: {agg: count, window: 60d, every: 6h}}, when: n >= 3}\n",
            80,
            {"rights.abuse"}},
        BudgetCase{"Surge",
                   of_two("surge") +
                       "detect: {measure: {agg: count, window: 7d, every: 1d}, baseline: {history: "
                       "13, gap: 7d, min_history: 8}, test: {method: ratio, at_least: 3.0}}\n",
                   120,
                   {"rights.abuse"}},
        BudgetCase{"Trend",
                   of_two("trend") +
                       "detect: {series: {agg: count, pane: 7d, points: 20}, slope: {at_least: "
                       "1.0}}\n",
                   160,
                   {"rights.abuse"}},
        BudgetCase{"NewTerms",
                   of_two("new_term") +
                       "alert: {hold: 30d}\ndetect: {term: [e.id], history: 1y, max_terms: 100}\n",
                   40,
                   {"rights.abuse"}},
        BudgetCase{"EventsAtOnce", of_two("event") + "alert: {hold: 30d}\n", 40, {"rights.abuse"}},
        BudgetCase{"EventsThatWait",
                   of_two("event") + "alert: {hold: 30d}\nemit: final\n",
                   40,
                   {"rights.abuse"}},
        BudgetCase{"SequenceOfTwo",
                   steps(step("a", "rights.abuse") + ", " + step("b", "displacement.new")),
                   40,
                   {"rights.abuse"}},
        BudgetCase{"Absence",
                   of_two("absence") + "detect: {expect: {every: 14d}, roster: {learn: 7d}}\n",
                   40,
                   {"rights.abuse"}}),
    [](const auto& param) { return param.param.name; });

// In use on the heap; 0 where a sanitizer has its own.
uint64_t heap_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(BudgetOfAllRules, IsToldWithWhatIsNeededAndTheDearest) {
  Diagnostics diagnostics;
  BundlePaths paths{.catalogue = {data_path("catalogue")}, .rules = {data_path("good")}};
  const LoadedBundle loaded = read_bundle(paths, diagnostics);
  ASSERT_NE(loaded.bundle, nullptr);
  const std::vector<RuleCost> costs = rule_costs(*loaded.bundle);
  uint64_t total = 0;
  for (const RuleCost& cost : costs) total += cost.bytes();
  paths.state_budget = total;
  EXPECT_NE(read_bundle(paths, diagnostics).bundle, nullptr);
  EXPECT_EQ(diagnostics.errors(), 0);
  paths.state_budget = total - 1;
  EXPECT_EQ(read_bundle(paths, diagnostics).bundle, nullptr);
  ASSERT_EQ(diagnostics.errors(), 1);
  const Diagnostic told = diagnostics.sorted().back();
  EXPECT_EQ(told.code, "T0388");
  EXPECT_NE(told.message.find(costs.front().rule + " " + readable_bytes(costs.front().bytes())),
            std::string::npos)
      << told.message;
}

// 200,000 keys that come once, over two months: the limit is always full, of ever other groups.
TEST(BudgetInAStorm, HoldsTheStateAndTheHeapWithWhatTheAllocatorAdds) {
  const auto bundle = load_good(
      file_with("kind: threshold\nselect: e.indicator == \"rights.abuse\"\neach: e.actors\nby: "
                "[region@country, each]\ndetect: {measures: {n: {agg: count, window: 7d, every: "
                "1d}}, when: n >= 30}\nseverity: watch\nlimits: {groups: 2000}\n"));
  ASSERT_NE(bundle, nullptr);
  const Catalogue& world = *bundle->catalogue;
  const uint64_t budget =
      groups_of(world, bundle->rules[0]) * bytes_per_group(world, bundle->rules[0]);
  const uint64_t heap_before = heap_bytes();
  Engine engine(bundle, {});
  Engine::Transitions out;
  Event event;
  event.source = *world.find_source("desk");
  event.indicator = *world.find_indicator("rights.abuse");
  event.region = *world.find_region("ML");
  std::mt19937_64 random(7);
  uint64_t state = 0;
  uint64_t heap = 0;
  uint64_t most_groups = 0;
  for (JournalSeq seq = 1; seq <= 200'000; ++seq) {
    const std::string key = std::to_string(random());
    const std::string_view actor = key;
    event.id = actor;
    event.actors = {&actor, 1};
    event.time = event.time_end = day(60.0 * static_cast<double>(seq) / 200'000);
    engine.on_event(event, seq, out);
    out.clear();
    if (seq % 500 != 0) continue;
    state = std::max(state, engine.state_bytes());
    heap = std::max(heap, heap_bytes() - heap_before);
    most_groups = std::max(most_groups, engine.counters()[0].groups);
  }
  EXPECT_EQ(most_groups, 2'000U);
  EXPECT_GT(engine.counters()[0].refused, 150'000U);
  EXPECT_LE(state, budget);
  EXPECT_LE(heap, state + state / 4) << "the state that is counted is what is there";
}

}  // namespace
}  // namespace tocsin::rules
