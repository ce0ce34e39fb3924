#include "rules/cel/parser.h"

#include <gtest/gtest.h>

#include "rules/cel/printer.h"

namespace tocsin::cel {
namespace {

// The printed tree, or "line:column: code" of the first error.
std::string parsed(std::string_view text) {
  const SourceText source{std::string(text), {"f.yaml", 1, 1}};
  Diagnostics diagnostics;
  const ExprPtr expr = parse(source, diagnostics);
  if (expr) return print(*expr);
  if (diagnostics.all().empty()) return "no tree and no reason";
  const Diagnostic& d = diagnostics.all().front();
  return std::to_string(d.place.line) + ":" + std::to_string(d.place.column) + ": " + d.code;
}

struct Case {
  const char* text;
  const char* printed;
};

TEST(Parser, PrintsTheTreeInOneSpelling) {
  const Case cases[] = {
      {"1+2*3", "1 + 2 * 3"},
      {"(1+2)*3", "(1 + 2) * 3"},
      {"1-(2-3)", "1 - (2 - 3)"},
      {"(1-2)-3", "1 - 2 - 3"},
      {"a&&b||c", "a && b || c"},
      {"a&&(b||c)", "a && (b || c)"},
      {"(a&&b)&&c", "(a && b) && c"},
      {"a && b && c", "a && b && c"},
      {"a?b:c?d:e", "a ? b : c ? d : e"},
      {"(a?b:c)?d:e", "(a ? b : c) ? d : e"},
      {"!!a", "!!a"},
      {"-a", "-a"},
      {"- -1", "-(-1)"},
      {"-(1)", "-(1)"},
      {"-1", "-1"},
      {"1 - -1", "1 - -1"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"0xFF", "255"},
      {"-0x10", "-16"},
      {"7u", "7u"},
      {"1.", "1:3: T0101"},
      {".5", "0.5"},
      {"1e3", "1000.0"},
      {"1.5e-2", "0.015"},
      {"'a\"b'", "\"a\\\"b\""},
      {"r'a\\d'", "\"a\\\\d\""},
      {"\"\\u00e9\\x41\\101\\n\"", "\"éAA\\n\""},
      {"'''a\nb'''", "\"a\\nb\""},
      {"b'\\xff\\x00a'", "b\"\\xff\\x00a\""},
      {"[1,2,]", "[1, 2]"},
      {"{'a':1,}", "{\"a\": 1}"},
      {"{}", "{}"},
      {"a.b.c", "a.b.c"},
      {".a.b", ".a.b"},
      {"a.`b-c`", "a.`b-c`"},
      {"a[0].b", "a[0].b"},
      {"f()", "f()"},
      {"a.f(1, 2)", "a.f(1, 2)"},
      {"-1.5.f()", "-1.5.f()"},
      {"has(e.x)", "has(e.x)"},
      {"l.all(x, x>0)", "l.all(x, x > 0)"},
      {"l.map(x, x>0, x*2)", "l.map(x, x > 0, x * 2)"},
      {"l.exists_one(x, true)", "l.exists_one(x, true)"},
      {"a in b in c", "a in b in c"},
      {"a == b != c", "a == b != c"},
      {"a == (b == c)", "a == (b == c)"},
      {"!(a in b)", "!(a in b)"},
      {"x.y{a: 1}", "x.y{a: 1}"},
      {"1 // comment\n + 2", "1 + 2"},
      {"true ? null : false", "true ? null : false"},
      {"(a.b)(c)", "1:6: T0101"},
  };
  for (const Case& c : cases) EXPECT_EQ(parsed(c.text), c.printed) << c.text;
}

TEST(Parser, ReadsItsOwnPrintAsTheSameTree) {
  for (const char* text : {"a ? (b ? c : d) : e", "-(-(1))", "!(a && b) || c", "(a || b) && c",
                           "[[1], {2: [3]}]", "a.f(-1)[-2].g", "(-1).f()", "-(1.f())", "- (a.b)",
                           "1 - (2 + 3) * 4 % 5", "x.y{a: b ? c : d}"}) {
    const std::string once = parsed(text);
    EXPECT_EQ(parsed(once), once) << text;
  }
}

TEST(Parser, TellsWhereAndWhatIsWrong) {
  const Case cases[] = {
      {"", "1:1: T0101"},
      {"1 +", "1:4: T0101"},
      {"a = b", "1:3: T0104"},
      {"a & b", "1:3: T0104"},
      {"a | b", "1:3: T0104"},
      {"a and b", "1:3: T0104"},
      {"a OR b", "1:3: T0104"},
      {"not a", "1:5: T0104"},
      {"a IN b", "1:3: T0104"},
      {"\"abc", "1:1: T0102"},
      {"'\\q'", "1:2: T0102"},
      {"\xe2\x80\x9c"
       "a\xe2\x80\x9d",
       "1:1: T0101"},
      {"1 +\n  2 +\n  é", "3:3: T0101"},
      {"9223372036854775808", "1:1: T0102"},
      {"18446744073709551616u", "1:1: T0102"},
      {"30d", "1:1: T0102"},
      {"(1", "1:3: T0101"},
      {"[1", "1:3: T0101"},
      {"f(1,)", "1:5: T0101"},
      {"a.all(1, true)", "1:7: T0124"},
      {"has(a)", "1:5: T0124"},
      {"for", "1:1: T0101"},
      {"a.?b", "1:3: T0190"},
      {"a[?b]", "1:3: T0190"},
      {"l.all(i, v, true)", "1:3: T0190"},
      {"\xff", "1:1: T0101"},
      {"a ≥ b", "1:3: T0104"},
      {"'\\ud800'", "1:2: T0102"},
  };
  for (const Case& c : cases) EXPECT_EQ(parsed(c.text), c.printed) << c.text;
}

std::string repeated(const std::string& part, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += part;
  return out;
}

TEST(Parser, ReachesTheLimitsOfTheDefinition) {
  EXPECT_EQ(parsed("a" + repeated(" && a", 32)), "a" + repeated(" && a", 32));
  EXPECT_EQ(parsed("1" + repeated(" + 1", 24)), "1" + repeated(" + 1", 24));
  EXPECT_EQ(parsed(repeated("f(", 12) + "1" + repeated(")", 12)),
            repeated("f(", 12) + "1" + repeated(")", 12));
  EXPECT_EQ(parsed("a" + repeated(" ? b : a", 24)), "a" + repeated(" ? b : a", 24));
}

TEST(Parser, RefusesWhatNestsTooDeepWithoutOverflowingTheStack) {
  for (const char* open : {"(", "[", "f(", "!", "-", "{1: ", "a ? b : ", "a[", "l.all(x, "}) {
    const std::string result = parsed(repeated(open, 10'000));
    EXPECT_TRUE(result.ends_with("T0103")) << open << " gives " << result;
  }
  EXPECT_TRUE(parsed("a" + repeated(".b", 10'000)).ends_with("T0103"));
  EXPECT_TRUE(parsed("1" + repeated(" + 1", 10'000)).ends_with("T0103"));
  EXPECT_TRUE(parsed("a" + repeated("[0]", 10'000)).ends_with("T0103"));
}

}  // namespace
}  // namespace tocsin::cel
