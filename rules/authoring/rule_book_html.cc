#include <fmt/format.h>

#include <array>

#include "rules/authoring/rule_book.h"
#include "rules/load/formats.h"

namespace tocsin::rules {

namespace {

constexpr std::string_view kStyle = R"(
:root { color: #000; background: #fff; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 2rem; margin-bottom: 0; }
h2 { border-bottom: 2px solid #000; margin-top: 3rem; }
h3 { font-size: 1.25rem; margin: 2.5rem 0 0; }
h4 { font-size: 1rem; margin: 1.25rem 0 0.25rem; }
p { margin: 0.25rem 0; }
a { color: inherit; }
table { border-collapse: collapse; margin: 0.5rem 0; }
th, td { border: 1px solid #767676; padding: 0.2rem 0.5rem; text-align: start; vertical-align: top; }
td.count { text-align: center; }
caption { text-align: start; font-style: italic; }
pre { border: 1px solid #767676; padding: 0.5rem; margin: 0.25rem 0; white-space: pre-wrap;
  overflow-wrap: anywhere; }
code, pre { font: 0.85rem/1.4 ui-monospace, monospace; }
td code { white-space: pre-wrap; }
ul, ol { margin: 0.25rem 0; }
.facts { font-size: 0.9rem; }
.status { border: 1px solid #000; padding: 0 0.3rem; font-size: 0.8rem; }
[dir="rtl"] { text-align: start; }
@page { size: A4; margin: 18mm 16mm; }
@media print {
  body { font-size: 10pt; max-width: none; margin: 0; padding: 0; }
  section.driver { page-break-before: always; break-before: page; }
  h2, h3, h4, caption { page-break-after: avoid; break-after: avoid; }
  pre, tr, li { page-break-inside: avoid; break-inside: avoid; }
  p, li { orphans: 3; widows: 3; }
  a { text-decoration: none; }
}
)";

constexpr std::array kAllStages{Stage::kLatent,        Stage::kEmerging,     Stage::kOutbreak,
                                Stage::kEscalation,    Stage::kContinuation, Stage::kDeescalation,
                                Stage::kPostAgreement, Stage::kRecurrence};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string code(std::string_view text) { return "<code>" + escaped(text) + "</code>"; }

// A text with its `{{ holes }}` set apart: they read from left to right in every language.
std::string with_holes(std::string_view text) {
  std::string out;
  while (true) {
    const size_t open = text.find("{{");
    const size_t close = text.find("}}", open);
    if (close == std::string_view::npos) return out + escaped(text);
    out += escaped(text.substr(0, open));
    out += "<bdi dir=\"ltr\">" + code(text.substr(open, close + 2 - open)) + "</bdi>";
    text.remove_prefix(close + 2);
  }
}

const char* direction(const std::string& language) { return language == "ar" ? "rtl" : "ltr"; }

std::string title_of(const RulePage& page) {
  return page.titles.empty() ? escaped(page.id) : with_holes(page.titles.front().second);
}

std::string anchor(Driver driver) { return fmt::format("driver-{}", to_string(driver)); }

class Html {
 public:
  explicit Html(const RuleBook& book) : book_(book) {}

  std::string write() {
    line("<!DOCTYPE html>");
    line("<html lang=\"en\">");
    line("<head>");
    line("<meta charset=\"utf-8\">");
    line("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    line("<title>Rules of tocsin</title>");
    line(fmt::format("<style>{}</style>", kStyle));
    line("</head>");
    line("<body>");
    write_head();
    line("<main>");
    write_matrix();
    write_contents();
    for (const Driver driver : drivers()) write_driver(driver);
    line("</main>");
    line("</body>");
    line("</html>");
    return std::move(out_);
  }

 private:
  void line(std::string_view text) {
    out_ += text;
    out_ += '\n';
  }

  std::vector<Driver> drivers() const {
    std::vector<Driver> drivers;
    for (const RulePage& page : book_.pages) {
      if (drivers.empty() || drivers.back() != page.driver) drivers.push_back(page.driver);
    }
    return drivers;
  }

  void write_head() {
    line("<header>");
    line("<h1>Rules of tocsin</h1>");
    line(fmt::format("<p>{} {}: what is watched, why, and what to do when it fires.</p>",
                     book_.pages.size(), book_.pages.size() == 1 ? "rule" : "rules"));
    line(fmt::format("<p class=\"facts\">Bundle {}</p>", code(book_.hash)));
    line("</header>");
  }

  // All drivers, those without a rule too: where nobody watches is part of the picture.
  void write_matrix() {
    line("<section>");
    line("<h2>Drivers and stages</h2>");
    line("<table>");
    line("<caption>How many rules watch for what</caption>");
    line("<thead>");
    std::string row = "<tr><th scope=\"col\">driver</th>";
    for (const Stage stage : kAllStages) {
      row += fmt::format("<th scope=\"col\">{}</th>", readable(stage));
    }
    line(row + "</tr>");
    line("</thead>");
    line("<tbody>");
    for (const std::string& word : driver_words()) write_matrix_row(*parse_enum<Driver>(word));
    line("</tbody>");
    line("</table>");
    line("</section>");
  }

  void write_matrix_row(Driver driver) {
    const bool is_watched = book_.count(driver) > 0;
    std::string row = "<tr><th scope=\"row\">";
    row += is_watched ? fmt::format("<a href=\"#{}\">{}</a>", anchor(driver), readable(driver))
                      : readable(driver);
    row += "</th>";
    for (const Stage stage : kAllStages) {
      const size_t n = book_.count(driver, stage);
      row += fmt::format("<td class=\"count\">{}</td>", n == 0 ? "" : std::to_string(n));
    }
    line(row + "</tr>");
  }

  void write_contents() {
    if (book_.pages.empty()) return;
    line("<nav>");
    line("<h2>Contents</h2>");
    line("<ul>");
    for (const Driver driver : drivers()) {
      line(fmt::format("<li><a href=\"#{}\">{}</a>", anchor(driver), readable(driver)));
      line("<ul>");
      for (const RulePage& page : book_.pages) {
        if (page.driver != driver) continue;
        line(fmt::format("<li><a href=\"#{}\">{}</a>{}</li>", escaped(page.id), title_of(page),
                         status_mark(page)));
      }
      line("</ul>");
      line("</li>");
    }
    line("</ul>");
    line("</nav>");
  }

  // That a rule is in production goes without saying.
  static std::string status_mark(const RulePage& page) {
    if (page.status == RuleStatus::kProduction) return "";
    return fmt::format(" <span class=\"status\">{}</span>", to_string(page.status));
  }

  void write_driver(Driver driver) {
    line(fmt::format("<section class=\"driver\" id=\"{}\">", anchor(driver)));
    line(fmt::format("<h2>{}</h2>", readable(driver)));
    for (const RulePage& page : book_.pages) {
      if (page.driver == driver) write_rule(page);
    }
    line("</section>");
  }

  void write_rule(const RulePage& page) {
    line(fmt::format("<article id=\"{}\">", escaped(page.id)));
    write_titles(page);
    const std::string owner = page.owner.empty() ? "" : " · owner " + escaped(page.owner);
    line(fmt::format("<p class=\"facts\">{} · {} · driver {} · stage {} · kind {}{}</p>",
                     code(page.id), to_string(page.status), readable(page.driver),
                     readable(page.stage), page.kind, owner));
    if (!page.doc.rationale.empty()) {
      heading("Why it matters");
      line(fmt::format("<p>{}</p>", escaped(page.doc.rationale)));
      const std::string source = source_of(page);
      if (!source.empty()) line(fmt::format("<p>Source: {}</p>", escaped(source)));
    }
    write_condition(page);
    write_levels(page);
    write_list("What looks like it and is not", page.doc.false_positives);
    write_list("What does not count for a time", page.exceptions);
    if (!page.doc.response.empty()) {
      heading("What to do");
      line(fmt::format("<p>{}</p>", escaped(page.doc.response)));
    }
    write_indicators(page);
    write_tests(page);
    line("</article>");
  }

  void write_list(std::string_view title, const std::vector<std::string>& items) {
    if (items.empty()) return;
    heading(title);
    line("<ul>");
    for (const std::string& item : items) line(fmt::format("<li>{}</li>", escaped(item)));
    line("</ul>");
  }

  void heading(std::string_view text) { line(fmt::format("<h4>{}</h4>", text)); }

  void write_titles(const RulePage& page) {
    line(fmt::format("<h3>{}</h3>", title_of(page)));
    for (size_t i = 1; i < page.titles.size(); ++i) {
      const auto& [language, title] = page.titles[i];
      line(fmt::format("<p lang=\"{0}\" dir=\"{1}\">{2}</p>", escaped(language),
                       direction(language), with_holes(title)));
    }
  }

  static std::string source_of(const RulePage& page) {
    const bool has_both = !page.doc.document.empty() && !page.doc.paragraph.empty();
    return page.doc.document + (has_both ? ", " : "") + page.doc.paragraph;
  }

  void write_condition(const RulePage& page) {
    heading("What it looks at");
    line(fmt::format("<pre><code>{}</code></pre>", escaped(page.condition)));
    if (page.shared.empty()) return;
    line("<table>");
    line("<tbody>");
    for (const auto& [name, text] : page.shared) {
      line(fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>", code(name), code(text)));
    }
    line("</tbody>");
    line("</table>");
  }

  void write_levels(const RulePage& page) {
    heading("Levels");
    line("<table>");
    line("<tbody>");
    for (const auto& [level, text] : page.levels) {
      line(
          fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escaped(level), code(text)));
    }
    line("</tbody>");
    line("</table>");
  }

  void write_indicators(const RulePage& page) {
    heading("Indicators");
    if (page.is_of_all_indicators) line("<p>All: the rule names none.</p>");
    if (page.indicators.empty()) return;
    line("<table>");
    line(
        "<thead><tr><th scope=\"col\">indicator</th><th scope=\"col\">what it is</th>"
        "<th scope=\"col\">unit</th><th scope=\"col\">sent by</th></tr></thead>");
    line("<tbody>");
    for (const IndicatorNote& note : page.indicators) {
      line(fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
                       code(note.name), escaped(note.meaning), escaped(note.unit),
                       escaped(fmt::format("{}", fmt::join(note.sources, ", ")))));
    }
    line("</tbody>");
    line("</table>");
  }

  void write_tests(const RulePage& page) {
    heading("Tests");
    if (page.tests.empty()) {
      line("<p>None.</p>");
      return;
    }
    line("<ul>");
    for (const auto& [file, name] : page.tests) {
      line(fmt::format("<li>{} ({})</li>", escaped(name), code(file)));
    }
    line("</ul>");
  }

  const RuleBook& book_;
  std::string out_;
};

}  // namespace

std::string to_html(const RuleBook& book) { return Html(book).write(); }

}  // namespace tocsin::rules
