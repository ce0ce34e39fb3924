#include "rules/authoring/canonical_yaml.h"

#include <gtest/gtest.h>

#include "rules/load/formats.h"
#include "rules/load/shape.h"
#include "rules/load/values.h"
#include "tests/load/loading.h"

namespace tocsin::rules {
namespace {

yaml::Node parsed(const std::string& text) {
  Diagnostics diagnostics;
  const auto node = yaml::parse_document(text, "f.yaml", diagnostics);
  for (const Diagnostic& d : diagnostics.all()) ADD_FAILURE() << to_text(d) << "\n" << text;
  return node.value_or(yaml::Node{});
}

std::string canonical(const std::string& rule) {
  return canonical_yaml(parsed(rule), rule_schema(RuleKind::kThreshold));
}

TEST(CanonicalYaml, HasOneSpellingWhateverTheLayout) {
  const std::string expected =
      "select: e.indicator == \"a.b\" && has(e.value)\n"
      "by: [region@country]\n"
      "detect:\n"
      "  measures:\n"
      "    n: {agg: count, window: 7d, every: 1d}\n"
      "  when: n >= 3\n";
  EXPECT_EQ(canonical(expected), expected);
  EXPECT_EQ(canonical("detect:\n    when: \"n>=3\"\n"
                      "    measures: {n: {every: 1d, window: 7d, agg: count}}\n"
                      "by:\n- region@country\n"
                      "select: >\n  (e.indicator == 'a.b')\n  // what counts\n  && has(e.value)\n"),
            expected);
}

TEST(CanonicalYaml, QuotesWhatWouldBeReadAsSomethingElse) {
  EXPECT_EQ(canonical("title: 'a: b'\nowner: \"it's #1 here\"\nstage: ''\nstatus: '{x}'\n"),
            "title: 'a: b'\nstatus: '{x}'\nstage: ''\nowner: 'it''s #1 here'\n");
  EXPECT_EQ(canonical("labels: {a: 'x, y', b: 'it''s #1 : [z]'}\n"),
            "labels: {a: 'x, y', b: 'it''s #1 : [z]'}\n");
}

TEST(CanonicalYaml, LongConditionsAreBrokenBetweenTheirParts) {
  const std::string a = "e.attrs.number_one == \"quite a rather long word\"";
  const std::string b = "e.attrs.number_two == \"quite a rather long word\"";
  EXPECT_EQ(canonical_expression(a + "&&" + b), a + "\n&& " + b);
  EXPECT_EQ(canonical_expression("(" + a + " || " + b + ") && has(e.value)"),
            "(" + a + "\n    || " + b + ")\n&& has(e.value)");
  EXPECT_EQ(canonical_expression("n>=3&&m<2"), "n >= 3 && m < 2");
  EXPECT_EQ(canonical_expression("n >="), "n >=") << "what cannot be parsed stays as it is";
}

// Equal up to the spelling of expressions.
void expect_same(const yaml::Node& a, const yaml::Node& b, const std::string& path) {
  ASSERT_EQ(a.kind, b.kind) << path;
  if (a.is_scalar() && a.scalar != b.scalar) {
    EXPECT_EQ(canonical_expression(expression_text(a)), canonical_expression(expression_text(b)))
        << path;
  }
  ASSERT_EQ(a.items.size(), b.items.size()) << path;
  for (size_t i = 0; i < a.items.size(); ++i) {
    expect_same(a.items[i], b.items[i], path + "[" + std::to_string(i) + "]");
  }
  ASSERT_EQ(a.entries.size(), b.entries.size()) << path;
  for (const auto& entry : a.entries) {
    const yaml::Node* other = b.find(entry.key);
    ASSERT_NE(other, nullptr) << path << "." << entry.key;
    expect_same(entry.value, *other, path + "." + entry.key);
  }
}

TEST(CanonicalYaml, OfShippedRulesReadsBackAsTheSame) {
  Diagnostics diagnostics;
  const BundleText text = read_bundle_text(
      {.catalogue = {}, .rules = {std::string(TOCSIN_SOURCE_DIR) + "/rules/sets"}}, diagnostics);
  int rules = 0;
  for (const NamedText& file : text.rules) {
    const yaml::Node root = parsed(file.text);
    for (yaml::Node item : items_of(root.find("rules"))) {
      // Texts over several lines are of authors, not of this form.
      std::erase_if(item.entries, [](const auto& entry) {
        return entry.key == "doc" || entry.key == "annotations" || entry.key == "title";
      });
      const auto kind = parse_rule_kind(text_at(item, "kind").value_or(""));
      ASSERT_TRUE(kind.has_value());
      const std::string written = canonical_yaml(item, rule_schema(*kind));
      expect_same(item, parsed(written), file.name);
      EXPECT_EQ(canonical_yaml(parsed(written), rule_schema(*kind)), written);
      ++rules;
    }
  }
  EXPECT_GE(rules, 30);
}

}  // namespace
}  // namespace tocsin::rules
