#include "rules/authoring/bundle_diff.h"

#include <gmock/gmock.h>

#include "rules/load/catalogue_loader.h"
#include "tests/load/loading.h"

namespace tocsin::rules {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kRule = R"(tocsin: rules/1
package: p
lists:
  places: [ML, BF]
macros:
  fresh: 'e.indicator == "displacement.new"'
rules:
  - rule: r
    kind: threshold
    title: T
    status: draft
    driver: violence
    stage: latent
    select: macro.fresh() && e.region in list.places
    by: [region@country]
    detect:
      measures: {n: {agg: count, window: 7d, every: 1d}}
      when: n >= 3
    severity: watch
)";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

LoadedBundle loaded(BundleText text) {
  Diagnostics diagnostics;
  LoadedBundle result{std::move(text), nullptr};
  result.bundle = load_bundle(result.text, diagnostics);
  for (const Diagnostic& d : diagnostics.all()) {
    if (d.severity == Severity::kError) ADD_FAILURE() << to_text(d);
  }
  return result;
}

LoadedBundle loaded(const std::string& file) { return loaded(with_rules({{"r.yaml", file}})); }

BundleDiff diff(const std::string& before, const std::string& after) {
  return diff_bundles(loaded(before), loaded(after));
}

TEST(BundleDiff, KeepsWhatIsTheSameInAnotherOrderAndLayout) {
  const std::string other_layout =
      replaced(replaced(kRule, "    title: T\n", ""), "    severity: watch\n",
               "    severity: watch  # the desk's word\n    title: \"T\"\n");
  const BundleDiff same = diff(kRule, other_layout);
  ASSERT_EQ(same.rules.size(), 1U);
  EXPECT_EQ(same.rules[0].effect, ReloadEffect::kKeep);
  EXPECT_TRUE(same.is_same());
  EXPECT_THAT(same.rules[0].fields, IsEmpty());
}

TEST(BundleDiff, ShowsWhatOverlaysAndExceptionsOfOtherFilesChange) {
  const std::string rule = replaced(replaced(kRule, "n >= 3", "n >= 3\n    tunable: [source]"),
                                    "status: draft", "status: shadow");
  const std::string site = R"(tocsin: rules/1
package: site
overlays: [{rule: p/r, set: {status: draft}, lists: {places: {remove: [BF]}}}]
exceptions: [{rule: p/r, when: [{source: iom}], reason: drill, by: j.doe, until: 2027-01-01}]
)";
  const BundleDiff found =
      diff_bundles(loaded(rule), loaded(with_rules({{"r.yaml", rule}, {"s.yaml", site}})));
  ASSERT_EQ(found.rules.size(), 1U);
  EXPECT_THAT(
      found.rules[0].fields,
      ElementsAre(
          FieldChange{"lists.places", "[ML, BF]", "[ML]"}, FieldChange{"status", "shadow", "draft"},
          FieldChange{"exceptions", "", "[e.source == \"iom\", until 2027-01-01: drill (j.doe)]"}));
}

struct Edit {
  const char* name;
  const char* from;
  const char* to;
  ReloadEffect effect;
  std::vector<std::string> parts;
  FieldChange field;
};

class OneEdit : public testing::TestWithParam<Edit> {};

TEST_P(OneEdit, IsToldWithWhatItCosts) {
  const Edit& edit = GetParam();
  const BundleDiff found = diff(kRule, replaced(kRule, edit.from, edit.to));
  ASSERT_EQ(found.rules.size(), 1U);
  EXPECT_EQ(found.rules[0].effect, edit.effect) << to_string(found.rules[0].effect);
  EXPECT_EQ(found.rules[0].parts, edit.parts);
  EXPECT_THAT(found.rules[0].fields, ElementsAre(edit.field))
      << (found.rules[0].fields.empty() ? "" : found.rules[0].fields[0].path);
  EXPECT_FALSE(found.is_same());
}

