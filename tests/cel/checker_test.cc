#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/cel/program.h"
#include "tests/cel/small_world.h"

namespace tocsin::cel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

struct Complaint {
  const char* text;
  const char* where;    // "line:column code"
  const char* message;  // a part of it
  const char* hint;     // a part of it
};

class CheckerTest : public testing::Test {
 protected:
  std::optional<Program> compile(std::string_view text) {
    return compile(text, world_.environment());
  }
  std::optional<Program> compile(std::string_view text, const Environment& environment) {
    diagnostics_ = {};
    return Program::compile(text, {"rules.yaml", 10, 5}, environment, diagnostics_);
  }
  void expect(const Complaint& c, const Environment& environment) {
    compile(c.text, environment);
    ASSERT_FALSE(diagnostics_.all().empty()) << c.text << " is accepted";
    const Diagnostic& d = diagnostics_.all().front();
    EXPECT_EQ(std::to_string(d.place.line) + ":" + std::to_string(d.place.column) + " " + d.code,
              c.where)
        << c.text << "\n"
        << to_text(d);
    EXPECT_THAT(d.message, HasSubstr(c.message)) << c.text;
    EXPECT_THAT(d.hint, HasSubstr(c.hint)) << c.text;
  }
  std::string type_of(std::string_view text) {
    const auto program = compile(text);
    return program ? to_string(program->type()) : "error: " + to_text(diagnostics_.all().front());
  }

  SmallWorld world_;
  Diagnostics diagnostics_;
};

