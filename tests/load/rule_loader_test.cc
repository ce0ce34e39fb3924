#include "rules/load/rule_loader.h"

#include <gmock/gmock.h>

#include <random>

#include "tests/load/loading.h"

namespace tocsin::rules {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kThreshold =
    "kind: threshold\n"
    "select: e.indicator == \"displacement.new\"\n"
    "by: [region@country]\n"
    "detect: {measures: {n: {agg: count, window: 7d, every: 1d}}, when: n >= 3}\n";

std::shared_ptr<const Bundle> good_bundle() {
  Diagnostics diagnostics;
  auto bundle = load_bundle({.catalogue = {data_path("catalogue")}, .rules = {data_path("good")}},
                            diagnostics);
  EXPECT_NE(bundle, nullptr);
  return bundle;
}

const Rule& rule_named(const Bundle& bundle, const std::string& name) {
  for (const Rule& rule : bundle.rules) {
    if (rule.name == name) return rule;
  }
  ADD_FAILURE() << "no rule " << name;
  return bundle.rules.front();
}

TEST(RuleLoader, TypesAThreshold) {
  const auto bundle = good_bundle();
  const Rule& rule = rule_named(*bundle, "detention-without-charge");
  EXPECT_EQ(rule.id, "drivers.justice/detention-without-charge");
  EXPECT_EQ(rule.kind(), RuleKind::kThreshold);
  EXPECT_EQ(rule.status, RuleStatus::kProduction);
  EXPECT_EQ(rule.doc.paragraph, "¶28");
  const auto& detect = std::get<ThresholdDetect>(rule.detect);
  ASSERT_EQ(detect.measures.size(), 4U);
  EXPECT_EQ(detect.measures[0].name, "length");
  EXPECT_EQ(detect.measures[0].min_n, 5U);
  EXPECT_EQ(detect.measures[0].panes, 28U);
  EXPECT_EQ(detect.measures[0].every, Span{.exact = std::chrono::days(1)});
  EXPECT_EQ(detect.measures[3].name, "sources");
  ASSERT_EQ(rule.levels.size(), 2U);
  EXPECT_EQ(rule.levels[0].level, Level::kWatch);
  EXPECT_TRUE(rule.levels[1].exit.has_value());
  EXPECT_EQ(rule.alert.pending, (Span{.exact = std::chrono::days(2)}));
  EXPECT_EQ(rule.lateness, std::chrono::days(7));
  EXPECT_EQ(rule.max_groups, 2000U);
  EXPECT_TRUE(rule.titles.contains("en"));
  EXPECT_TRUE(rule.summaries.contains("en"));
}

TEST(RuleLoader, WritesConditionsForTheScoresOfASurge) {
  const auto bundle = good_bundle();
  const Rule& rule = rule_named(*bundle, "displacement-surge");
  const auto& detect = std::get<SurgeDetect>(rule.detect);
  EXPECT_EQ(detect.history, 26U);
  EXPECT_EQ(detect.at_least, 3.0);
  EXPECT_EQ(detect.floor, 4.0);
  EXPECT_TRUE(detect.stable_sources);
  EXPECT_EQ(detect.confirm, SurgeMethod::kRatio);
  EXPECT_EQ(rule.levels[0].when->source(), "score >= 3.0");
  EXPECT_EQ(rule.levels[1].exit->source(), "score < 2.0");
}

TEST(RuleLoader, AboveANumberIsMoreThanFromThatNumberOn) {
  EXPECT_NE(load_good(file_with(std::string(kThreshold) +
                                "levels: {watch: {when: \"n >= 3\"}, warning: {when: \"n > 3\"}}")),
            nullptr);
}

TEST(RuleLoader, TypesASequence) {
  const auto bundle = good_bundle();
  const Rule& rule = rule_named(*bundle, "abuse-without-investigation");
  const auto& detect = std::get<SequenceDetect>(rule.detect);
  ASSERT_EQ(detect.steps.size(), 4U);
  EXPECT_TRUE(detect.steps[1].optional);
  EXPECT_TRUE(detect.steps[2].negated);
  EXPECT_EQ(detect.steps[2].wait, (Span{.exact = std::chrono::days(90)}));
  EXPECT_EQ(detect.span.months, 18);
  EXPECT_TRUE(detect.until.has_value());
  ASSERT_TRUE(rule.indicators.has_value());
  EXPECT_EQ(rule.indicators->size(), 4U);
}

TEST(RuleLoader, NorwayIsNotFalse) {
  const auto bundle = good_bundle();
  const Rule& rule = rule_named(*bundle, "monitors-fell-silent");
  EXPECT_THAT(std::get<AbsenceDetect>(rule.detect).roster, ElementsAre("BF", "ML", "NO"));
}

TEST(RuleLoader, EveryIsoCodeInAListStaysText) {
  std::string codes;
  for (char a = 'A'; a <= 'Z'; ++a) {
    for (char b = 'A'; b <= 'Z'; ++b) {
      codes += (codes.empty() ? "" : ", ") + std::string{a} + std::string{b};
    }
  }
  const auto bundle = load_good(
      file_with("kind: event\nselect: e.indicator == \"civic.protest\" && e.source in list.codes\n"
                "severity: info\nalert: {hold: 1d}\n",
                "lists: {codes: [" + codes + "]}\n"));
  ASSERT_NE(bundle, nullptr);
}

TEST(RuleLoader, DefaultsAreOverriddenKeyByKey) {
  const auto bundle =
      load_good(file_with(std::string(kThreshold) + "severity: watch\nalert: {for: 1d}\n",
                          "defaults: {owner: desk, alert: {for: 9d, keep_firing_for: 5d, flapping: "
                          "off}, time: {lateness: 2d}}\n"));
  ASSERT_NE(bundle, nullptr);
  const Rule& rule = bundle->rules.front();
  EXPECT_EQ(rule.alert.pending, (Span{.exact = std::chrono::days(1)}));
  EXPECT_EQ(rule.alert.keep_firing_for, (Span{.exact = std::chrono::days(5)}));
  EXPECT_FALSE(rule.alert.holds_flapping);
  EXPECT_TRUE(load_good(file_with(std::string(kThreshold) + "severity: watch\n"))
                  ->rules.front()
                  .alert.holds_flapping);
  EXPECT_EQ(rule.lateness, std::chrono::days(2));
  EXPECT_EQ(rule.labels.at("owner"), "desk");
}

TEST(RuleLoader, OrderAndNamesOfFilesDoNotCount) {
  std::vector<NamedText> files;
  for (const std::string& path : files_ending_with(data_path("good"), ".good.yaml")) {
    files.push_back({path, read_text(path)});
  }
  Diagnostics diagnostics;
  const auto first = load_bundle(with_rules(files), diagnostics);
  ASSERT_NE(first, nullptr);
  std::mt19937 random(7);
  for (int round = 0; round < 10; ++round) {
    std::shuffle(files.begin(), files.end(), random);
    for (NamedText& file : files) file.name = "f" + std::to_string(random()) + ".yaml";
    const auto other = load_bundle(with_rules(files), diagnostics);
    ASSERT_NE(other, nullptr);
    EXPECT_EQ(other->hash, first->hash);
    ASSERT_EQ(other->rules.size(), first->rules.size());
    for (size_t i = 0; i < first->rules.size(); ++i) {
      EXPECT_EQ(other->rules[i].id, first->rules[i].id);
      EXPECT_EQ(other->rules[i].hash, first->rules[i].hash);
      EXPECT_EQ(other->rules[i].shape, first->rules[i].shape);
    }
  }
}

TEST(RuleLoader, DuplicateNamesOverFilesNameBothPlaces) {
  const std::string file = file_with(std::string(kThreshold) + "severity: watch\n");
  Diagnostics diagnostics;
  EXPECT_EQ(load_bundle(with_rules({{"a.yaml", file}, {"b.yaml", file}}), diagnostics), nullptr);
  ASSERT_EQ(diagnostics.errors(), 1);
  EXPECT_EQ(diagnostics.all()[0].code, "T0327");
  EXPECT_EQ(diagnostics.all()[0].place.file, "b.yaml");
  EXPECT_THAT(diagnostics.all()[0].hint, HasSubstr("a.yaml:4"));
}

TEST(RuleLoader, ListsFromFilesAreHeldToTheirSum) {
  BundleText text = with_rules(
      {{"f/r.yaml",
        file_with(
            "kind: event\nselect: e.indicator == \"civic.protest\" && e.source in list.feeds\n"
            "severity: info\nalert: {hold: 1d}\n",
            "lists:\n  feeds:\n    file: feeds.txt\n    sha256: "
            "d8cad7a9ef1c1e6b4d5af6b9a1d0a3cbcb6a7e8b8bfbfd7a7d3d2a3ca4f0a6a1\n")}});
  text.attachments.push_back({"f/feeds.txt", "iom\n"});
  Diagnostics diagnostics;
  EXPECT_EQ(load_bundle(text, diagnostics), nullptr);
  ASSERT_GE(diagnostics.errors(), 1);
  const std::string hint = diagnostics.all()[0].hint;
  ASSERT_TRUE(hint.starts_with("it is ")) << hint;
  // With the sum that the hint tells, it loads.
  std::string& file = text.rules[0].text;
  file.replace(file.find("d8cad7a9"), 64, hint.substr(6));
  Diagnostics again;
  EXPECT_NE(load_bundle(text, again), nullptr);
  for (const Diagnostic& d : again.all()) ADD_FAILURE() << to_text(d);
}

struct Change {
  std::string name;
  std::string from;
  std::string to;
  bool keeps_shape;
};
std::ostream& operator<<(std::ostream& out, const Change& change) { return out << change.name; }

class ShapeOf : public testing::TestWithParam<Change> {};

TEST_P(ShapeOf, ARuleAfterAChange) {
  const std::string before = read_text(data_path("good/threshold.good.yaml"));
  std::string after = before;
  ASSERT_NE(after.find(GetParam().from), std::string::npos);
  after.replace(after.find(GetParam().from), GetParam().from.size(), GetParam().to);
  const auto a = load_good(before);
  const auto b = load_good(after);
  ASSERT_TRUE(a != nullptr && b != nullptr);
  EXPECT_EQ(a->rules[0].shape == b->rules[0].shape, GetParam().keeps_shape);
  EXPECT_NE(a->rules[0].hash, b->rules[0].hash);
  EXPECT_NE(a->hash, b->hash);
}

INSTANTIATE_TEST_SUITE_P(
    Changes, ShapeOf,
    testing::Values(Change{"Title", "Many people held", "Too many people held", true},
                    Change{"Summary", "people held without", "persons held without", true},
                    Change{"Rationale", "as a tool", "as one tool", true},
                    Change{"LevelNumber", "people >= 200.0", "people >= 300.0", true},
                    Change{"ConditionNumber", "reports >= 3", "reports >= 4", true},
                    Change{"Pending", "for: 2d", "for: 3d", true},
                    Change{"Flapping", "alert: {for: 2d", "alert: {flapping: off, for: 2d", true},
                    Change{"Select", "charged == false", "charged == true", false},
                    Change{"Keys", "region@admin1", "region@country", false},
                    Change{"Window", "window: 28d, every: 1d, min_n",
                           "window: 14d, every: 1d, min_n", false}),
    [](const auto& param) { return param.param.name; });

TEST(Shape, LayoutOfAnExpressionDoesNotCount) {
  const std::string before = read_text(data_path("good/threshold.good.yaml"));
  std::string after = before;
  const std::string part = "e.attrs.charged == false";
  after.replace(after.find(part), part.size(), "(e.attrs.charged   ==  false)");
  EXPECT_EQ(load_good(before)->rules[0].shape, load_good(after)->rules[0].shape);
}

TEST(Shape, ContentOfAUsedListCounts) {
  const std::string before = read_text(data_path("good/event.good.yaml"));
  std::string after = before;
  after.replace(after.find("gendarmerie"), 11, "militia");
  EXPECT_NE(load_good(before)->rules[0].shape, load_good(after)->rules[0].shape);
}

// What was learned in years is kept when only levels and limits change.
TEST(Shape, OfANewTermIsWhatItRemembers) {
  struct Row {
    std::string from;
    std::string to;
    bool keeps_shape;
  };
  const std::string before = read_text(data_path("good/new_term.good.yaml"));
  const auto shape_of = [](const std::string& text) {
    const auto bundle = load_good(text);
    return bundle == nullptr ? Hash128{} : bundle->rules.at(1).shape;
  };
  for (const Row& row :
       {Row{"max_terms: 50", "max_terms: 60", true},
        Row{"warning: {new_to: parent}", "warning: {when: terms > 3}", true},
        Row{"hold: 30d", "hold: 10d", true}, Row{"history: 2y", "history: 3y", false},
        Row{"for: 180d", "for: 90d", false}, Row{", or_events: 200", "", false},
        Row{"missing_field: ignore", "missing_field: alert", false},
        Row{"\"e.attrs.charged\"", "e.source", false}}) {
    std::string after = before;
    ASSERT_NE(after.find(row.from), std::string::npos) << row.from;
    after.replace(after.find(row.from), row.from.size(), row.to);
    EXPECT_EQ(shape_of(after) == shape_of(before), row.keeps_shape) << row.to;
  }
}

}  // namespace
}  // namespace tocsin::rules