constexpr ReloadEffect kLight = ReloadEffect::kRethreshold;
constexpr ReloadEffect kHeavy = ReloadEffect::kRebuild;
INSTANTIATE_TEST_SUITE_P(
    Edits, OneEdit,
    testing::Values(
        Edit{"title", "title: T", "title: U", kLight, {}, {"title", "T", "U"}},
        Edit{"condition", "n >= 3", "n >= 4", kLight, {}, {"detect.when", "n >= 3", "n >= 4"}},
        Edit{"level",
             "severity: watch",
             "severity: alert",
             kLight,
             {},
             {"severity", "watch", "alert"}},
        Edit{"new_key",
             "severity: watch",
             "severity: watch\n    alert: {for: 2d}",
             kLight,
             {},
             {"alert.for", "", "2d"}},
        Edit{"window",
             "window: 7d",
             "window: 14d",
             kHeavy,
             {"detect"},
             {"detect.measures.n.window", "7d", "14d"}},
        Edit{"keys",
             "region@country",
             "region@admin1",
             kHeavy,
             {"by"},
             {"by", "[region@country]", "[region@admin1]"}},
        Edit{"missing",
             "severity: watch",
             "severity: watch\n    missing: group",
             kHeavy,
             {"missing"},
             {"missing", "", "group"}},
        Edit{"lateness",
             "severity: watch",
             "severity: watch\n    time: {lateness: 9d}",
             kHeavy,
             {"lateness"},
             {"time.lateness", "", "9d"}},
        Edit{"zone",
             "severity: watch",
             "severity: watch\n    timezone: Asia/Qatar",
             kHeavy,
             {"timezone"},
             {"timezone", "", "Asia/Qatar"}},
        Edit{"list", "[ML, BF]", "[ML]", kHeavy, {"select"}, {"lists.places", "[ML, BF]", "[ML]"}},
        Edit{"macro",
             "'e.indicator == \"displacement.new\"'",
             "'e.indicator == \"displacement.new\" && e.confidence > 0.5'",
             kHeavy,
             {"select"},
             {"macros.fresh", "e.indicator == \"displacement.new\"",
              "e.indicator == \"displacement.new\" && e.confidence > 0.5"}},
        Edit{"other_indicator",
             "e.region in list.places",
             "e.region in list.places || e.indicator == \"civic.protest\"",
             kHeavy,
             {"select", "catalogue"},
             {"select", "macro.fresh() && e.region in list.places",
              "macro.fresh() && e.region in list.places || e.indicator == \"civic.protest\""}}),
    [](const auto& param) { return param.param.name; });

TEST(BundleDiff, SelectSpelledOtherwiseKeepsTheState) {
  const BundleDiff found = diff(kRule, replaced(kRule, "macro.fresh() && e.region in list.places",
                                                "'(macro.fresh()) && (e.region in list.places)'"));
  EXPECT_EQ(found.rules[0].effect, ReloadEffect::kRethreshold);
}

TEST(BundleDiff, AnotherKindIsAnotherShape) {
  const std::string other = replaced(
      replaced(kRule, "kind: threshold", "kind: event"),
      "    detect:\n      measures: {n: {agg: count, window: 7d, every: 1d}}\n      when: n >= 3\n",
      "    alert: {hold: 3d}\n");
  const BundleDiff found = diff(kRule, other);
  ASSERT_EQ(found.rules.size(), 1U);
  EXPECT_THAT(found.rules[0].parts, ElementsAre("kind", "detect"));
  EXPECT_TRUE(found.rules[0].warm_up.reach.is_zero()) << "one event is all that it needs";
}

TEST(BundleDiff, TellsWhatIsNewAndWhatIsGone) {
  const BundleDiff found = diff(kRule, replaced(kRule, "rule: r", "rule: s"));
  ASSERT_EQ(found.rules.size(), 2U);
  EXPECT_EQ(found.rules[0].id, "p/r");
  EXPECT_EQ(found.rules[0].effect, ReloadEffect::kRemoved);
  EXPECT_EQ(found.rules[1].effect, ReloadEffect::kNew);
  EXPECT_EQ(format_span(found.rules[1].warm_up.reach), "7d");
  EXPECT_EQ(found.count(ReloadEffect::kKeep), 0);
}

TEST(BundleDiff, StepsAreFoundByTheirNames) {
  const auto sequence = [](const char* steps) {
    return file_with(std::string("kind: sequence\ndetect:\n  steps:\n") + steps +
                     "  span: 90d\nseverity: watch\nalert: {hold: 3d}\n");
  };
  const std::string first = "    - a: {select: 'e.indicator == \"rights.abuse\"'}\n";
  const std::string last = "    - c: {select: 'e.indicator == \"rights.abuse\"', within: 9d}\n";
  const BundleDiff found = diff(
      sequence((first + last).c_str()),
      sequence((first + "    - b: {not: 'e.indicator == \"justice.conviction\"', for: 5d}\n" + last)
                   .c_str()));
  EXPECT_THAT(
      found.rules[0].fields,
      ElementsAre(FieldChange{"detect.steps", "[a, c]", "[a, b, c]"},
                  FieldChange{"detect.steps.b.for", "", "5d"},
                  FieldChange{"detect.steps.b.not", "", "e.indicator == \"justice.conviction\""}));
  EXPECT_EQ(format_span(found.rules[0].warm_up.reach), "90d");
}

std::string replaced_in_catalogue(BundleText& text, const std::string& from,
                                  const std::string& to) {
  return text.catalogue[0].text = replaced(text.catalogue[0].text, from, to);
}

