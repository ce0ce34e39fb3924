#include "rules/testing/test_suite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/testing/test_report.h"

namespace tocsin::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::string case_path(const std::string& name) {
  return std::string(TOCSIN_SOURCE_DIR) + "/tests/testing/" + name;
}

std::string text_of(const Diagnostics& diagnostics) {
  std::string text;
  for (const Diagnostic& d : diagnostics.sorted()) text += to_text(d) + "\n";
  return text;
}

SuiteResult run(const std::string& path, const SuiteOptions& options = {}) {
  Diagnostics diagnostics;
  auto result = run_suite({case_path(path)}, options, diagnostics);
  EXPECT_TRUE(result.has_value()) << text_of(diagnostics);
  return result.value_or(SuiteResult{});
}

std::vector<std::string> fields_of(const TestResult& test) {
  std::vector<std::string> fields;
  for (const Difference& d : test.differences) fields.push_back(d.field);
  return fields;
}

const Difference* find(const TestResult& test, const std::string& field) {
  for (const Difference& d : test.differences) {
    if (d.field == field) return &d;
  }
  return nullptr;
}

TEST(TestSuite, PassesWhatIsRight) {
  const SuiteResult result = run("cases/good.test.yaml");
  ASSERT_EQ(result.tests.size(), 2U);
  EXPECT_EQ(result.failed(), 0) << text_report(result);
  EXPECT_TRUE(result.is_good());
}

TEST(TestSuite, TellsEveryFieldThatIsWrong) {
  const SuiteResult result = run("cases/wrong.test.yaml");
  ASSERT_EQ(result.tests.size(), 3U);
  EXPECT_EQ(result.failed(), 3);
  EXPECT_FALSE(result.is_good());
  const TestResult& test = result.tests[0];
  EXPECT_THAT(
      fields_of(test),
      UnorderedElementsAre("alerts[0].level", "alerts[0].values.closures", "alerts[0].values.days",
                           "alerts[0].evidence_includes", "alerts[0].evidence_excludes",
                           "alerts[0].summary.en", "log[0]", "states[0].state"));
  const Difference* level = find(test, "alerts[0].level");
  ASSERT_NE(level, nullptr);
  EXPECT_EQ(level->expected, "warning");
  EXPECT_EQ(level->got, "watch");
  const Difference* closures = find(test, "alerts[0].values.closures");
  ASSERT_NE(closures, nullptr);
  EXPECT_EQ(closures->expected, "5");
  EXPECT_EQ(closures->got, "2");
  EXPECT_THAT(closures->place.file, EndsWith("wrong.test.yaml"));
  EXPECT_EQ(closures->place.line, 16);
}

TEST(TestSuite, TellsMissingAndUnexpectedAlerts) {
  const SuiteResult result = run("cases/wrong.test.yaml");
  ASSERT_EQ(result.tests.size(), 3U);
  ASSERT_EQ(result.tests[1].differences.size(), 1U);
  EXPECT_EQ(result.tests[1].differences[0].got, "no alert active");
  ASSERT_EQ(result.tests[2].differences.size(), 1U);
  EXPECT_EQ(result.tests[2].differences[0].field, "alerts");
  EXPECT_THAT(result.tests[2].differences[0].got, HasSubstr("runner/two-closures {region: XB}"));
}

TEST(TestSuite, RefusesAFileWithAllItsErrorsAndPlaces) {
  Diagnostics diagnostics;
  const auto result = run_suite({case_path("cases/refused.test.yaml")}, {}, diagnostics);
  EXPECT_FALSE(result.has_value());
  EXPECT_EQ(diagnostics.errors(), 5) << text_of(diagnostics);
  EXPECT_THAT(text_of(diagnostics), HasSubstr("did you mean `centre-desk`?"));
  EXPECT_THAT(text_of(diagnostics), HasSubstr("refused.test.yaml:9:"));
}

TEST(TestSuite, ReportsRulesWithoutEnoughTests) {
  const SuiteResult result = run("cases_uncovered");
  EXPECT_EQ(result.failed(), 0);
  EXPECT_FALSE(result.is_good());
  ASSERT_EQ(result.coverage.size(), 1U);
  EXPECT_EQ(result.coverage[0].fired, 0);
  EXPECT_EQ(result.coverage[0].silent, 1);
  EXPECT_THAT(result.rules_untested, ElementsAre(EndsWith("untested.yaml")));
  EXPECT_THAT(text_report(result),
              HasSubstr("runner-uncovered/never-seen-firing: no test that fires"));
  EXPECT_THAT(text_report(result), HasSubstr("untested.yaml: no test names this rule file"));
}

