#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/statistics.h"
#include "tests/rules/written_rules.h"

namespace tocsin::rules {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Series {
  std::vector<double> values;
  uint32_t panes;
  double change;
};

// Computed by hand in Python: median of pairwise slopes * panes / (1.4826 * MAD(steps) * sqrt(n)).
class ChangeInNoise : public ::testing::TestWithParam<Series> {};
TEST_P(ChangeInNoise, IsSlopeOverWindowAgainstTheNoiseOfSteps) {
  std::vector<SeriesPoint> points;
  for (size_t i = 0; i < GetParam().values.size(); ++i) {
    points.push_back({static_cast<double>(i), GetParam().values[i]});
  }
  std::vector<double> scratch;
  EXPECT_NEAR(change_in_noise(points, GetParam().panes, 0, scratch), GetParam().change, 1e-6);
}
INSTANTIATE_TEST_SUITE_P(
    Table, ChangeInNoise,
    ::testing::Values(Series{{1, 2, 4, 5, 7, 8}, 6, 10.0},
                      Series{{10, 9.5, 9.9, 8.7, 8.1, 8.4, 7.2, 7.3}, 8, -1.240036},
                      Series{{3, 3, 3, 3}, 4, 0.0},      // nothing moves
                      Series{{1, 2, 3, 4, 5}, 5, 10.0},  // no noise: the most there is
                      Series{{5, 4, 3, 2, 1}, 5, -10.0}));

TEST(ChangeInNoise, TakesSmallStepsForNoise) {
  const std::vector<SeriesPoint> points = {{0, 3}, {1, 3.001}, {2, 3.001}, {3, 3.002}};
  std::vector<double> scratch;
  EXPECT_GT(change_in_noise(points, 4, 0, scratch), 0.5);
  EXPECT_NEAR(change_in_noise(points, 4, 0.05, scratch), 0.000666667 * 4 / (0.05 * 2), 1e-2);
}

std::string rule(const std::string& detect, const std::string& more = {}) {
  return "rules:\n  - {rule: apart, kind: divergence, " + kHead +
         ", by: [region@country], detect: {window: 40d, pane: 5d, min_points: 6, better: [{signal: "
         "justice.inquiry_opened, direction: up}], worse: [{signal: violence.attack, direction: "
         "up}], when: better >= 1.0 && worse >= 1.0" +
         detect + "}, severity: warning" + more + "}\n";
}

void feed_both(EngineHarness& harness, const std::vector<double>& better,
               const std::vector<double>& worse) {
  for (size_t i = 0; i < worse.size(); ++i) {
    const EventTime at = day(5.0 * static_cast<double>(i) + 1);
    if (i < better.size()) {
      harness.feed(at, better[i], "XA-1", "justice.inquiry_opened");
      harness.feed(at, 5 + better[i] * 0.01 * static_cast<double>(i % 2), "XB-1",
                   "justice.inquiry_opened");
    }
    harness.feed(at, worse[i], "XA-2");
    harness.feed(at, worse[i], "XB-1");
  }
  harness.finish(day(46));
}

TEST(Divergence, FiresWhereBothSidesRise) {
  EngineHarness harness(written(small_world(), rule("")));
  feed_both(harness, {1, 2, 4, 5, 7, 8, 9, 11}, {2, 3, 5, 7, 8, 10, 11, 13});
  EXPECT_THAT(harness.lines(), Contains("fire warning d28 XA"));
  for (const std::string& line : harness.lines()) EXPECT_EQ(line.find("XB"), std::string::npos);
  ASSERT_FALSE(harness.log.empty());
  EXPECT_FALSE(harness.log[0].evidence.empty());
}

TEST(Divergence, IsNotKnownWhereASideHasTooLittleData) {
  EngineHarness harness(written(small_world(), rule(", coverage: 0.5")));
  feed_both(harness, {1, 2, 4}, {2, 3, 5, 7, 8, 10, 11, 13});
  EXPECT_THAT(harness.lines(), IsEmpty());
  EXPECT_EQ(harness.engine->counters().front().evaluation_errors, 0U);
}

class DivergenceProperty : public ::testing::TestWithParam<uint32_t> {};

TEST_P(DivergenceProperty, OrderOfArrivalAndRestartsChangeNothing) {
  const auto bundle = written(small_world(), rule("", ", alert: {keep_firing_for: 5d}"));
  std::mt19937 random(GetParam());
  std::vector<Told> events;
  for (int i = 0; i < 400; ++i) {
    const auto ms = static_cast<int64_t>(random() % (120ULL * 86'400'000));
    const double trend = static_cast<double>(ms) / 86'400'000 / 10;
    events.push_back({tocsin::testing::kEpoch2020 + Milliseconds(ms),
                      trend + static_cast<double>(random() % 5),
                      std::vector<std::string>{"XA-1", "XA-2", "XB-1"}[random() % 3],
                      random() % 2 == 0 ? "violence.attack" : "justice.inquiry_opened", "desk"});
  }
  std::sort(events.begin(), events.end(),
            [](const Told& a, const Told& b) { return a.time < b.time; });
  const auto sorted = said(bundle, events, day(200));
  EXPECT_FALSE(sorted.empty());
  EXPECT_EQ(said(bundle, shuffled(events, kDay, GetParam()), day(200)), sorted);
  EXPECT_EQ(said(bundle, events, day(200), true), sorted);
}

INSTANTIATE_TEST_SUITE_P(Seeds, DivergenceProperty, ::testing::Range(1U, 9U));

}  // namespace
}  // namespace tocsin::rules