TEST_F(CheckerTest, TellsPlaceReasonAndRemedy) {
  const Complaint complaints[] = {
      // names
      {"peple > 1.0", "10:5 T0110", "unknown name `peple`", "people"},
      {"true && foo", "10:13 T0110", "unknown name `foo`", "needs quotes"},
      {"value > 1.0", "10:5 T0110", "unknown name `value`", "e.value"},
      {"True", "10:5 T0110", "unknown name", "true or false"},
      {"e.valu > 1.0", "10:7 T0112", "no field `valu`", "e.value"},
      {"e.country == \"ML\"", "10:7 T0112", "no field `country`", "e.region.within(\"BH\")"},
      {"e.abracadabra > 1", "10:7 T0112", "", "an event has: e.id, e.rev"},
      {"within(e.region, \"ML\")", "10:5 T0111", "no function within()", "e.region.within(\"BH\")"},
      {"country(e) == \"ML\"", "10:5 T0111", "no function country()", "e.region.within(\"BH\")"},
      {"true && unheard_of", "10:13 T0110", "", "names here are: people, reports, at, anything"},
      {"e.region == \"Mali\"", "10:17 T0118", "no region \"Mali\"",
       "did you mean \"ML\"? That is Mali"},
      {"e.indicator == \"security.battle\" && e.attrs.colour == \"x\"", "10:49 T0113",
       "no attr `colour`", "declared are: e.attrs.days_held, e.attrs.dyad"},
      {"people => 10.0", "10:12 T0104", "`=>` is not an operator", ">= for `at least`"},
      {"people =< 10.0", "10:12 T0104", "`=<` is not an operator", "<= for `at most`"},
      {"people > 10,5", "10:16 T0104", "found `,`", "decimal point: 10.5"},
      {"e.form == \"x\"", "10:7 T0112", "no field `form`", "e.attrs.form"},
      {"e.ingested > e.time", "10:7 T0112", "e.ingested", "e.time"},
      {"e == e", "10:5 T0112", "whole event", "e.value"},
      {"e.id.x", "10:10 T0112", "string has no fields", ""},
      {"e.id.size", "10:10 T0112", "string has no fields", "call it"},
      {"list.sahl", "10:10 T0114", "no list `sahl`", "list.sahel"},
      {"level.warn > 1", "10:11 T0119", "no level `warn`", "warning"},
      {"sise(e.id)", "10:5 T0111", "no function sise()", "size"},
      {"e.id.startswith(\"a\")", "10:10 T0111", "startswith", "startsWith"},
      {"contains(e.id, \"x\")", "10:5 T0111", "contains", "x.contains"},
      {"e.id.int()", "10:10 T0111", "int", "int(x)"},
      {"e.id.contains()", "10:10 T0117", "takes 1 argument, not 0", ""},
      {"lethal()", "10:5 T0111", "lethal", "macro.lethal"},
      // macros
      {"macro.letal()", "10:11 T0115", "no macro `letal`", "macro.lethal"},
      {"macro.lethal", "10:11 T0115", "not called", "macro.lethal()"},
      {"macro.at_least()", "10:11 T0117", "takes 1 argument", ""},
      {"macro.ring()", "8:26 T0116", "ring", ""},
      {"macro.broken()", "9:23 T0101", "expected a value", ""},
      // vocabulary of the catalogue
      {"e.indicator == \"civic.protst\"", "10:20 T0118", "civic.protst", "civic.protest"},
      {"\"civic.protst\" == e.indicator", "10:5 T0118", "civic.protst", "civic.protest"},
      {"e.indicator in [\"civic.protest\", \"security.batle\"]", "10:38 T0118", "",
       "security.battle"},
      {"e.source == \"ucpd\"", "10:17 T0118", "no source", "ucdp"},
      {"e.region == \"MLX\"", "10:17 T0118", "own id", "\"ML\""},
      {"e.region.within(\"XX\")", "10:21 T0118", "no region", ""},
      {"e.time_precision == \"days\"", "10:25 T0118", "time precision", "day"},
      {"e.indicator == \"civic.protest\" && e.attrs.form == \"peacefull\"", "10:55 T0119",
       "peacefull", "peaceful"},
      {"e.indicator == \"civic.protest\" && e.attrs.frm == \"riot\"", "10:47 T0113",
       "civic.protest has no attr `frm`", "e.attrs.form"},
      {"e.indicator == \"security.raid\" && e.attrs.dyad == \"x\"", "10:47 T0113",
       "security.raid has no attr", "declare it"},
      {"e.attrs.color == \"red\"", "10:13 T0113", "no attr `color`",
       "get(e.attrs, \"color\", default)"},
      // types
      {"e.rev + e.confidence", "10:11 T0122", "+ does not take int and double", "double(x)"},
      {"reports > people", "10:13 T0122", "compares int with double", "double(x)"},
      {"reports > 2.5", "10:13 T0122", "compares int with double", "double(x)"},
      {"e.id == 5", "10:10 T0121", "compares string with int", "quotes"},
      {"e.time > \"2026-01-01\"", "10:12 T0121", "timestamp with string", "timestamp(\""},
      {"e.id && true", "10:7 T0123", "each side of && must be bool", "compare it"},
      {"!reports", "10:6 T0123", "must be bool", "compare it"},
      {"reports ? 1 : 2", "10:5 T0123", "condition of ?:", ""},
      {"true ? 1 : \"a\"", "10:10 T0120", "int and string", "same type"},
      {"e.id in \"abc\"", "10:13 T0120", "`in` needs a list", "contains"},
      {"1 in [\"a\"]", "10:7 T0121", "int in list(string)", ""},
      {"e.actors[\"a\"]", "10:14 T0120", "list index needs int", ""},
      {"e.actors == \"army\"", "10:14 T0121", "list(string) with string", ""},
      {"e.actors > e.tags", "10:14 T0120", "no order", ""},
      {"size(5)", "10:10 T0120", "size needs", ""},
      {"{1.5: 2}", "10:6 T0120", "map key cannot be double", ""},
      {"e.rev.all(x, true)", "10:11 T0120", "needs a list", ""},
      {"-e.id", "10:8 T0120", "sign", ""},
      {"min(reports, people)", "10:18 T0122", "min compares", "double(x)"},
      {"e.charged == \"true\"", "10:7 T0112", "charged", "e.attrs.charged"},
      // patterns, zones, limits
      {"e.id.matches(e.source)", "10:20 T0131", "constant", "matches(r"},
      {"e.id.matches(\"(\")", "10:18 T0132", "bad pattern", "RE2"},
      {"e.time.getHours(\"Afrika/Bamako\") > 1", "10:21 T0133", "Afrika/Bamako", "IANA"},
      // conversions that can never be
      {"e.time > e.time - duration(\"60d\")", "10:32 T0420", "'60d' is not a duration",
       "write duration(\"1440h\")"},
      {"duration(\"60 days\") > duration(\"1h\")", "10:14 T0420", "'60 days'", "\"1440h\""},
      {"duration(\"2w\") > duration(\"1h\")", "10:14 T0420", "", "\"336h\""},
      {"duration(\"3mo\") > duration(\"1h\")", "10:14 T0420", "", "no fixed length"},
      {"duration(\"soon\") > duration(\"1h\")", "10:14 T0420", "", "units are h, m, s"},
      {"e.time > timestamp(\"2026-01-01\")", "10:24 T0420", "not a timestamp",
       "timestamp(\"2026-01-01T00:00:00Z\")"},
      {"reports > int(\"ten\")", "10:19 T0420", "'ten' is not an int", "number itself"},
      {"people > double(\"10,5\")", "10:21 T0420", "'10,5' is not a double", "number itself"},
      {"reports > int(1e30)", "10:19 T0420", "out of the range", ""},
      {"bool(\"yes\")", "10:10 T0420", "'yes' is not a bool", "true or false"},
      {"e.actors.all(a, e.actors.all(b, e.actors.all(c, a == b)))", "10:46 T0141", "at most twice",
       ""},
      {"e.tags.all(a, e.tags.all(b, e.actors.all(c, a == b)))", "10:42 T0141", "at most twice", ""},
      {"e.actors.all(e, true)", "10:14 T0124", "`e` is the event", ""},
      // what is left out
      {"signal(\"x\") > 1.0", "10:5 T0134", "no signal can be read here", "read at the time"},
      {"in_calendar(e.time, \"a\", region(e), duration(\"1h\"))", "10:25 T0118",
       "there is no calendar \"a\"", "declare it"},
      {"in_calendar(e.time, e.source, region(e))", "10:27 T0131", "constant text", "elections"},
      {"a.b.C{x: 1}", "10:5 T0190", "not supported in tocsin: messages", ""},
      {"cel.bind(x, 1, x)", "10:9 T0190", "not supported in tocsin: cel.bind", ""},
      {"e.id.replace(\"a\", \"b\")", "10:10 T0190", "not supported in tocsin", ""},
      {"google.protobuf.Any", "10:21 T0190", "not supported in tocsin", ""},
  };
  for (const Complaint& c : complaints) expect(c, world_.environment());
}

