#include "rules/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cel/small_world.h"

namespace tocsin::rules {
namespace {

using cel::Entry;
using cel::Kind;
using cel::Type;
using cel::Value;
using testing::HasSubstr;

class TemplateTest : public testing::Test {
 protected:
  TemplateTest() {
    environment_ = world_.environment();
    environment_.variables.push_back({"neighbours", Type::list({})});
    environment_.variables.push_back({"last", {}});
    values_ = world_.values();
    values_.push_back(Value::of_list(neighbours_));
    values_.push_back({});
  }

  std::string rendered(std::string_view text) {
    diagnostics_ = {};
    const auto compiled =
        Template::compile(text, {"rules.yaml", 20, 12}, environment_, diagnostics_);
    if (!compiled) return "error: " + to_text(diagnostics_.all().front());
    Arena arena;
    return compiled->render(&world_.event(), values_, *parse_time("2026-03-04T13:45:31Z"), arena);
  }

  cel::SmallWorld world_;
  cel::Environment environment_;
  std::vector<Value> values_;
  std::vector<Entry> niger_{{Value::of_string("id"), Value::of_string("NE")},
                            {Value::of_string("name"), Value::of_string("Niger")}};
  std::vector<Entry> mali_{{Value::of_string("id"), Value::of_string("ML")},
                           {Value::of_string("name"), Value::of_string("Mali")}};
  std::vector<Value> neighbours_{Value::of_map(niger_), Value::of_map(mali_)};
  Diagnostics diagnostics_;
};

TEST_F(TemplateTest, PutsValuesIntoTheText) {
  const std::pair<const char*, const char*> cases[] = {
      {"no hole", "no hole"},
      {"", ""},
      {"{{ e.id }}", "ev-1"},
      {"{{e.id}}{{ e.rev }}", "ev-12"},
      {"{{ int(e.value) }} killed in {{ e.region }}", "7 killed in ML-7"},
      {"{{ e.value }} and {{ people * 1.5 }}", "7 and 93"},
      {"{{ e.value / 2 }}", "3.5"},
      {"{{ e.value > 5 ? \"many\" : \"few\" }}", "many"},
      {"{{ e.id == \"a\" || e.rev == 2 }}", "true"},
      {"{{ e.tags }}", "verified, urban"},
      {"{{ e.time }}", "2026-03-01T13:45:30.250Z"},
      {"{{ \"}}\" }} {{ '|' }}", "}} |"},
      {"{{ {\"a\": {\"b\": 1}}.a.b }}", "1"},
      {"{{ {\"a\": {\"b\": \"x\"}}[\"a\"] }}", "{\"b\": \"x\"}"},
      {"{{ duration(\"36h\") }}", "36 h"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(rendered(text), expected) << text;
}

TEST_F(TemplateTest, AppliesFilters) {
  const std::pair<const char*, const char*> cases[] = {
      {"{{ e.confidence | pct }}", "80 %"},
      {"{{ 1 | pct }}", "100 %"},
      {"{{ 2.345 | fixed(1) }}", "2.3"},
      {"{{ 2 | fixed(2) }}", "2.00"},
      {"{{ -0.04 | fixed(1) }}", "0.0"},
      {"{{ e.rev > 9 ? dyn(1.25) : dyn(\"not known\") | fixed(1) }}", "not known"},
      {"{{ e.rev < 9 ? dyn(1.75) : dyn(\"not known\") | fixed(1) }}", "1.8"},
      {"{{ \"never\" | date }} {{ \"never\" | ago }}", "never never"},
      {"{{ 0.25 | signed }}", "+0.2"},
      {"{{ -3 | signed }}", "-3"},
      {"{{ 3 | signed }}", "+3"},
      {"{{ e.time | date }}", "2026-03-01"},
      {"{{ e.time | ago }}", "3 d ago"},
      {"{{ e.time + duration(\"97h\") | ago }}", "in 1 d"},
      {"{{ e.actors | join(' and ') }}", "army and Union des jeunes"},
      {"{{ neighbours | names | join(\", \") }}", "Niger, Mali"},
      {"{{ neighbours[0] | names }}", "Niger"},
      {"{{ e.attrs[\"note\"] | upper }}", "ÉTÉ À GAO"},
      {"{{ e.attrs[\"note\"] | trunc(4) }}", "Été…"},
      {"{{ e.attrs[\"note\"] | trunc(40) | upper }}", "ÉTÉ À GAO"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(rendered(text), expected) << text;
}

TEST_F(TemplateTest, PrintsNotAvailableForWhatIsMissing) {
  world_.event().value = std::nan("");
  for (const char* text :
       {"{{ e.value }}", "{{ e.value | fixed(1) }}", "{{ last }}", "{{ last | names }}",
        "{{ e.attrs.dyad }}", "{{ 1 / (e.rev - 2) }}", "{{ 0.0 / 0.0 }}",
        "{{ e.actors | fixed(1) }}", "{{ e.actors | date }}", "{{ e.actors | pct }}"}) {
    EXPECT_EQ(rendered(text), "n/a") << text;
  }
}

TEST_F(TemplateTest, RefusesWhatItDoesNotKnowAtLoad) {
  const std::pair<const char*, const char*> cases[] = {
      {"{{ peple }}", "rules.yaml:20:15: error T0110: unknown name `peple`"},
      {"a {{ e.id }} {{ peple }}", "rules.yaml:20:28: error T0110"},
      {"a\n{{ peple }}", "rules.yaml:21:4: error T0110"},
      {"{{ e.value | fixd(1) }}", "rules.yaml:20:24: error T0161: there is no filter `fixd`"},
      {"{{ e.value | fixed }}", "error T0162: the filter fixed takes a number"},
      {"{{ e.value | fixed(x) }}", "error T0162"},
      {"{{ e.value | trunc(0) }}", "error T0162"},
      {"{{ e.value | pct(1) }}", "error T0162: the filter pct takes no argument"},
      {"{{ e.tags | join(,) }}", "error T0162: the filter join takes a quoted text"},
      {"{{ e.value", "rules.yaml:20:12: error T0160: `{{` has no closing `}}`"},
      {"{{ }}", "error T0101: the expression is empty"},
      {"{{ e.value | }}", "error T0161"},
  };
  for (const auto& [text, expected] : cases)
    EXPECT_THAT(rendered(text), HasSubstr(expected)) << text;
}

TEST_F(TemplateTest, CutsAtEightKibibytesBetweenCharacters) {
  const std::string text = rendered("x" + [] {
    std::string many;
    for (int i = 0; i < 5000; ++i) many += "é";
    return many;
  }());
  EXPECT_EQ(text.size(), 8191u);  // 1 + 4095 * 2: the 8192nd byte would split an é
  EXPECT_EQ(text.back(), "é"[1]);
}

TEST_F(TemplateTest, KeepsItsSource) {
  const auto compiled = Template::compile("a {{ e.id }}", {}, environment_, diagnostics_);
  ASSERT_TRUE(compiled);
  EXPECT_EQ(compiled->source(), "a {{ e.id }}");
}

}  // namespace
}  // namespace tocsin::rules
