#include "tests/load/loading.h"

namespace tocsin::rules {
namespace {

struct EmissionCase {
  std::string name;
  std::string lines;
  Emit emit;
};
std::ostream& operator<<(std::ostream& out, const EmissionCase& row) { return out << row.name; }

class Emission : public testing::TestWithParam<EmissionCase> {};

TEST_P(Emission, IsEarlyOnlyWhenStragglersCannotContradict) {
  const auto bundle = load_good(file_with(GetParam().lines));
  ASSERT_NE(bundle, nullptr);
  EXPECT_EQ(bundle->rules.at(0).emit, GetParam().emit);
}

std::string threshold(const std::string& measures, const std::string& when,
                      const std::string& indicator = "displacement.new",
                      const std::string& levels = "severity: watch") {
  return "kind: threshold\nselect: e.indicator == \"" + indicator +
         "\"\nby: [region@country]\ndetect: {measures: {" + measures + "}, when: '" + when +
         "'}\n" + levels + "\n";
}

std::string surge(const std::string& gap, const std::string& measure = "agg: count") {
  return "kind: surge\nselect: e.indicator == \"displacement.new\"\nby: [region@country]\n"
         "detect: {measure: {" +
         measure + ", window: 7d, every: 1d}, baseline: {gap: " + gap +
         "}, test: {method: negbin, surprise: 3.0}}\nseverity: watch\n";
}

constexpr const char* kCount = "n: {agg: count, window: 7d, every: 1d}";
constexpr const char* kSum = "n: {agg: sum, of: e.value, window: 7d, every: 1d}";
constexpr const char* kMean = "n: {agg: mean, of: e.value, window: 7d, every: 1d}";
constexpr const char* kMin = "n: {agg: min, of: e.value, window: 7d, every: 1d}";

INSTANTIATE_TEST_SUITE_P(
    Rules, Emission,
    testing::Values(
        EmissionCase{"Event",
                     "kind: event\nselect: e.indicator == \"rights.abuse\"\nseverity: watch\n"
                     "alert: {hold: 1d}\n",
                     Emit::kEarly},
        EmissionCase{"EventThatWaits",
                     "kind: event\nselect: e.indicator == \"rights.abuse\"\nseverity: watch\n"
                     "alert: {hold: 1d}\nemit: final\n",
                     Emit::kFinal},
        EmissionCase{"Count", threshold(kCount, "n >= 3"), Emit::kEarly},
        EmissionCase{"NumberFirst", threshold(kCount, "3 < n"), Emit::kEarly},
        EmissionCase{"CountBelow", threshold(kCount, "n < 3"), Emit::kFinal},
        EmissionCase{"CountEqual", threshold(kCount, "n == 3"), Emit::kFinal},
        EmissionCase{"NegatedCount", threshold(kCount, "!(n >= 3)"), Emit::kFinal},
        EmissionCase{"CountOfOnePlace", threshold(kCount, "n >= 3 && region.id == \"ML\""),
                     Emit::kEarly},
        EmissionCase{"SumOfNonNegative", threshold(kSum, "n >= 3.0"), Emit::kEarly},
        EmissionCase{"SumOfAnything", threshold(kSum, "n >= 3.0", "economy.growth"), Emit::kFinal},
        EmissionCase{"Mean", threshold(kMean, "n >= 3.0"), Emit::kFinal},
        EmissionCase{"Minimum", threshold(kMin, "n >= 3.0"), Emit::kFinal},
        EmissionCase{"Difference",
                     threshold(std::string(kCount) + ", m: {agg: count, window: 14d, every: 1d}",
                               "m - n < 2 && n >= 3"),
                     Emit::kFinal},
        EmissionCase{
            "LevelBelow",
            threshold(kCount, "n >= 3", "displacement.new", "levels: {watch: {when: \"n < 9\"}}"),
            Emit::kFinal},
        EmissionCase{"ExitBelowIsFine",
                     threshold(kCount, "n >= 3", "displacement.new",
                               "levels: {watch: {when: \"n >= 3\", exit: \"n < 2\"}}"),
                     Emit::kEarly},
        // Lateness of the only source that sends it is 3 d.
        EmissionCase{"SurgeWithGap", surge("3d"), Emit::kEarly},
        EmissionCase{"SurgeWithoutGap", surge("2d"), Emit::kFinal},
        EmissionCase{"Trend",
                     "kind: trend\nselect: e.indicator == \"displacement.new\"\nby: "
                     "[region@country]\ndetect: {series: {agg: count, pane: 1mo, points: 12}, "
                     "slope: {at_least: 1.0}}\nseverity: watch\n",
                     Emit::kFinal},
        EmissionCase{"NewTerm",
                     "kind: new_term\nselect: e.indicator == \"rights.abuse\"\nby: "
                     "[region@admin1]\ndetect: {term: [e.source], history: 1y, also_new_to: "
                     "[region@country]}\nlevels: {watch: {new_to: group}, warning: {new_to: "
                     "parent}}\nalert: {hold: 1d}\n",
                     Emit::kEarly},
        EmissionCase{"SurgeOfMean", surge("7d", "agg: mean, of: e.value"), Emit::kFinal},
        EmissionCase{"Absence",
                     "kind: absence\nselect: e.indicator == \"exclusion.situation_report\"\n"
                     "by: [region@country]\ndetect: {expect: {every: 7d}, roster: {learn: 30d}}\n"
                     "severity: watch\n",
                     Emit::kFinal}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace tocsin::rules