TEST_F(CheckerTest, CountsLinesAndCodePoints) {
  expect({"e.id == \"é\" &&\n  peple > 1.0", "11:3 T0110", "", ""}, world_.environment());
  expect({"e.id == \"éé\" && peple > 1.0", "10:21 T0110", "", ""}, world_.environment());
}

TEST_F(CheckerTest, WarnsOfReadingAnOptionalFieldUnproven) {
  const Complaint c{"e.value > 1.0", "10:7 T0130", "e.value may be absent", "has(e.value)"};
  expect(c, world_.environment());
  EXPECT_FALSE(diagnostics_.has_errors());
  Environment strict = world_.environment();
  strict.optional_read_is_error = true;
  expect(c, strict);
  EXPECT_TRUE(diagnostics_.has_errors());
}

TEST_F(CheckerTest, FollowsWhatHasProves) {
  Environment strict = world_.environment();
  strict.optional_read_is_error = true;
  for (const char* proven :
       {"has(e.value) && e.value > 1.0", "e.value > 1.0 && has(e.value)",
        "!has(e.value) || e.value > 1.0", "has(e.value) ? e.value > 1.0 : false",
        "!has(e.value) ? false : e.value > 1.0", "has(e.value) && (e.id == \"a\" || e.value > 1.0)",
        "macro.at_least(3)", "get(e.attrs, \"share\", 0.0) > 0.1",
        "(has(e.value) && has(e.attrs.share)) && e.value > e.attrs.share",
        "!(!has(e.value) || e.value < 1.0)"}) {
    EXPECT_TRUE(compile(proven, strict)) << proven << "\n" << to_text(diagnostics_.all().front());
  }
  for (const char* unproven :
       {"has(e.value) || e.value > 1.0", "has(e.attrs.share) && e.value > 1.0",
        "has(e.value) ? true : e.value > 1.0", "!has(e.value) && e.value > 1.0",
        "(has(e.value) || has(e.lat)) && e.value > 1.0"}) {
    EXPECT_FALSE(compile(unproven, strict)) << unproven;
  }
  strict.proven = {"e.value"};
  EXPECT_TRUE(compile("e.value > 1.0", strict));
}

