#include "rules/authoring/rule_format.h"

#include <gmock/gmock.h>

#include <random>

#include "rules/load/formats.h"
#include "tests/load/loading.h"

namespace tocsin::rules {
namespace {

using testing::HasSubstr;

constexpr const char* kHead = "tocsin: rules/1\npackage: p\nrules:\n";

std::optional<std::string> formatted(const std::string& text, std::string* told = nullptr) {
  Diagnostics diagnostics;
  auto result = format_rules(text, "f.yaml", diagnostics);
  if (told != nullptr) {
    for (const Diagnostic& d : diagnostics.sorted()) *told += to_text(d) + "\n";
  }
  EXPECT_EQ(result.has_value(), !diagnostics.has_errors());
  return result;
}

struct Case {
  const char* name;
  const char* from;  // behind kHead
  const char* to;
};

class RuleFormat : public testing::TestWithParam<Case> {};

TEST_P(RuleFormat, HasOneForm) {
  std::string told;
  const auto once = formatted(std::string(kHead) + GetParam().from, &told);
  ASSERT_TRUE(once.has_value()) << told;
  EXPECT_EQ(*once, std::string(kHead) + GetParam().to);
  EXPECT_EQ(formatted(*once), once) << "formatting it again changes it";
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RuleFormat,
    testing::Values(
        Case{"keys_come_in_the_order_of_the_schema",
             "  - kind: event\n    select: a\n    title: T\n    rule: r\n    by: [x]\n",
             "  - rule: r\n    kind: event\n    title: T\n    select: a\n    by: [x]\n"},
        Case{"comments_go_with_the_key_below_them",
             "  # of the rule\n"
             "  - kind: event  # beside\n"
             "    # of title\n\n    # more of title\n    title: T\n"
             "    # of rule\n    rule: r\n"
             "# at the end\n",
             "  # of the rule\n"
             "  # of rule\n"
             "  - rule: r\n"
             "    kind: event  # beside\n"
             "    # of title\n\n    # more of title\n    title: T\n"
             "# at the end\n"},
        Case{"deeper_comments_stay_with_what_is_above",
             "  - kind: event\n    levels:\n      watch: {}\n      # alert: {}\n\n    # of rule\n"
             "    rule: r\n",
             "  # of rule\n  - rule: r\n    kind: event\n    levels:\n      watch: {}\n"
             "      # alert: {}\n"},
        Case{"each_rule_keeps_its_comment",
             "  - kind: event\n    rule: a\n    # end of a\n\n  # about b\n  - kind: event\n"
             "    rule: b\n",
             "  - rule: a\n    # end of a\n    kind: event\n\n  # about b\n  - rule: b\n"
             "    kind: event\n"},
        Case{"indentation_is_two_blanks",
             "-   rule: r\n    kind: event\n    doc:\n        source: {document: d,\n"
             "                 page: 3}\n        false_positives:\n        -   one\n        - two\n"
             "    alert:\n        evidence:\n            max: 3\n",
             "  - rule: r\n    kind: event\n    doc:\n      source: {document: d,\n"
             "               page: 3}\n      false_positives:\n        - one\n        - two\n"
             "    alert:\n      evidence:\n        max: 3\n"},
        Case{"blocks_move_as_a_whole",
             "  - rule: r\n    kind: event\n    doc:\n        rationale: >\n"
             "            one  \n              deeper\n\n            # no comment\n            - "
             "no item\n"
             "        response: |+\n          kept\n\n\n    title: >2\n         three\n",
             "  - rule: r\n    kind: event\n    title: >2\n         three\n    doc:\n"
             "      rationale: >\n        one  \n          deeper\n\n        # no comment\n"
             "        - no item\n      response: |+\n        kept\n\n\n"},
        Case{"a_block_as_an_item",
             "  - rule: r\n    kind: event\n    doc:\n      false_positives:\n      - >\n         "
             "one\n"
             "         two\n      - |1\n         three\n",
             "  - rule: r\n    kind: event\n    doc:\n      false_positives:\n        - >\n"
             "          one\n          two\n        - |1\n           three\n"},
        Case{"texts_over_several_lines_keep_their_breaks",
             "  - kind: event\n    title: \"one \\\n        two\n\n      three\"\n    rule: r\n"
             "    owner: plain\n        text  \n",
             "  - rule: r\n    kind: event\n    title: \"one \\\n        two\n\n      three\"\n"
             "    owner: plain\n        text  \n"},
        Case{"a_dash_alone_takes_its_key",
             "  -\n    rule: r\n    kind: event\n  - # said\n"
             "    rule: s\n    kind: event\n",
             "  - rule: r\n    kind: event\n  - # said\n    rule: s\n    kind: event\n"},
        Case{
            "steps_in_their_order",
            "  - rule: r\n    kind: sequence\n    detect:\n      steps:\n      - b: {select: x}\n"
            "      # then\n      - a:\n          select: y\n          within: 3d\n      span: 3d\n",
            "  - rule: r\n    kind: sequence\n    detect:\n      steps:\n        - b: {select: x}\n"
            "        # then\n        - a:\n            select: y\n            within: 3d\n"
            "      span: 3d\n"},
        Case{"line_ends_and_empty_lines",
             "  - rule: r   \r\n    kind: event\t\r\n\r\n\r\n\r\n    title: T",
             "  - rule: r\n    kind: event\n\n    title: T\n"},
        Case{"unknown_keys_come_last", "  - zeal: 1\n    kind: event\n    rule: r\n    about: 2\n",
             "  - rule: r\n    kind: event\n    zeal: 1\n    about: 2\n"},
        Case{"rules_of_unknown_kind_keep_their_order", "  - kind: mood\n    rule: r\n",
             "  - kind: mood\n    rule: r\n"},
        Case{"rules_on_one_line_stay_there", "  - {kind: event, rule: r}\n",
             "  - {kind: event, rule: r}\n"},
        Case{"a_tab_behind_a_dash", "  - rule: r\n    kind: event\n    by:\n      - \tone\n",
             "  - rule: r\n    kind: event\n    by:\n      - one\n"},
        Case{"no_rules", "  []\n", "  []\n"}),
    [](const auto& param) { return param.param.name; });

TEST(RuleFormatOfFiles, LeavesExtensionsAndWhatUsesThem) {
  const std::string file =
      "\xEF\xBB\xBF# licence\ntocsin: rules/1\npackage: p\n"
      "x-shared:\n    time: &slow {lateness: 7d}\n    doc: &doc\n        rationale: >\n            "
      " R\n"
      "rules:\n  - kind: event\n    time: *slow\n    <<: {owner: x}\n    rule: r\n    doc: *doc\n"
      "    title: T\n";
  const auto once = formatted(file);
  ASSERT_TRUE(once.has_value());
  EXPECT_THAT(*once, testing::StartsWith("# licence\ntocsin: rules/1\n"));
  EXPECT_THAT(*once,
              HasSubstr("    time: &slow {lateness: 7d}\n    doc: &doc\n        rationale: >\n"
                        "             R\n"));
  EXPECT_EQ(formatted(*once), once);
}

TEST(RuleFormatOfFiles, RefusesWhatIsNoRuleFile) {
  std::string told;
  EXPECT_FALSE(formatted("tocsin: tests/1\nrules: []\n", &told).has_value());
  EXPECT_THAT(told, HasSubstr("error T0520: this is no rule file"));
  told.clear();
  EXPECT_FALSE(formatted(std::string(kHead) + "  - rule: a: b\n", &told).has_value());
  EXPECT_THAT(told, HasSubstr("f.yaml:4:"));
  EXPECT_THAT(told, HasSubstr("T0001"));
}

TEST(RuleFormatOfFiles, ItsGuardSeesWhatALayoutWouldLose) {
  const std::string text =
      "a: 1  # one\n# two\nb:\n  - x\n  - y\nc: >\n  long // said\n  text\nd: \"1\"\n";
  EXPECT_TRUE(says_the_same(text,
                            "# two\nb:\n- x\n- y\nd: \"1\"\nc: >\n    long // said\n    text\n\n"
                            "a: 1  # one\n"))
      << "only keys have no order";
  const auto edited = [&](const std::string& from, const std::string& to) {
    std::string other = text;
    return other.replace(other.find(from), from.size(), to);
  };
  EXPECT_FALSE(says_the_same(text, edited("# two\n", ""))) << "a comment is gone";
  EXPECT_FALSE(says_the_same(text, edited("  # one", ""))) << "one beside a value is gone";
  EXPECT_FALSE(says_the_same(text, edited("- x\n  - y", "- y\n  - x"))) << "items have an order";
  EXPECT_FALSE(says_the_same(text, edited("said\n  text", "said text")))
      << "a line break can end a comment";
  EXPECT_FALSE(says_the_same(text, edited("\"1\"", "1"))) << "quoted it was a text";
  EXPECT_FALSE(says_the_same(text, edited("a: 1", "a: 2")));
  EXPECT_FALSE(says_the_same(text, "a: [\n"));
}

std::vector<NamedText> shipped_files() {
  Diagnostics diagnostics;
  const std::string tree = TOCSIN_SOURCE_DIR;
  return read_bundle_text({.catalogue = {},
                           .rules = {tree + "/rules/sets", tree + "/tests/load/data/good",
                                     tree + "/tests/scenarios/guide"}},
                          diagnostics)
      .rules;
}

TEST(RuleFormatOfFiles, ShippedFilesAreInForm) {
  for (const NamedText& file : shipped_files()) {
    EXPECT_EQ(formatted(file.text), file.text) << file.name;
  }
}

// Every line as deep again, so that keys behind a dash stand below each other still.
std::string widened(const std::string& text) {
  std::string wide;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const size_t indent = std::min(line.find_first_not_of(' '), line.size());
    const bool is_item = line.substr(indent).starts_with("- ");
    wide += std::string(is_item ? indent + 2 : indent, ' ') + line + "\n";
  }
  return wide;
}

// Damage of all sorts: nothing may be lost, whatever the layout.
TEST(RuleFormatOfFiles, FormattingTwiceIsFormattingOnceWhateverTheLayout) {
  constexpr unsigned kSeed = 7;
  std::mt19937 random(kSeed);
  const auto below = [&](size_t n) {
    return std::uniform_int_distribution<size_t>(0, n - 1)(random);
  };
  const std::vector<NamedText> files = shipped_files();
  const std::vector<std::string> pieces = {" ",  "  ",        "\n", "# c\n", "- ",
                                           "\t", "    # c\n", ">",  "\"",    ": "};
  int changed = 0;
  int refused = 0;
  for (int round = 0; round < 1500; ++round) {
    const NamedText& file = files[below(files.size())];
    std::string text = round % 2 == 0 ? file.text : widened(file.text);
    for (size_t n = below(6); n > 0; --n) {
      const size_t at = below(text.size());
      if (below(3) == 0) {
        text.erase(at, below(4));
      } else {
        text.insert(at, pieces[below(pieces.size())]);
      }
    }
    Diagnostics diagnostics;
    const auto once = format_rules(text, "f.yaml", diagnostics);
    for (const Diagnostic& d : diagnostics.all()) refused += d.code == "T0521" ? 1 : 0;
    if (!once) continue;
    changed += *once != text ? 1 : 0;
    ASSERT_EQ(formatted(*once), once)
        << "seed " << kSeed << ", round " << round << ", " << file.name << "\n"
        << text;
  }
  EXPECT_GE(changed, 300);
  EXPECT_LE(refused, 15) << "what can be read should nearly always be formatted";
}

}  // namespace
}  // namespace tocsin::rules