TEST(TestSuite, CoverageCountsLevelsAndEnds) {
  const SuiteResult result = run("cases/good.test.yaml");
  ASSERT_EQ(result.coverage.size(), 1U);
  const RuleCoverage& rule = result.coverage[0];
  EXPECT_EQ(rule.rule, "runner/two-closures");
  EXPECT_EQ(rule.fired, 1);
  EXPECT_EQ(rule.silent, 1);
  EXPECT_TRUE(rule.resolved);
  EXPECT_THAT(rule.levels_reached, ElementsAre(Level::kWatch));
  EXPECT_THAT(rule.levels, ElementsAre(Level::kWatch, Level::kWarning));
  EXPECT_THAT(coverage_table(result), HasSubstr("watch of watch warning"));
}

TEST(TestSuite, FilterChoosesByName) {
  SuiteOptions options;
  options.filter = [](const std::string& name) { return name == "fires"; };
  const SuiteResult result = run("cases/good.test.yaml", options);
  ASSERT_EQ(result.tests.size(), 1U);
  EXPECT_TRUE(result.is_good());
}

TEST(TestSuite, ARuleKeepsItsNameOverAReload) {
  const SuiteResult result = run("cases_reload");
  ASSERT_EQ(result.tests.size(), 1U);
  EXPECT_EQ(result.failed(), 0) << text_report(result);
  EXPECT_THAT(result.rules_untested, ElementsAre());
  std::map<std::string, RuleCoverage> coverage;
  for (const RuleCoverage& rule : result.coverage) coverage[rule.rule] = rule;
  ASSERT_EQ(coverage.size(), 3U) << "the rules of the test file, not those of the reload";
  EXPECT_TRUE(coverage["runner-reload/a-goes"].resolved);
  EXPECT_THAT(coverage["runner-reload/a-goes"].levels_reached, ElementsAre(Level::kWatch));
  EXPECT_TRUE(coverage["runner-reload/b-old-name"].resolved);
  EXPECT_FALSE(coverage["runner-reload/c-stays"].resolved);
  EXPECT_THAT(coverage["runner-reload/c-stays"].levels_reached,
              ElementsAre(Level::kWatch, Level::kWarning));
}

TEST(TestSuite, AStateIsThatOfTheGroupAlone) {
  const SuiteResult result = run("cases_states/states.test.yaml");
  ASSERT_EQ(result.tests.size(), 2U);
  EXPECT_TRUE(result.tests[0].ok()) << text_report(result);
  std::vector<std::string> told;
  for (const Difference& d : result.tests[1].differences) told.push_back(d.field + ": " + d.got);
  EXPECT_THAT(told, ElementsAre("states[0].state: warming", "states[1].state: inactive",
                                "states[2].state: pending",
                                "states[3].group: no such group; it is one by region (country)",
                                "states[4].group: no such group; it is one by region (country)"));
}

TEST(TestSuite, WhatTheRulesDoNotHaveIsRefused) {
  Diagnostics diagnostics;
  EXPECT_FALSE(run_suite({case_path("cases_states/names.test.yaml")}, {}, diagnostics).has_value());
  std::string told;
  for (const Diagnostic& d : diagnostics.all()) told += to_text(d);
  EXPECT_THAT(told, HasSubstr("error T0425: the rule `runner-states/lasting` does not group by "
                              "`source`"));
  EXPECT_THAT(told, HasSubstr("error T0424: there is no rule `lastings`"));
  EXPECT_THAT(told, HasSubstr("did you mean `lasting`?"));
}

TEST(TestSuite, AStateOutlivesARestart) {
  SuiteOptions options;
  options.run.restart_at_every_step = true;
  options.filter = [](const std::string& name) { return name.starts_with("right"); };
  const SuiteResult result = run("cases_states/states.test.yaml", options);
  EXPECT_EQ(result.failed(), 0) << text_report(result);
}

TEST(TestSuite, NoTestsIsAnError) {
  Diagnostics diagnostics;
  EXPECT_FALSE(run_suite({case_path("cases/missing.test.yaml")}, {}, diagnostics).has_value());
  EXPECT_TRUE(diagnostics.has_errors());
}

TEST(TestSuite, HoldsUnderShuffleDuplicatesAndRestarts) {
  SuiteOptions options;
  options.shuffle = 5;
  options.run.duplicate = true;
  options.run.restart_at_every_step = true;
  const SuiteResult result = run("cases/good.test.yaml", options);
  EXPECT_EQ(result.failed(), 0) << text_report(result);
}

TEST(TestReport, WritesJsonAndJunit) {
  const SuiteResult result = run("cases/wrong.test.yaml");
  EXPECT_THAT(json_report(result), HasSubstr(R"("passed":0,"failed":3)"));
  EXPECT_THAT(json_report(result),
              HasSubstr(R"("field":"alerts[0].level","expected":"warning","got":"watch")"));
  EXPECT_THAT(junit_report(result), HasSubstr(R"(<testsuites tests="3" failures="3">)"));
}

}  // namespace
}  // namespace tocsin::rules