TEST(BundleDiff, ARuleWithAnotherNameIsTheSameRuleIfItSaysSo) {
  const std::string renamed = replaced(kRule, "rule: r\n", "rule: z\n    was: r\n");
  const BundleDiff found = diff(kRule, renamed);
  ASSERT_EQ(found.rules.size(), 1U);
  EXPECT_EQ(found.rules[0].id, "p/z");
  EXPECT_EQ(found.rules[0].effect, ReloadEffect::kRethreshold);
  const BundleDiff without = diff(kRule, replaced(kRule, "rule: r\n", "rule: z\n"));
  ASSERT_EQ(without.rules.size(), 2U);
  EXPECT_EQ(without.rules[0].effect, ReloadEffect::kRemoved);
  EXPECT_EQ(without.rules[1].effect, ReloadEffect::kNew);
}

TEST(BundleDiff, AttrOfAnotherTypeIsAnotherShapeOfItsRulesAlone) {
  const std::string two =
      std::string(kRule) +
      "  - {rule: s, kind: event, title: T, status: draft, driver: violence, stage: latent,\n"
      "     select: 'e.indicator == \"rights.abuse\"', severity: watch, alert: {hold: 3d}}\n";
  BundleText text = with_rules({{"r.yaml", two}});
  const LoadedBundle before = loaded(text);
  replaced_in_catalogue(text, "victim_group: {type: string, cardinality: 30, required: true}",
                        "victim_group: {type: int}");
  const BundleDiff found = diff_bundles(before, loaded(text));
  EXPECT_FALSE(found.is_renumbered);
  EXPECT_EQ(found.rules[0].effect, ReloadEffect::kKeep);
  EXPECT_EQ(found.rules[1].effect, ReloadEffect::kRebuild);
  EXPECT_THAT(found.rules[1].parts, ElementsAre("catalogue"));
}

// As Engine::activate() does: numbers in saved state would mean something else.
TEST(BundleDiff, AnotherSourceInTheCatalogueRebuildsEveryRule) {
  BundleText text = with_rules({{"r.yaml", kRule}});
  const LoadedBundle before = loaded(text);
  replaced_in_catalogue(text, "sources:\n",
                        "sources:\n  another: {title: A, indicators: [civic.*]}\n");
  const BundleDiff found = diff_bundles(before, loaded(text));
  EXPECT_TRUE(found.is_renumbered);
  EXPECT_EQ(found.rules[0].effect, ReloadEffect::kRebuild);
  EXPECT_THAT(found.rules[0].parts, ElementsAre("catalogue"));
  EXPECT_THAT(found.rules[0].fields, IsEmpty());
}

// Its own state stays, but it is blind until the signal has seen as much.
TEST(BundleDiff, TellsOfASignalThatBeginsAnew) {
  const auto reading = [](const std::string& window) {
    return replaced(replaced(kRule, "rules:\n",
                             "signals:\n  s: {select: 'e.indicator == \"displacement.new\"', by: "
                             "[region@country], measure: {agg: count, window: " +
                                 window + ", every: 1d}}\nrules:\n"),
                    "when: n >= 3", "when: n >= 3 && signal(\"s\") < 1.0");
  };
  const BundleDiff longer = diff(reading("30d"), reading("300d"));
  EXPECT_EQ(longer.rules[0].effect, ReloadEffect::kRethreshold);
  EXPECT_THAT(longer.rules[0].signals, ElementsAre("s"));
  EXPECT_EQ(format_span(longer.rules[0].warm_up.reach), "300d");
  const BundleDiff read_first = diff(kRule, reading("30d"));
  EXPECT_EQ(read_first.rules[0].effect, ReloadEffect::kRethreshold);
  EXPECT_EQ(format_span(read_first.rules[0].warm_up.reach), "30d");
  EXPECT_TRUE(diff(reading("30d"), reading("30d")).is_same());
}

TEST(LookBack, IsThatOfTheKind) {
  Diagnostics diagnostics;
  const auto bundle = load_bundle(
      {.catalogue = {data_path("catalogue")}, .rules = {data_path("good")}}, diagnostics);
  ASSERT_NE(bundle, nullptr);
  std::map<std::string, std::string> told;
  for (const Rule& rule : bundle->rules) {
    const LookBack found = look_back(rule);
    told[rule.name] = format_span(found.reach) + " " + format_span(found.silent);
    told[rule.name + " looks"] = format_span(found.tick);
  }
  // 26 windows and the present one with a gap of 7 d; alerts after 8 and the present one.
  EXPECT_EQ(told["displacement-surge"], "196d 70d");
  EXPECT_EQ(told["detention-without-charge"], "28d 0s");
  EXPECT_EQ(told["dearer-month-by-month"], "3mo 0s");
  EXPECT_EQ(told["abuse-without-investigation"], "18mo 0s");
  EXPECT_EQ(told["civic-space-closing"], "18mo 10mo");
  EXPECT_EQ(told["civic-space-closing looks"], "1mo");
  EXPECT_EQ(told["monitors-fell-silent"], "10d 10d");
  EXPECT_EQ(told["monitors-fell-silent looks"], "0s") << "it has a deadline instead";
  EXPECT_EQ(told["monitors-fell-silent-learnt"], "97d 97d") << "90 d to be learned, 7 d to report";
}

}  // namespace
}  // namespace tocsin::rules
