#include "rules/authoring/rule_book.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "tests/authoring/html_check.h"
#include "tests/load/loading.h"

namespace tocsin::rules {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

constexpr const char* kRules = R"yaml(tocsin: rules/1
package: p
lists:
  places: [ML, BF]
macros:
  many(least): 'n >= least'
rules:
  - rule: z
    kind: threshold
    title:
      ar: "نزوح <كثير> في {{ region.name }}"
      en: "Flight & more: {{ region.name }} <script>alert('x')</script>"
      fr: "Fuite : {{ region.name }}"
    status: shadow
    driver: violence
    stage: latent
    owner: the "desk"
    doc:
      rationale: >
        A reason with <b>marks</b> & "quotes".
      source: {document: doha-2018, paragraph: "¶28"}
      false_positives: [one, two <2>]
      response: call
    select: e.region in list.places && e.indicator == "displacement.new"
    by: [region@country]
    detect: {measures: {n: {agg: count, window: 7d, every: 1d}}, when: 'macro.many(3)'}
    levels:
      warning: {when: "n >= 6", exit: "n < 5"}
      watch: {}
  - rule: a
    kind: event
    title: Plain
    status: draft
    driver: corruption
    stage: emerging
    select: "e.confidence > 0.5"
    severity: info
    alert: {hold: 3d}
)yaml";

RuleBook book_of(const std::string& rules, const std::vector<RuleTestNote>& tests = {}) {
  Diagnostics diagnostics;
  LoadedBundle loaded{with_rules({{"sets/r.yaml", rules}}), nullptr};
  loaded.bundle = load_bundle(loaded.text, diagnostics);
  for (const Diagnostic& d : diagnostics.all()) {
    if (d.severity == Severity::kError) ADD_FAILURE() << to_text(d);
  }
  return make_rule_book(loaded, tests);
}

TEST(RuleBook, TellsWhatIsLeftOut) {
  const RuleBook book = book_of(std::string(kRules) +
                                "    tunable: [source]\nexceptions:\n  - {rule: p/a, when: "
                                "[{source: iom}], reason: drill, by: j.doe, until: "
                                "2027-01-01}\n");
  ASSERT_THAT(book.pages[0].exceptions,
              ElementsAre("e.source == \"iom\", until 2027-01-01: drill (j.doe)"));
  EXPECT_THAT(to_html(book), HasSubstr("What does not count for a time"));
  EXPECT_THAT(to_markdown(book), HasSubstr("**Exceptions:**"));
}

TEST(RuleBook, CollectsWhatAReaderOfAlertsNeeds) {
  const RuleBook book = book_of(
      kRules, {{.file = "sets/r.test.yaml", .rules = {"sets/r.yaml"}, .names = {"fires", "silent"}},
               {.file = "sets/other.test.yaml", .rules = {"sets/other.yaml"}, .names = {"no"}}});
  ASSERT_EQ(book.pages.size(), 2U);
  EXPECT_EQ(book.pages[0].id, "p/a") << "corruption comes before violence";
  EXPECT_TRUE(book.pages[0].is_of_all_indicators);
  const RulePage& page = book.pages[1];
  EXPECT_EQ(page.kind, "threshold");
  ASSERT_EQ(page.titles.size(), 3U);
  EXPECT_EQ(page.titles[0].first, "en") << "the language that every rule has comes first";
  EXPECT_EQ(page.condition,
            "select: e.region in list.places && e.indicator == \"displacement.new\"\n"
            "by: [region@country]\n"
            "detect:\n"
            "  measures:\n"
            "    n: {agg: count, window: 7d, every: 1d}\n"
            "  when: macro.many(3)");
  EXPECT_THAT(page.shared, ElementsAre(Pair("list.places", "[ML, BF]"),
                                       Pair("macro.many(least)", "n >= least")));
  EXPECT_THAT(page.levels, ElementsAre(Pair("watch", "whenever the rule's own condition holds"),
                                       Pair("warning", "when: n >= 6\nexit: n < 5")));
  ASSERT_EQ(page.indicators.size(), 1U);
  EXPECT_EQ(page.indicators[0].meaning, "Newly displaced people; tests");
  EXPECT_THAT(page.indicators[0].sources, ElementsAre("Displacement desk"));
  EXPECT_THAT(page.tests, ElementsAre(Pair("r.test.yaml", "fires"), Pair("r.test.yaml", "silent")));
  EXPECT_EQ(book.count(Driver::kViolence, Stage::kLatent), 1U);
  EXPECT_EQ(book.count(Driver::kViolence, Stage::kEmerging), 0U);
}

