#include <gmock/gmock.h>

#include <algorithm>

#include "tests/load/loading.h"

namespace tocsin::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kRule = R"(tocsin: rules/1
package: p
defaults: {status: draft}
lists: {feeds: [iom, desk]}
rules:
  - rule: r
    kind: surge
    title: T
    driver: displacement
    stage: escalation
    select: e.indicator == "displacement.new" && e.source in list.feeds
    by: [region@country]
    detect:
      measure: {agg: count, window: 7d, every: 1d}
      test: {method: negbin, surprise: 3.0}
      floor: 4
    levels: {watch: {surprise: 3.0}, warning: {surprise: 5.0}}
    tunable: [detect.floor, levels.warning.surprise, region]
)";

std::string overlays(const std::string& items) {
  return "tocsin: rules/1\npackage: site\noverlays:\n" + items;
}

const std::string kFloor = overlays("  - {rule: p/r, set: {detect.floor: 6, status: shadow}}\n");
const std::string kLevel = overlays(
    "  - {rule: p/r, set: {levels.warning.surprise: 7.0}, lists: {feeds: {append: "
    "[monitor-sahel], remove: [desk]}}}\n");

std::shared_ptr<const Bundle> load(const std::vector<NamedText>& files) {
  Diagnostics diagnostics;
  auto bundle = load_bundle(with_rules(files), diagnostics);
  for (const Diagnostic& d : diagnostics.all()) ADD_FAILURE() << to_text(d);
  return bundle;
}

TEST(Overlays, SetWhatTheRuleOpens) {
  const auto plain = load({{"r.yaml", kRule}});
  const auto bundle = load({{"r.yaml", kRule}, {"a.yaml", kFloor}, {"b.yaml", kLevel}});
  ASSERT_TRUE(plain != nullptr && bundle != nullptr);
  const Rule& rule = bundle->rules[0];
  EXPECT_EQ(std::get<SurgeDetect>(plain->rules[0].detect).floor, 4);
  EXPECT_EQ(std::get<SurgeDetect>(rule.detect).floor, 6);
  EXPECT_EQ(rule.status, RuleStatus::kShadow);
  EXPECT_EQ(rule.levels[1].when->source(), "score >= 7.0");
  EXPECT_THAT(rule.tunable, ElementsAre("region"));
  EXPECT_NE(rule.hash, plain->rules[0].hash);
}

TEST(Overlays, OfNumbersKeepTheShape) {
  const auto plain = load({{"r.yaml", kRule}});
  const auto tuned = load({{"r.yaml", kRule}, {"a.yaml", kFloor}});
  const auto other_list = load({{"r.yaml", kRule}, {"a.yaml", kLevel}});
  EXPECT_EQ(plain->rules[0].shape, tuned->rules[0].shape);
  EXPECT_NE(plain->rules[0].shape, other_list->rules[0].shape);
}

TEST(Overlays, OrderAndNamesOfFilesDoNotCount) {
  const auto first = load({{"r.yaml", kRule}, {"a.yaml", kFloor}, {"b.yaml", kLevel}});
  const auto other = load({{"a.yaml", kLevel}, {"b.yaml", kFloor}, {"z.yaml", kRule}});
  EXPECT_EQ(first->rules[0].hash, other->rules[0].hash);
  EXPECT_EQ(first->rules[0].shape, other->rules[0].shape);
}

TEST(Overlays, DoTheSameAsAnEditOfTheFile) {
  std::string edited = kRule;
  const auto replace = [&](const std::string& from, const std::string& to) {
    edited.replace(edited.find(from), from.size(), to);
  };
  replace("floor: 4", "floor: 6");
  replace("{status: draft}", "{status: shadow}");
  replace("surprise: 5.0", "surprise: 7.0");
  replace("[iom, desk]", "[iom, monitor-sahel]");
  const auto by_hand = load({{"r.yaml", edited}});
  const auto laid_over = load({{"r.yaml", kRule}, {"a.yaml", kFloor}, {"b.yaml", kLevel}});
  EXPECT_EQ(by_hand->rules[0].hash, laid_over->rules[0].hash);
}

TEST(Overlays, ThatSetTheSameAreRefusedWhateverTheirFiles) {
  for (const bool is_turned : {false, true}) {
    Diagnostics diagnostics;
    std::vector<NamedText> files = {
        {"r.yaml", kRule},
        {"a.yaml", kFloor},
        {"b.yaml", overlays("  - {rule: p/r, set: {detect.floor: 6}}\n")}};
    if (is_turned) std::reverse(files.begin(), files.end());
    EXPECT_EQ(load_bundle(with_rules(files), diagnostics), nullptr);
    ASSERT_EQ(diagnostics.all().size(), 1U);
    EXPECT_EQ(diagnostics.all()[0].code, "T0399");
    EXPECT_EQ(diagnostics.all()[0].place.file, "b.yaml");
    EXPECT_EQ(diagnostics.all()[0].hint, "the other is at a.yaml:4");
  }
}

}  // namespace
}  // namespace tocsin::rules