TEST_F(CheckerTest, KnowsWhatIsPresentWheneverTheConditionHolds) {
  const auto proven = [&](const char* text) {
    const auto program = compile(text);
    return program ? program->analysis().proven : std::set<std::string>{"error"};
  };
  EXPECT_THAT(proven("has(e.value) && e.id == \"a\""), testing::Contains("e.value"));
  EXPECT_THAT(proven("e.value > 1.0"), testing::Contains("e.value"));
  EXPECT_THAT(proven("e.value > 1.0 || e.value < -1.0"), testing::Contains("e.value"));
  EXPECT_THAT(proven("e.value > 1.0 || e.id == \"a\""), testing::Not(testing::Contains("e.value")));
  EXPECT_THAT(proven("!(e.value > 1.0)"), testing::Contains("e.value"));
  EXPECT_THAT(proven("e.actors.exists(a, e.value > 1.0)"),
              testing::Not(testing::Contains("e.value")));
}

TEST_F(CheckerTest, ReadsIndicatorsAndCountriesForTheIndex) {
  const auto names = [&](const char* text) {
    std::vector<std::string> out;
    const auto program = compile(text);
    if (!program || !program->analysis().indicators) return std::vector<std::string>{"any"};
    for (const IndicatorId id : *program->analysis().indicators) {
      out.push_back(world_.catalogue().indicator(id).name);
    }
    return out;
  };
  EXPECT_THAT(names("e.indicator == \"civic.protest\""), ElementsAre("civic.protest"));
  EXPECT_THAT(names("e.indicator in [\"security.raid\", \"civic.protest\"] && e.rev > 0"),
              ElementsAre("civic.protest", "security.raid"));
  EXPECT_THAT(names("e.indicator.startsWith(\"security.\")"),
              ElementsAre("security.battle", "security.raid"));
  EXPECT_THAT(names("e.indicator == \"civic.protest\" || e.indicator == \"security.raid\""),
              ElementsAre("civic.protest", "security.raid"));
  EXPECT_THAT(names("e.indicator == \"civic.protest\" || e.rev > 0"), ElementsAre("any"));
  EXPECT_THAT(names("e.indicator != \"civic.protest\""), ElementsAre("any"));
  EXPECT_THAT(names("e.indicator == \"civic.protest\" && e.indicator == \"security.raid\""),
              ElementsAre());

  const auto countries = [&](const char* text) {
    std::vector<std::string> out;
    const auto program = compile(text);
    if (!program || !program->analysis().countries) return std::vector<std::string>{"any"};
    for (const RegionId id : *program->analysis().countries)
      out.push_back(world_.catalogue().region(id).id);
    return out;
  };
  EXPECT_THAT(countries("e.region == \"ML-7\""), ElementsAre("ML"));
  EXPECT_THAT(countries("e.region in list.sahel"), ElementsAre("ML", "NE"));
  EXPECT_THAT(countries("region(e).within(\"ML-7\") && e.rev > 0"), ElementsAre("ML"));
  EXPECT_THAT(countries("e.region.within(\"NE\")"), ElementsAre("NE"));
  EXPECT_THAT(countries("e.rev > 0"), ElementsAre("any"));
}

