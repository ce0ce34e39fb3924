#include "daemon/check_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/small_bundle.h"

namespace tocsin::daemon {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Diagnostics some_problems() {
  Diagnostics diagnostics;
  diagnostics.error("T0301", {"r.yaml", 7, 3}, "wrong", "write it \"so\"");
  diagnostics.warning("T0385", {"a.yaml", 2, 1}, "doubtful");
  return diagnostics;
}

TEST(CheckReport, EndsWithRulesAndTheirState) {
  Diagnostics diagnostics;
  const auto bundle = rules::load_bundle(bundle_text(), diagnostics);
  ASSERT_NE(bundle, nullptr);
  const std::string text = check_text(bundle.get(), diagnostics, false);
  EXPECT_THAT(text, StartsWith("1 rule, 1 indicator, 3 sources, 3 regions: 0 errors, 0 warnings\n"
                               "status:  production 1\n"
                               "drivers: violence 1\n"
                               "state:   at most about "));
  EXPECT_THAT(text,
              testing::ContainsRegex(
                  "in a busy time; the dearest rules:\n +[0-9.]+ KiB  test/many-dead: 3 groups "
                  "of [0-9.]+ KiB\n$"));
}

TEST(CheckReport, ShowsProblemsInOrderOfPlace) {
  EXPECT_EQ(check_text(nullptr, some_problems(), false),
            "a.yaml:2:1: warning T0385: doubtful\n"
            "r.yaml:7:3: error T0301: wrong\n"
            "    hint: write it \"so\"\n"
            "1 error, 1 warning\n");
  const std::string coloured = check_text(nullptr, some_problems(), true);
  EXPECT_THAT(coloured, AllOf(HasSubstr("\x1b[1;31merror T0301\x1b[0m: wrong"),
                              HasSubstr("\x1b[1;33mwarning T0385\x1b[0m: doubtful")));
}

TEST(CheckReport, IsOneJsonObject) {
  EXPECT_EQ(check_json(nullptr, some_problems(), false),
            R"({"good":false,"errors":1,"warnings":1,"diagnostics":[)"
            R"({"severity":"warning","code":"T0385","file":"a.yaml","line":2,"column":1,)"
            R"("message":"doubtful","hint":""},)"
            R"({"severity":"error","code":"T0301","file":"r.yaml","line":7,"column":3,)"
            R"("message":"wrong","hint":"write it \"so\""}]})");
  Diagnostics none;
  const auto bundle = rules::load_bundle(bundle_text(), none);
  ASSERT_NE(bundle, nullptr);
  const std::string json = check_json(bundle.get(), none, true);
  EXPECT_THAT(json, AllOf(StartsWith(R"({"good":true,"rules":1,"indicators":1,)"),
                          HasSubstr(R"("status":{"production":1},"drivers":{"violence":1},)"),
                          HasSubstr(R"("dearest":[{"rule":"test/many-dead","groups":3,)"),
                          EndsWith(R"("errors":0,"warnings":0,"diagnostics":[]})")));
}

TEST(CheckReport, NamesIndicatorsThatNoRuleLooksAtUnlessTheyAreMost) {
  const auto checked = [](const std::string& more) {
    Diagnostics none;
    rules::BundleText text = bundle_text();
    std::string& catalogue = text.catalogue[0].text;
    catalogue.insert(catalogue.find("indicators:\n") + 12, more);
    return rules::load_bundle(text, none);
  };
  const std::string riot = "  violence.riot: {driver: violence, meaning: made up}\n";
  const Diagnostics none;
  const auto half = checked(riot);
  EXPECT_THAT(check_text(half.get(), none, false),
              EndsWith("unread:  1 indicator that no rule here looks at:\n  violence.riot\n"));
  EXPECT_THAT(check_json(half.get(), none, true), HasSubstr(R"("unread":["violence.riot"])"));
  const auto most = checked(riot + "  violence.siege: {driver: violence, meaning: made up}\n");
  EXPECT_THAT(check_text(most.get(), none, false),
              EndsWith("unread:  2 indicators that no rule here looks at; `--format json` names "
                       "them\n"));
}

TEST(CheckReport, SaysNothingOfTheStateOfNoRules) {
  Diagnostics diagnostics;
  rules::BundleText text = bundle_text();
  text.rules[0].text = "tocsin: rules/1\npackage: none\nrules: []\n";
  const auto bundle = rules::load_bundle(text, diagnostics);
  ASSERT_NE(bundle, nullptr);
  EXPECT_THAT(check_text(bundle.get(), diagnostics, false), Not(HasSubstr("state:")));
}

}  // namespace
}  // namespace tocsin::daemon