TEST(RuleBookHtml, TextsOfRulesCannotBecomeMarkup) {
  const std::string html = to_html(book_of(kRules));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, HasSubstr("Flight &amp; more: <bdi dir=\"ltr\"><code>{{ region.name }}</code>"
                              "</bdi> &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
  EXPECT_THAT(html, HasSubstr("A reason with &lt;b&gt;marks&lt;/b&gt; &amp; &quot;quotes&quot;."));
  EXPECT_THAT(html, HasSubstr("two &lt;2&gt;"));
  EXPECT_THAT(html, HasSubstr("owner the &quot;desk&quot;"));
}

TEST(RuleBookHtml, SaysInWhichLanguageAndDirection) {
  const std::string html = to_html(book_of(kRules));
  EXPECT_THAT(html, HasSubstr("<html lang=\"en\">"));
  EXPECT_THAT(html, HasSubstr("<p lang=\"ar\" dir=\"rtl\">نزوح &lt;كثير&gt; في <bdi dir=\"ltr\">"));
  EXPECT_THAT(html, HasSubstr("<p lang=\"fr\" dir=\"ltr\">Fuite : "));
}

TEST(RuleBookHtml, CountsRulesByDriverAndStage) {
  const std::string html = to_html(book_of(kRules));
  EXPECT_THAT(html, HasSubstr("<tr><th scope=\"row\"><a href=\"#driver-violence\">violence</a></th>"
                              "<td class=\"count\">1</td><td class=\"count\"></td>"));
  EXPECT_THAT(html, HasSubstr("<tr><th scope=\"row\">displacement</th><td class=\"count\"></td>"))
      << "where nothing watches is shown as well";
}

TEST(RuleBookHtml, IsWellFormedAndAsksNobodyForAnything) {
  for (const RuleBook& book :
       {book_of(kRules), book_of("tocsin: rules/1\npackage: p\nrules: []\n")}) {
    const std::string html = to_html(book);
    EXPECT_EQ(html_complaint(html), "");
    for (const char* reference :
         {"http:", "https:", "src=", "url(", "@import", "<link", "<script"}) {
      EXPECT_THAT(html, Not(HasSubstr(reference)));
    }
  }
}

TEST(RuleBookHtml, OfShippedRulesIsAcceptedByTidy) {
  const std::string tree = TOCSIN_SOURCE_DIR;
  Diagnostics diagnostics;
  LoadedBundle loaded;
  loaded.text = read_bundle_text(
      {.catalogue = {tree + "/rules/catalogue"}, .rules = {tree + "/rules/sets"}}, diagnostics);
  loaded.bundle = load_bundle(loaded.text, diagnostics);
  ASSERT_NE(loaded.bundle, nullptr);
  const RuleBook book = make_rule_book(loaded, find_rule_tests({tree + "/rules/sets"}));
  for (const RulePage& page : book.pages) {
    EXPECT_GE(page.tests.size(), 2U) << page.id;
    EXPECT_EQ(page.titles.size(), 3U) << page.id;
  }
  const std::string html = to_html(book);
  EXPECT_EQ(html_complaint(html), "");
  // deploy/install-deps.sh --tests brings tidy; without it this fails.
  const std::string path =
      testing::TempDir() + "tocsin-rules-" + std::to_string(getpid()) + ".html";
  std::ofstream(path) << html;
  EXPECT_EQ(std::system(("tidy -q -e --drop-empty-elements no " + path + " 1>&2").c_str()), 0)
      << "warnings or errors, see above";
  std::filesystem::remove(path);
}

TEST(RuleBookMarkdown, KeepsTextsOutOfItsOwnMarks) {
  const std::string markdown = to_markdown(book_of(kRules));
  EXPECT_THAT(markdown, HasSubstr("### Flight \\& more: \\{\\{ region.name \\}\\} "
                                  "\\<script\\>alert\\('x'\\)\\</script\\>\n"));
  EXPECT_THAT(markdown, HasSubstr("| warning | `when: n >= 6`<br>`exit: n < 5` |\n"));
  EXPECT_THAT(markdown, HasSubstr("| violence | latent | [Flight \\& more"));
  EXPECT_THAT(markdown, HasSubstr("](#p--z) (shadow) |\n"));
  EXPECT_THAT(markdown, HasSubstr("<a id=\"p--z\"></a>\n"));
  EXPECT_THAT(markdown, HasSubstr("```text\nselect: e.region in list.places"));
}

}  // namespace
}  // namespace tocsin::rules