TEST_F(CheckerTest, TellsWhichListsMacrosAndVariablesAreUsed) {
  const auto program = compile("macro.twice() && e.region in list.sahel && people > 1.0");
  ASSERT_TRUE(program);
  EXPECT_THAT(program->analysis().macros, UnorderedElementsAre("lethal", "twice"));
  EXPECT_THAT(program->analysis().lists, UnorderedElementsAre("sahel"));
  EXPECT_THAT(program->analysis().variables, UnorderedElementsAre("people"));
}

TEST_F(CheckerTest, TypesAttrsByTheIndicatorsThatAreLeft) {
  EXPECT_EQ(type_of("e.indicator == \"civic.protest\" ? true : false"), "bool");
  EXPECT_TRUE(compile("e.indicator == \"civic.protest\" && e.attrs.days_held == 3"));
  EXPECT_TRUE(compile("e.indicator == \"security.battle\" && e.attrs.days_held == \"3\""));
  EXPECT_FALSE(compile("e.indicator == \"security.battle\" && e.attrs.days_held == 3"));
  EXPECT_TRUE(
      compile("(e.indicator == \"civic.protest\" && e.attrs.charged) || "
              "(e.indicator == \"security.battle\" && e.attrs.dyad == \"x\")"));
  EXPECT_EQ(type_of("e.attrs.days_held"), "dyn");  // int for one, string for another
  Environment environment = world_.environment();
  environment.indicators = {*world_.catalogue().find_indicator("civic.protest")};
  const auto program = compile("e.attrs.share", environment);
  ASSERT_TRUE(program);
  EXPECT_EQ(to_string(program->type()), "double");
}

TEST_F(CheckerTest, GivesTypes) {
  const std::pair<const char*, const char*> cases[] = {
      {"1", "int"},
      {"1u", "uint"},
      {"1.0", "double"},
      {"\"a\"", "string"},
      {"b\"a\"", "bytes"},
      {"null", "null_type"},
      {"[1]", "list(int)"},
      {"[1, \"a\"]", "list(dyn)"},
      {"[]", "list(dyn)"},
      {"{\"a\": 1}", "map(string, int)"},
      {"{\"a\": 1, \"b\": \"c\"}", "map(string, dyn)"},
      {"e.actors", "list(string)"},
      {"e.attrs", "map(string, dyn)"},
      {"e.time - e.time", "duration"},
      {"e.time + duration(\"1h\")", "timestamp"},
      {"e.region", "region"},
      {"e.region.parent()", "region"},
      {"people / 100", "double"},
      {"1 / people", "double"},
      {"[1].map(x, x * 2)", "list(int)"},
      {"e.tags.filter(t, true)", "list(string)"},
      {"type(1)", "type"},
      {"dyn(1)", "dyn"},
      {"min(people, 3)", "double"},
      {"abs(-1)", "int"},
      {"true ? people : 1", "double"},
      {"{\"a\": 1}.a", "int"},
      {"anything.x", "dyn"},
      {"e.actors[0]", "string"},
      {"level.watch", "int"},
      {"list.sahel", "list(string)"},
      {"days_since(e.time)", "int"},
  };
  for (const auto& [text, type] : cases) EXPECT_EQ(type_of(text), type) << text;
}

