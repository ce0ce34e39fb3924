#include "rules/authoring/why_never.h"

#include <gtest/gtest.h>

#include "tests/cel/small_world.h"

namespace tocsin::rules {
namespace {

struct Case {
  const char* expression;
  const char* why;  // "": it can be true
};

// `people` is a double, `reports` an int of 0 to 9.
std::string why(const std::vector<std::string>& conditions, const std::string& refused = "") {
  cel::SmallWorld world;
  cel::Environment environment = world.environment();
  environment.variables.push_back({"at", cel::Type::Tag::kTimestamp});
  std::vector<cel::Program> programs;
  for (std::string source : conditions) {
    Diagnostics diagnostics;
    auto program = cel::Program::compile(source, {}, environment, diagnostics);
    for (const Diagnostic& d : diagnostics.all()) {
      if (d.severity == Severity::kError) ADD_FAILURE() << to_text(d) << " in " << source;
    }
    if (program) programs.push_back(*program);
  }
  std::vector<Condition> asked;
  for (size_t i = 0; i < programs.size(); ++i) {
    asked.push_back({&programs[i], conditions[i] != refused});
  }
  return why_never(asked, {{"reports", {.least = 0, .most = 9}}});
}

TEST(WhyNever, TellsWhatContradictsItself) {
  const Case cases[] = {
      {"false", "`false` is always false"},
      {"1 > 2", "`1 > 2` is always false"},
      {"!(2 > 1) || people > 1.0 && 3 in [1, 2]", "`!(2 > 1)` is always false"},
      {"1 / 0 == 1", "`1 / 0 == 1` is always an error"},
      {"people > 5.0 && people < 3.0", "`people > 5.0` and `people < 3.0` exclude each other"},
      {"people < 3.0 && 5.0 < people", "`5.0 < people` and `people < 3.0` exclude each other"},
      {"people > 5.0 && people <= 5.0", "`people > 5.0` and `people <= 5.0` exclude each other"},
      {"people >= 5.0 && people <= 5.0", ""},
      {"people >= 5.0 && people <= 5.0 && people != 5.0",
       "`people >= 5.0` and `people != 5.0` exclude each other"},
      {"people != 5.0 && people == 5.0", "`people == 5.0` and `people != 5.0` exclude each other"},
      {"e.source != \"ucdp\" && e.source == \"ucdp\"",
       "`e.source != \"ucdp\"` and `e.source == \"ucdp\"` exclude each other"},
      {"reports > 5 && reports < 6", "`reports > 5` and `reports < 6` exclude each other"},
      {"people > 5.0 && people < 6.0", ""},
      {"reports > 9", "`reports > 9` and `reports` is never above 9 exclude each other"},
      {"reports >= 9", ""},
      {"reports < 0", "`reports` is never below 0 and `reports < 0` exclude each other"},
      {"double(reports) * 2.0 > 3.0 && double(reports) * 2.0 < 2.0",
       "`double(reports) * 2.0 > 3.0` and `double(reports) * 2.0 < 2.0` exclude each other"},
      {"!(people < 3.0) && people < 2.0",
       "not `people < 3.0` and `people < 2.0` exclude each other"},
      {"people > 5.0 && (people < 3.0 || people < 4.0)",
       "`people > 5.0` and `people < 3.0` exclude each other"},
      {"people > 5.0 && (people < 3.0 || people < 9.0)", ""},
      {"people > 5.0 ? people < 3.0 : people > 6.0",
       "`people > 5.0` and `people < 3.0` exclude each other"},
      {"people > 5.0 ? people < 3.0 : people > 4.0", ""},
      {"e.source == \"ucdp\" && e.source == \"monitor-net\"",
       "`e.source == \"ucdp\"` and `e.source == \"monitor-net\"` exclude each other"},
      {"e.source in [\"ucdp\", \"monitor-net\"] && e.source != \"ucdp\"", ""},
      {"e.source in [\"ucdp\"] && !(e.source in [\"ucdp\", \"monitor-net\"])",
       "`e.source in [\"ucdp\"]` and not `e.source in [\"ucdp\", \"monitor-net\"]` exclude each "
       "other"},
      {"e.attrs.charged && !e.attrs.charged", "`e.attrs.charged` cannot be true and false"},
      {"e.attrs.charged == true && e.attrs.charged == false",
       "`e.attrs.charged` cannot be true and false"},
      {"has(e.value) && !has(e.value)", "`has(e.value)` cannot be true and false"},
      {"e.actors.exists(a, a == \"x\") && e.actors.exists(a, a == \"y\")", ""},
      {"e.actors.exists(a, a == \"x\" && a == \"y\")", ""},  // not seen, so nothing is said
      {"macro.at_least(8) && e.value < 3.0",
       "`e.value >= 8.0` and `e.value < 3.0` exclude each other"},
      {"people > double(reports) && people < double(reports)", ""},
      {"days_since(timestamp(\"2026-01-01T00:00:00Z\")) <= 90", ""},
      {"anything > 5 && anything < 3", "`anything > 5` and `anything < 3` exclude each other"},
  };
  for (const Case& each : cases) EXPECT_EQ(why({each.expression}), each.why) << each.expression;
}

TEST(WhyNever, TakesConditionsTogetherAndByTheirOpposite) {
  EXPECT_EQ(why({"people >= 5.0", "people < 5.0 && reports > 1"}),
            "`people >= 5.0` and `people < 5.0` exclude each other");
  EXPECT_EQ(why({"people >= 5.0", "people >= 3.0"}), "");
  EXPECT_EQ(why({"people >= 5.0", "people >= 3.0"}, "people >= 3.0"),
            "`people >= 5.0` and not `people >= 3.0` exclude each other")
      << "who has five has three";
  EXPECT_EQ(why({"people >= 5.0", "people >= 7.0"}, "people >= 7.0"), "");
}

TEST(WhyNever, GivesUpBeforeItTakesLong) {
  std::string many = "people > 5.0";
  for (int i = 0; i < 40; ++i) {
    many += " && (e.value > " + std::to_string(i) + ".0 || e.confidence > 0." +
            std::to_string(i + 10) + ")";
  }
  EXPECT_EQ(why({many + " && people < 3.0"}), "") << "it cannot be told in time";
}

}  // namespace
}  // namespace tocsin::rules
