#include <gmock/gmock.h>

#include <algorithm>

#include "tests/load/loading.h"

namespace tocsin::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string rule(const std::string& package, const std::string& tunable) {
  return "tocsin: rules/1\npackage: " + package +
         "\nrules:\n  - {rule: r, kind: event, title: T, status: draft, driver: violence, stage: "
         "latent, tunable: " +
         tunable +
         ", select: 'e.indicator == \"justice.detention\"', by: [region@country], severity: watch, "
         "alert: {hold: 7d}}\n";
}

std::string exceptions(const std::vector<std::string>& items) {
  std::string text = "tocsin: rules/1\npackage: site\nexceptions:\n";
  for (const std::string& item : items) text += "  - {" + item + ", by: j.doe}\n";
  return text;
}

std::vector<std::string> sources_of(const Rule& rule) {
  std::vector<std::string> sources;
  for (const Exception& exception : rule.exceptions) {
    for (const cel::Program& item : exception.items) sources.push_back(item.source());
  }
  return sources;
}

std::vector<NamedText> some_files() {
  return {{"a.yaml", rule("drivers.a", "[region, prison, days_held, charged]")},
          {"b.yaml", rule("drivers.b", "[region]")},
          {"c.yaml", exceptions({"rule: drivers.a/r, when: [{prison: \"4\"}, {region: ML-7, "
                                 "charged: true}], reason: R, until: 2027-01-01",
                                 "rule: \"drivers.*/*\", when: [{region: BF}], reason: S, until: "
                                 "2027-02-01"})},
          {"d.yaml", exceptions({"rule: drivers.a/r, when: [{days_held: 5}], reason: T, until: "
                                 "2027-03-01"})}};
}

TEST(Exceptions, OfSeveralFilesComeTogether) {
  Diagnostics diagnostics;
  const auto bundle = load_bundle(with_rules(some_files()), diagnostics);
  ASSERT_NE(bundle, nullptr);
  EXPECT_THAT(diagnostics.all(), IsEmpty());
  EXPECT_THAT(sources_of(bundle->rules[0]),
              ElementsAre("has(e.attrs.prison) && (e.attrs.prison == \"4\")",
                          "has(e.attrs.charged) && (e.attrs.charged == true) && "
                          "region(e).within(\"ML-7\")",
                          "region(e).within(\"BF\")",
                          "has(e.attrs.days_held) && (e.attrs.days_held == double(\"5\"))"));
  EXPECT_THAT(sources_of(bundle->rules[1]), ElementsAre("region(e).within(\"BF\")"));
  const Exception& first = bundle->rules[0].exceptions[0];
  EXPECT_EQ(first.reason, "R");
  EXPECT_EQ(first.by, "j.doe");
  EXPECT_EQ(format_date(first.until), "2027-01-01");
}

TEST(Exceptions, OrderAndNamesOfFilesDoNotCount) {
  Diagnostics diagnostics;
  auto files = some_files();
  const auto first = load_bundle(with_rules(files), diagnostics);
  std::reverse(files.begin(), files.end());
  for (size_t i = 0; i < files.size(); ++i) files[i].name = std::to_string(i) + ".yaml";
  const auto other = load_bundle(with_rules(files), diagnostics);
  ASSERT_TRUE(first != nullptr && other != nullptr);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(sources_of(first->rules[i]), sources_of(other->rules[i]));
    EXPECT_EQ(first->rules[i].hash, other->rules[i].hash);
  }
}

TEST(Exceptions, MakeAnotherRuleOfTheSameShape) {
  Diagnostics diagnostics;
  auto files = some_files();
  const auto with = load_bundle(with_rules(files), diagnostics);
  files.resize(2);
  const auto without = load_bundle(with_rules(files), diagnostics);
  ASSERT_TRUE(with != nullptr && without != nullptr);
  EXPECT_EQ(with->rules[0].shape, without->rules[0].shape);
  EXPECT_NE(with->rules[0].hash, without->rules[0].hash);
}

TEST(Exceptions, AreJudgedByTheDayThatIsTold) {
  const auto text = with_rules(some_files());
  const auto warned = [&](std::optional<WallTime> today) {
    Diagnostics diagnostics;
    EXPECT_NE(load_bundle(text, diagnostics, today), nullptr);
    std::vector<std::string> told;
    for (const Diagnostic& d : diagnostics.sorted()) told.push_back(d.code + " " + d.message);
    return told;
  };
  EXPECT_THAT(warned(std::nullopt), IsEmpty());
  EXPECT_THAT(warned(parse_time("2026-12-01")), IsEmpty());
  EXPECT_THAT(warned(parse_time("2026-12-02")),
              ElementsAre("T0396 the exception ends soon: on 2027-01-01"));
  EXPECT_THAT(warned(parse_time("2027-01-15")),
              ElementsAre("T0396 the exception has ended: it was until 2027-01-01",
                          "T0396 the exception ends soon: on 2027-02-01"));
}

TEST(Exceptions, OfARuleThatDoesNotCompileAreNotToldAsWell) {
  auto files = some_files();
  files[0].text.replace(files[0].text.find("justice.detention"), 17, "justice.detentoin");
  Diagnostics diagnostics;
  EXPECT_EQ(load_bundle(with_rules(files), diagnostics), nullptr);
  ASSERT_EQ(diagnostics.all().size(), 1U);
  EXPECT_EQ(diagnostics.all()[0].code, "T0118");
}

TEST(Exceptions, HintsSayWhatWouldDo) {
  const auto hint = [](const std::string& item) {
    auto files = some_files();
    files.resize(2);
    files.push_back({"c.yaml", exceptions({item + ", reason: R, until: 2027-01-01"})});
    Diagnostics diagnostics;
    EXPECT_EQ(load_bundle(with_rules(files), diagnostics), nullptr);
    return diagnostics.all().empty() ? "" : diagnostics.all()[0].hint;
  };
  EXPECT_EQ(hint("rule: drivers.b/r, when: [{source: desk}]"), "it opens region");
  EXPECT_EQ(hint("rule: driver.b/r, when: [{source: desk}]"), "did you mean `drivers.b/r`?");
  EXPECT_EQ(hint("rule: drivers.b/r, when: [{region: MLI}]"), "did you mean `ML`?");
  EXPECT_EQ(hint("rule: drivers.a/r, when: [{charged: maybe}]"), "it is true or false");
}

}  // namespace
}  // namespace tocsin::rules
