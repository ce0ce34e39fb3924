#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "rules/yaml/document.h"

namespace tocsin::yaml {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Node value_of(const std::string& text) {
  Diagnostics diagnostics;
  auto node = parse_document("v: " + text, "t.yaml", diagnostics);
  for (const Diagnostic& d : diagnostics.all()) ADD_FAILURE() << to_text(d);
  return node && node->find("v") != nullptr ? *node->find("v") : Node{};
}

TEST(AsInt, TakesDecimalOnly) {
  Diagnostics diagnostics;
  EXPECT_EQ(as_int(value_of("42"), "`n`", 0, 100, diagnostics), 42);
  EXPECT_EQ(as_int(value_of("-3"), "`n`", -5, 100, diagnostics), -3);
  EXPECT_EQ(diagnostics.errors(), 0);
  for (const char* bad : {"012", "0x10", "1_000", "+5", "4.0", "12:30", "\"42\"", "many", "[4]",
                          "~", "99999999999999999999"}) {
    EXPECT_EQ(as_int(value_of(bad), "`n`", 0, 100, diagnostics), std::nullopt) << bad;
  }
  EXPECT_EQ(diagnostics.errors(), 11);
}

TEST(AsInt, TellsTheRange) {
  Diagnostics diagnostics;
  EXPECT_EQ(as_int(value_of("500"), "`n`", 1, 100, diagnostics), std::nullopt);
  ASSERT_EQ(diagnostics.errors(), 1);
  EXPECT_EQ(diagnostics.all()[0].code, "T0012");
  EXPECT_THAT(diagnostics.all()[0].message, HasSubstr("between 1 and 100, but is 500"));
}

TEST(AsDouble, TakesFiniteNumbers) {
  Diagnostics diagnostics;
  EXPECT_EQ(as_double(value_of("3"), "`x`", diagnostics), 3.0);
  EXPECT_EQ(as_double(value_of("-0.5"), "`x`", diagnostics), -0.5);
  EXPECT_EQ(as_double(value_of("1e3"), "`x`", diagnostics), 1000.0);
  EXPECT_EQ(diagnostics.errors(), 0);
  for (const char* bad : {".inf", ".nan", "1e999", "1,5", "\"3\"", "03"}) {
    EXPECT_EQ(as_double(value_of(bad), "`x`", diagnostics), std::nullopt) << bad;
  }
}

TEST(AsBool, TakesTrueAndFalseOnly) {
  Diagnostics diagnostics;
  EXPECT_EQ(as_bool(value_of("true"), "`b`", diagnostics), true);
  EXPECT_EQ(as_bool(value_of("false"), "`b`", diagnostics), false);
  EXPECT_EQ(diagnostics.errors(), 0);
  for (const char* bad : {"yes", "NO", "on", "True", "\"true\"", "1"}) {
    EXPECT_EQ(as_bool(value_of(bad), "`b`", diagnostics), std::nullopt) << bad;
  }
}

TEST(AsTexts, TakesOneTextAsAListOfOne) {
  Diagnostics diagnostics;
  EXPECT_THAT(*as_texts(value_of("a"), "`l`", diagnostics), ElementsAre("a"));
  EXPECT_THAT(*as_texts(value_of("[a, NO, 012]"), "`l`", diagnostics),
              ElementsAre("a", "NO", "012"));
  EXPECT_EQ(as_texts(value_of("{a: b}"), "`l`", diagnostics), std::nullopt);
  EXPECT_EQ(as_texts(value_of("[a, [b]]"), "`l`", diagnostics), std::nullopt);
}

TEST(AsText, SaysThatNullNeedsQuotes) {
  Diagnostics diagnostics;
  EXPECT_EQ(as_text(value_of("null"), "`t`", diagnostics), std::nullopt);
  EXPECT_THAT(diagnostics.all()[0].hint, HasSubstr("needs quotes"));
}

TEST(RefuseUnknownKeys, GivesTheNearestKey) {
  Diagnostics diagnostics;
  refuse_unknown_keys(value_of("{windwo: 7d, every: 1d}"), {"window", "every"}, "measure `n`",
                      diagnostics);
  ASSERT_EQ(diagnostics.errors(), 1);
  EXPECT_EQ(diagnostics.all()[0].message, "unknown key `windwo` in measure `n`");
  EXPECT_EQ(diagnostics.all()[0].hint, "did you mean `window`?");
  EXPECT_EQ(diagnostics.all()[0].place.column, 5);
}

}  // namespace
}  // namespace tocsin::yaml
