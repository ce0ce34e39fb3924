#include "rules/yaml/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "rules/yaml/source_text.h"

namespace tocsin::yaml {
namespace {

using testing::HasSubstr;

// A tree as text: mappings `{k: v}`, lists `[v]`, texts in `'…'`, null `~`.
std::string print(const Node& node) {
  std::string text;
  switch (node.kind) {
    case NodeKind::kNull:
      return "~";
    case NodeKind::kScalar:
      return "'" + node.scalar + "'";
    case NodeKind::kSequence:
      for (const Node& item : node.items) text += (text.empty() ? "" : " ") + print(item);
      return "[" + text + "]";
    case NodeKind::kMapping:
      for (const Node::Entry& entry : node.entries) {
        text += (text.empty() ? "" : " ") + entry.key + ":" + print(entry.value);
      }
      return "{" + text + "}";
  }
  return text;
}

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

std::string at(const Place& place) {
  return std::to_string(place.line) + ":" + std::to_string(place.column);
}

struct ReadCase {
  std::string name;
  std::string text;
  std::string tree;
};

std::ostream& operator<<(std::ostream& out, const ReadCase& row) { return out << row.name; }

class Reads : public testing::TestWithParam<ReadCase> {};

TEST_P(Reads, AsTheTree) {
  Diagnostics diagnostics;
  const auto node = parse_document(GetParam().text, "t.yaml", diagnostics);
  for (const Diagnostic& d : diagnostics.all()) ADD_FAILURE() << to_text(d);
  ASSERT_TRUE(node.has_value());
  EXPECT_EQ(print(*node), GetParam().tree);
}

INSTANTIATE_TEST_SUITE_P(
    Documents, Reads,
    testing::Values(
        ReadCase{"WordsThatLookLikeOtherTypesStayText",
                 "a: [NO, yes, on, 012, 1e3, 12:30, 0x1F, .inf]",
                 "{a:['NO' 'yes' 'on' '012' '1e3' '12:30' '0x1F' '.inf']}"},
        ReadCase{"NullIsNull", "{a: ~, b: null, c: , d: \"null\"}", "{a:~ b:~ c:~ d:'null'}"},
        ReadCase{"FoldedBlock", "a: >\n  one\n  two\nb: x", "{a:'one two\n' b:'x'}"},
        ReadCase{"WindowsLineEnds", "a: x\r\nb: y\r\n", "{a:'x' b:'y'}"},
        ReadCase{"ByteOrderMark",
                 "\xEF\xBB\xBF"
                 "a: x",
                 "{a:'x'}"},
        ReadCase{"AliasOfExtension", "x-a: &a [1, 2]\nb: *a", "{x-a:['1' '2'] b:['1' '2']}"},
        ReadCase{"MergeOfExtension", "x-a: &a {k: 1, l: 2}\nb: {<<: *a, l: 3}",
                 "{x-a:{k:'1' l:'2'} b:{l:'3' k:'1'}}"},
        ReadCase{"MergeOfSeveral", "x-a: &a {k: 1}\nx-b: &b {k: 2, m: 3}\nc: {<<: [*a, *b]}",
                 "{x-a:{k:'1'} x-b:{k:'2' m:'3'} c:{k:'1' m:'3'}}"},
        ReadCase{"QuotedMergeKeyIsAKey", "a: {\"<<\": 1}", "{a:{<<:'1'}}"},
        ReadCase{"AsDeepAsAllowed", repeated("[", 32) + repeated("]", 32),
                 repeated("[", 32) + repeated("]", 32)},
        ReadCase{"DocumentMarks", "---\na: 1\n...\n", "{a:'1'}"}),
    [](const auto& param) { return param.param.name; });

struct RefuseCase {
  std::string name;
  std::string text;
  std::string code;
  std::string place;
  std::string says;  // part of message or hint
};

std::ostream& operator<<(std::ostream& out, const RefuseCase& row) { return out << row.name; }

class Refuses : public testing::TestWithParam<RefuseCase> {};

TEST_P(Refuses, WithPlaceAndReason) {
  const RefuseCase& row = GetParam();
  Diagnostics diagnostics;
  parse_document(row.text, "t.yaml", diagnostics);
  ASSERT_FALSE(diagnostics.all().empty()) << row.text;
  const Diagnostic d = diagnostics.sorted().front();
  EXPECT_EQ(d.code, row.code) << to_text(d);
  EXPECT_EQ(at(d.place), row.place) << to_text(d);
  EXPECT_THAT(d.message + " | " + d.hint, HasSubstr(row.says));
}

std::string billion_laughs() {
  std::string text = "x-a: &a0 [1,1,1,1,1,1,1,1,1,1]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string alias = "*a" + std::to_string(i - 1);
    text += "x-" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + alias;
    text += repeated("," + alias, 9) + "]\n";
  }
  return text;
}

INSTANTIATE_TEST_SUITE_P(
    Documents, Refuses,
    testing::Values(
        RefuseCase{"DuplicateKey", "a: 1\nb: 2\na: 3", "T0002", "3:1", "line 1, column 1"},
        RefuseCase{"DuplicateKeyInFlow", "x: {k: 1, k: 2}", "T0002", "1:11", "`k`"},
        RefuseCase{"Tag", "a: !!str 5", "T0004", "1:4", "tag"},
        RefuseCase{"NegationUnquoted", "when: !has(e.value)", "T0004", "1:7", "begins with `!`"},
        RefuseCase{"NegationWithSpace", "when: ! people", "T0004", "1:7", "tag"},
        RefuseCase{"AnchorOutsideExtension", "a: &x 5", "T0005", "1:4", "x-"},
        RefuseCase{"UnknownAlias", "a: *x", "T0001", "1:4", "begins with `*`"},
        RefuseCase{"AliasToItself", "x-a: &a [*a]", "T0005", "1:10", "encloses"},
        RefuseCase{"MergeOfText", "a: {<<: b}", "T0005", "1:5", "mapping"},
        RefuseCase{"ListAsKey", "[a, b]: 1", "T0003", "1:1", "must be a text"},
        RefuseCase{"NullKey", "~: 1", "T0003", "1:1", "null"},
        RefuseCase{"TemplateUnquoted", "summary: {{ int(people) }} held", "T0003", "1:11", "{{"},
        RefuseCase{"TemplateUnquotedAlone", "summary: {{ people }}", "T0003", "1:11", "{{"},
        RefuseCase{"ColonInText", "title: Conflict: the return", "T0001", "1:16",
                   "colon followed by a space"},
        RefuseCase{"QuoteThenMore", "when: \"a\" == e.x", "T0001", "1:11", "begins with `\"`"},
        RefuseCase{"ListThenMore", "when: [1, 2].exists(a, a > 1)", "T0001", "1:13",
                   "begins with `[`"},
        RefuseCase{"OpenQuote", "a: \"x\nb: 2", "T0001", "2:5", "does not end"},
        RefuseCase{"OpenFlow", "a: [1, 2\nb: 3", "T0001", "2:2", "["},
        RefuseCase{"Tab", "a:\n\tb: 1", "T0001", "2:3", "tab"},
        RefuseCase{"Reserved", "a: @x", "T0001", "1:4", "reserved"},
        RefuseCase{"BadEscape", "a: \"\\d\"", "T0001", "1:7", "backslash"},
        RefuseCase{"TwoDocuments", "a: 1\n---\nb: 2", "T0010", "3:1", "more than one"},
        RefuseCase{"Empty", "", "T0010", "1:1", "empty"},
        RefuseCase{"OnlyComment", "# nothing\n", "T0010", "1:1", "empty"},
        RefuseCase{"NotUtf8", "a: \xFFx", "T0008", "1:4", "UTF-8"},
        RefuseCase{"ControlCharacter", std::string("a: x\n\x04 b: y"), "T0008", "2:1", "control"},
        RefuseCase{"TooDeep", repeated("[", 33) + repeated("]", 33), "T0006", "1:33", "32"},
        RefuseCase{"TooLarge", "a: " + std::string(5U << 20U, 'x'), "T0008", "1:1", "4 MiB"},
        RefuseCase{"ExpandingAliases", billion_laughs(), "T0007", "5:39", "100,000"},
        RefuseCase{"BidiInKey",
                   "a\xE2\x80\xAE"
                   "b: 1",
                   "T0009", "1:1", "direction"}),
    [](const auto& param) { return param.param.name; });

TEST(Document, TellsPlacesInCharacters) {
  Diagnostics diagnostics;
  const auto node = parse_document("{fr: été, b: x}", "t.yaml", diagnostics);
  ASSERT_TRUE(node.has_value());
  EXPECT_EQ(at(node->find("b")->place), "1:14");
}

// The `$` of the first value stands in the file where its place says.
struct PlaceCase {
  std::string name;
  std::string text;
};

std::ostream& operator<<(std::ostream& out, const PlaceCase& row) { return out << row.name; }

class PlaceInside : public testing::TestWithParam<PlaceCase> {};

TEST_P(PlaceInside, IsThatInTheFile) {
  const std::string& text = GetParam().text;
  Diagnostics diagnostics;
  const auto node = parse_document(text, "t.yaml", diagnostics);
  ASSERT_TRUE(node.has_value()) << to_text(diagnostics.all().front());
  const Node& value = node->entries.front().value;
  const size_t in_scalar = value.scalar.find('$');
  ASSERT_NE(in_scalar, std::string::npos) << value.scalar;
  const Place wanted = SourceText(text, "t.yaml").place(text.find('$'));
  EXPECT_EQ(at(value.places.at(value.scalar, in_scalar)), at(wanted));
  ASSERT_EQ(value.raw.size(), value.scalar.size());
  EXPECT_EQ(at(value.places.at(value.raw, in_scalar)), at(wanted));
  // And so for a part of it, such as the hole of a template.
  const size_t part = in_scalar / 2;
  const TextPlaces rest = value.places.from(value.scalar, part);
  EXPECT_EQ(at(rest.at(std::string_view(value.scalar).substr(part), in_scalar - part)), at(wanted));
}

INSTANTIATE_TEST_SUITE_P(
    Documents, PlaceInside,
    testing::Values(
        PlaceCase{"Plain", "a: x == $"}, PlaceCase{"PlainBehindAccents", "a: été == $ # c"},
        PlaceCase{"PlainOverLines", "a: x\n   && y\n\n     && $ z\nb: c"},
        PlaceCase{"PlainWithGaps", "a: x  ==  $"}, PlaceCase{"PlainInFlow", "{a: x == $, b: c}"},
        PlaceCase{"SingleQuoted", "a: 'x == $'"},
        PlaceCase{"SingleQuotedWithQuotes", "a: 'x == ''y'' && ''z'' == $'"},
        PlaceCase{"SingleQuotedOverLines", "a: 'x == ''y''\n    && $'"},
        PlaceCase{"DoubleQuoted", "a: \"x == $\""},
        PlaceCase{"DoubleQuotedWithQuotes", "a: \"x == \\\"y\\\" && z == \\\"é\\\" && $\""},
        PlaceCase{"DoubleQuotedWithOtherEscapes", "a: \"\\u0627\\x41\\n\\U0001F600\\\\ $\""},
        PlaceCase{"DoubleQuotedOverLines", "a: \"x ==\n    \\\"y\\\"\n\n      && $ z\""},
        PlaceCase{"DoubleQuotedJoined", "a: \"x == \\\n    y && $\""},
        PlaceCase{"Folded", "a: >\n  x ==\n  y\n  && $ z\nb: c"},
        PlaceCase{"FoldedWithDeeperLines", "a: >\n  x ==\n      y\n    && $ z\n  && w\nb: c"},
        PlaceCase{"FoldedWithEmptyLines", "a: >\n\n  x ==\n\n\n  y && $\nb: c"},
        PlaceCase{"FoldedStripped", "a: >-\n    x ==\n    é && $\n\n\nb: c"},
        PlaceCase{"FoldedWithIndicator", "a: >2 # why\n    x ==\n  y && $\nb: c"},
        PlaceCase{"Literal", "a: |\n  x ==\n  y\n  && $ z\nb: c"},
        PlaceCase{"LiteralWithDeeperLines", "a: |-\n  x ==\n      y && $\n  z\nb: c"},
        PlaceCase{"LiteralWithWindowsLineEnds", "a: |\r\n  x ==\r\n  y && $\r\nb: c\r\n"}),
    [](const auto& param) { return param.param.name; });

TEST(Document, KeepsTheLineBreaksThatFoldingTook) {
  Diagnostics diagnostics;
  const auto node = parse_document(
      "a: >\n  x ==\n    y\n  && z\n  || w\nb: x >= 1\n  && y\nc: 'x\n  y'\nd: \"x y\"\n", "t.yaml",
      diagnostics);
  ASSERT_TRUE(node.has_value());
  EXPECT_EQ(node->find("a")->scalar, "x ==\n  y\n&& z || w\n");
  EXPECT_EQ(node->find("a")->raw, "x ==\n  y\n&& z\n|| w\n");
  EXPECT_EQ(at(node->find("a")->places.start()), "2:3");
  EXPECT_EQ(node->find("b")->scalar, "x >= 1 && y");
  EXPECT_EQ(node->find("b")->raw, "x >= 1\n&& y");
  EXPECT_EQ(node->find("c")->raw, "x\ny");
  EXPECT_EQ(node->find("d")->raw, "x y");
  EXPECT_EQ(at(node->find("d")->places.start()), "10:5");
}

TEST(Document, NotesATextThatACommentCutShort) {
  Diagnostics diagnostics;
  const auto node = parse_document("a: e.x == 'b #c'\nb: y\n", "t.yaml", diagnostics);
  ASSERT_TRUE(node.has_value());
  EXPECT_TRUE(node->find("a")->before_comment);
  EXPECT_FALSE(node->find("b")->before_comment);
}

TEST(Document, UnreadableFileIsADiagnostic) {
  Diagnostics diagnostics;
  EXPECT_FALSE(read_document("/nonexistent/x.yaml", diagnostics).has_value());
  ASSERT_EQ(diagnostics.all().size(), 1U);
  EXPECT_EQ(diagnostics.all().front().code, "T0000");
}

// The country Norway and its neighbours in the alphabet: pitfall 22.
TEST(Document, EveryTwoLetterCodeIsText) {
  std::string text = "codes:\n";
  for (char a = 'A'; a <= 'Z'; ++a) {
    for (char b = 'A'; b <= 'Z'; ++b) text += std::string("  - ") + a + b + "\n";
  }
  Diagnostics diagnostics;
  const auto node = parse_document(text, "t.yaml", diagnostics);
  ASSERT_TRUE(node.has_value());
  EXPECT_TRUE(diagnostics.all().empty());
  const auto codes = as_texts(*node->find("codes"), "codes", diagnostics);
  ASSERT_TRUE(codes.has_value());
  ASSERT_EQ(codes->size(), 676U);
  EXPECT_EQ(codes->at(('N' - 'A') * 26 + ('O' - 'A')), "NO");
}

}  // namespace
}  // namespace tocsin::yaml