TEST_F(CheckerTest, ComparesTheLevelByRank) {
  Environment alert = world_.environment();
  alert.variables.push_back({"level", Type::Tag::kString});
  alert.variables.push_back({"level_rank", Type::Tag::kInt});
  for (const char* text :
       {"level >= level.watch", "level.watch < level", "level == level.alert",
        "level in [level.watch, level.alert]", "level_rank > 2", "level == \"watch\"",
        "level != \"none\"", "level in [\"watch\", \"alert\"]", "level.size() > 0"}) {
    EXPECT_TRUE(compile(text, alert)) << text << "\n" << to_text(diagnostics_.all().front());
  }
  const Complaint complaints[] = {
      {"level >= \"watch\"", "10:11 T0120", "compare by rank", "level.watch"},
      {"\"alert\" > level", "10:13 T0120", "compare by rank", "level.alert"},
      {"level < level", "10:11 T0120", "compare by rank", "level_rank"},
      {"level < e.id", "10:11 T0120", "compare by rank", "level_rank"},
      {"level >= level.wach", "10:20 T0119", "no level `wach`", "level.watch"},
      {"level == \"wach\"", "10:14 T0119", "no level \"wach\"", "watch"},
      {"level in [\"alert\", \"high\"]", "10:24 T0119", "no level \"high\"", "one of"},
  };
  for (const Complaint& complaint : complaints) expect(complaint, alert);
}

TEST_F(CheckerTest, WidensIntLiteralsBesideDoublesButNotInConformance) {
  EXPECT_TRUE(compile("people > 50"));
  EXPECT_TRUE(compile("-5 < people"));
  EXPECT_TRUE(compile("people in [1, 2, 3]"));
  Environment plain;
  plain.conformance = true;
  plain.variables = {{"people", Type::Tag::kDouble}};
  EXPECT_FALSE(compile("people == 50", plain));
  EXPECT_FALSE(compile("people + 50", plain));
}

TEST_F(CheckerTest, LeavesExtensionsOutOfConformance) {
  Environment plain;
  plain.conformance = true;
  for (const char* text : {"abs(-1)", "get({}, \"a\", 1)", "fold(\"a\")", "level.watch",
                           "list.sahel", "macro.lethal()"}) {
    EXPECT_FALSE(compile(text, plain)) << text;
  }
}

TEST_F(CheckerTest, BoundsTheCost) {
  EXPECT_TRUE(compile("e.tags.all(a, e.actors.exists(b, a == b))"));
  const std::string heavy =
      "e.tags.all(a, e.tags.all(b, a == b && b == a && a + b == b + a && a != b))";
  EXPECT_FALSE(compile(heavy));
  EXPECT_EQ(diagnostics_.all().front().code, "T0140");
  EXPECT_FALSE(compile("e.id == \"" + std::string(5000, 'x') + "\""));
  EXPECT_EQ(diagnostics_.all().front().code, "T0142");
}

TEST_F(CheckerTest, KeepsMacroArgumentsApartFromMacroVariables) {
  // `a` of the caller must not become the `a` of the macro's own exists.
  EXPECT_TRUE(compile("e.tags.exists(a, macro.some_actor(a))"));
  const auto program = compile("e.tags.exists(a, macro.some_actor(a))");
  ASSERT_TRUE(program);
  Arena arena;
  const Outcome outcome = program->run(&world_.event(), world_.values(), arena);
  ASSERT_TRUE(outcome.ok());
  EXPECT_FALSE(outcome.value.boolean());  // no tag is an actor; a == a would be true
}

TEST_F(CheckerTest, WarnsOfTheTwelfthMonth) {
  EXPECT_TRUE(compile("e.time.getMonth() == 12"));
  ASSERT_FALSE(diagnostics_.all().empty());
  EXPECT_EQ(diagnostics_.all().front().code, "T0150");
}

TEST(TypeText, ReadsWhatItPrints) {
  for (const char* text :
       {"int", "list(string)", "map(string, list(dyn))", "null_type", "timestamp"}) {
    bool ok = false;
    EXPECT_EQ(to_string(parse_type(text, ok)), text);
    EXPECT_TRUE(ok);
  }
  for (const char* text : {"", "lst", "list(", "list(int", "map(int)", "list(int))"}) {
    bool ok = true;
    parse_type(text, ok);
    EXPECT_FALSE(ok) << text;
  }
}

}  // namespace
}  // namespace tocsin::cel
