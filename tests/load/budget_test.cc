#include "rules/load/budget.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace tocsin::rules
