#include "rules/authoring/lint.h"

#include <gmock/gmock.h>

#include "rules/authoring/bundle_summary.h"
#include "rules/load/budget.h"
#include "tests/load/loading.h"

namespace tocsin::rules {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string doubts_path() {
  return std::string(TOCSIN_SOURCE_DIR) + "/tests/authoring/data/doubts";
}

std::string told(const Diagnostics& diagnostics) {
  std::string text;
  for (const Diagnostic& d : diagnostics.sorted()) {
    if (!d.code.starts_with("T038")) continue;
    text += std::to_string(d.place.line) + ":" + std::to_string(d.place.column) +
            (d.severity == Severity::kError ? " error " : " warning ") + d.code + ": " + d.message +
            "\n";
    EXPECT_FALSE(d.hint.empty() && d.code != "T0384") << d.code << " has no hint";
  }
  return text;
}

std::shared_ptr<const Bundle> load(const std::vector<NamedText>& rules) {
  Diagnostics diagnostics;
  auto bundle = load_bundle(with_rules(rules), diagnostics);
  for (const Diagnostic& d : diagnostics.all()) {
    if (d.severity == Severity::kError) ADD_FAILURE() << to_text(d);
  }
  return bundle;
}

// Files that load, with all that is doubtful in them in lines `#! LINE:COLUMN warning CODE: …` at
// their end.
class DoubtfulFile : public testing::TestWithParam<std::string> {};

TEST_P(DoubtfulFile, IsToldWithPlaceAndReason) {
  const std::string content = read_text(GetParam());
  std::string expected;
  std::istringstream in(content);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("#! ")) expected += line.substr(3) + "\n";
  }
  const auto bundle = load({{GetParam(), content}});
  ASSERT_NE(bundle, nullptr);
  Diagnostics diagnostics;
  lint_rules(*bundle, diagnostics);
  EXPECT_EQ(told(diagnostics), expected);
  EXPECT_FALSE(diagnostics.has_errors());
}

INSTANTIATE_TEST_SUITE_P(Files, DoubtfulFile,
                         testing::ValuesIn(files_ending_with(doubts_path(), ".yaml")),
                         [](const auto& param) {
                           std::string name = std::filesystem::path(param.param).stem().string();
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Lint, HasNoDoubtsAboutShippedRules) {
  const std::string tree = TOCSIN_SOURCE_DIR;
  const std::vector<std::string> folders = {tree + "/rules/sets"};
  Diagnostics diagnostics;
  const auto bundle =
      load_bundle({.catalogue = {tree + "/rules/catalogue"}, .rules = folders}, diagnostics);
  ASSERT_NE(bundle, nullptr);
  lint_rules(*bundle, diagnostics);
  lint_tests(*bundle, folders, find_rule_tests(folders), diagnostics);
  for (const Diagnostic& d : diagnostics.sorted()) ADD_FAILURE() << to_text(d);
}

constexpr const char* kEvent =
    "kind: event\nselect: e.indicator == \"displacement.new\"\nseverity: watch\nalert: {hold: 3d}\n"
    "doc: {rationale: r, response: r, false_positives: [f], source: {paragraph: p}}\n";

std::string production(const std::string& text) {
  std::string file = file_with(text);
  return file.replace(file.find("status: draft"), 13, "status: production");
}

TEST(Lint, AsksForTestsOfRulesInProductionInFolders) {
  const auto bundle = load({{"sets/a/r.yaml", production(kEvent)}});
  ASSERT_NE(bundle, nullptr);
  const auto codes = [&](const std::vector<std::string>& folders,
                         const std::vector<RuleTestNote>& tests) {
    Diagnostics diagnostics;
    lint_tests(*bundle, folders, tests, diagnostics);
    return told(diagnostics);
  };
  const std::string complaint =
      "4:11 warning T0385: no test names the file of this rule in production\n";
  EXPECT_EQ(codes({"sets"}, {}), complaint);
  EXPECT_EQ(codes({"./sets/"}, {}), complaint);
  EXPECT_EQ(codes({"."}, {}), complaint);
  EXPECT_EQ(codes({"other"}, {}), "") << "a file by itself may have its tests elsewhere";
  EXPECT_EQ(codes({"set"}, {}), "");
  EXPECT_EQ(codes({"sets"}, {{.file = "t", .rules = {"sets/a/other.yaml"}, .names = {"n"}}}),
            complaint);
  EXPECT_EQ(codes({"sets"}, {{.file = "t", .rules = {"sets/a/r.yaml"}, .names = {"n"}}}), "");
  const auto draft = load({{"sets/a/r.yaml", file_with(kEvent)}});
  Diagnostics none;
  lint_tests(*draft, {"sets"}, {}, none);
  EXPECT_THAT(none.all(), IsEmpty());
}

TEST(BundleSummary, CountsRulesAndWhatTheyMayCost) {
  std::string two = file_with(kEvent);
  two +=
      "  - {rule: big, kind: threshold, title: T, status: shadow, driver: corruption, stage: "
      "latent,\n"
      "     select: 'e.indicator == \"displacement.new\"', by: [region@country], severity: watch,\n"
      "     detect: {measures: {n: {agg: count, window: 365d, every: 1d}}, when: n >= 3}}\n";
  const auto bundle = load({{"r.yaml", two}});
  ASSERT_NE(bundle, nullptr);
  const BundleSummary summary = summarize(*bundle);
  EXPECT_EQ(summary.by_status.at(RuleStatus::kShadow), 1U);
  EXPECT_EQ(summary.by_driver.at(Driver::kCorruption), 1U);
  ASSERT_EQ(summary.dearest.size(), 2U);
  EXPECT_EQ(summary.dearest[0].rule, "p/big");
  const Catalogue& catalogue = *bundle->catalogue;
  const auto countries =
      std::count_if(catalogue.regions().begin(), catalogue.regions().end(),
                    [](const Region& region) { return region.level == RegionLevel::kCountry; });
  EXPECT_EQ(summary.dearest[0].groups, static_cast<uint64_t>(countries));
  EXPECT_EQ(summary.dearest[1].groups, 1U) << "without keys there is one group";
  EXPECT_EQ(summary.state_bytes, summary.dearest[0].bytes() + summary.dearest[1].bytes());
  EXPECT_EQ(summary.dearest[1].bytes_per_group, bytes_per_group(catalogue, bundle->rules[1]));
}

TEST(BundleSummary, ReadsSizesAsPeopleDo) {
  EXPECT_EQ(readable_bytes(512), "0.5 KiB");
  EXPECT_EQ(readable_bytes(10 << 10), "10.0 KiB");
  EXPECT_EQ(readable_bytes(3 << 20), "3.0 MiB");
  EXPECT_EQ(readable_bytes(uint64_t{5} << 30), "5.0 GiB");
}

}  // namespace
}  // namespace tocsin::rules
