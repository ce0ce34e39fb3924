#include <fmt/format.h>

#include <algorithm>

#include "rules/authoring/rule_book.h"

namespace tocsin::rules {

namespace {

// Characters that Markdown would take for its own, also at the beginning of a line.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += ' ';
      continue;
    }
    if (std::string_view("\\`*_{}[]<>()#+!|~&").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

// As long as it takes that no run of backticks inside ends it.
std::string fence_for(std::string_view text, size_t least) {
  size_t longest = 0;
  size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return std::string(std::max(least, longest + 1), '`');
}

// In a table a bar ends the cell even inside code.
std::string code(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (c == '|') line += '\\';
    line += c == '\n' ? ' ' : c;
  }
  const std::string fence = fence_for(line, 1);
  const bool needs_room = line.starts_with('`') || line.ends_with('`');
  return needs_room ? fence + " " + line + " " + fence : fence + line + fence;
}

// In a cell of a table.
std::string lines_of_code(std::string_view text) {
  std::string lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines += (lines.empty() ? "" : "<br>") + code(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string title_of(const RulePage& page) {
  return escaped(page.titles.empty() ? page.id : page.titles.front().second);
}

// Of HTML, since renderers make different anchors of a heading.
std::string anchor(const RulePage& page) {
  std::string name;
  for (const char c : page.id) name += c == '/' ? std::string("--") : std::string(1, c);
  return name;
}

class Markdown {
 public:
  explicit Markdown(const RuleBook& book) : book_(book) {}

  std::string write() {
    line("# Rules of tocsin\n");
    line(fmt::format("{} {}, bundle {}.\n", book_.pages.size(),
                     book_.pages.size() == 1 ? "rule" : "rules", code(book_.hash)));
    write_contents();
    const RulePage* before = nullptr;
    for (const RulePage& page : book_.pages) {
      if (before == nullptr || before->driver != page.driver) {
        line(fmt::format("## {}\n", readable(page.driver)));
      }
      write_rule(page);
      before = &page;
    }
    while (out_.ends_with("\n\n")) out_.pop_back();
    return std::move(out_);
  }

 private:
  void line(std::string_view text) {
    out_ += text;
    out_ += '\n';
  }

  void write_contents() {
    if (book_.pages.empty()) return;
    line("| driver | stage | rule |");
    line("|---|---|---|");
    for (const RulePage& page : book_.pages) {
      const std::string status = page.status == RuleStatus::kProduction
                                     ? ""
                                     : fmt::format(" ({})", to_string(page.status));
      line(fmt::format("| {} | {} | [{}](#{}){} |", readable(page.driver), readable(page.stage),
                       title_of(page), anchor(page), status));
    }
    line("");
  }

  void write_rule(const RulePage& page) {
    line(fmt::format("<a id=\"{}\"></a>\n", anchor(page)));
    line(fmt::format("### {}\n", title_of(page)));
    for (size_t i = 1; i < page.titles.size(); ++i) {
      line(fmt::format("* {}: {}", page.titles[i].first, escaped(page.titles[i].second)));
    }
    if (page.titles.size() > 1) line("");
    const std::string owner = page.owner.empty() ? "" : " · owner " + escaped(page.owner);
    line(fmt::format("{} · {} · stage {} · kind {}{}\n", code(page.id), to_string(page.status),
                     readable(page.stage), page.kind, owner));
    if (!page.doc.rationale.empty()) line(escaped(page.doc.rationale) + "\n");
    const bool has_both = !page.doc.document.empty() && !page.doc.paragraph.empty();
    const std::string source = page.doc.document + (has_both ? ", " : "") + page.doc.paragraph;
    if (!source.empty()) line("Source: " + escaped(source) + "\n");
    write_condition(page);
    list("False positives", page.doc.false_positives);
    list("Exceptions", page.exceptions);
    if (!page.doc.response.empty()) line("**Response:** " + escaped(page.doc.response) + "\n");
    write_indicators(page);
    std::vector<std::string> tests;
    for (const auto& [file, name] : page.tests) tests.push_back(name + " (" + file + ")");
    list("Tests", tests);
  }

  void write_condition(const RulePage& page) {
    std::string text = page.condition + "\n";
    for (const auto& [name, what] : page.shared) text += "# " + name + "\n" + what + "\n";
    const std::string fence = fence_for(text, 3);
    line(fence + "text\n" + text + fence + "\n");
    line("| level | when |");
    line("|---|---|");
    for (const auto& [level, what] : page.levels) {
      line(fmt::format("| {} | {} |", level, lines_of_code(what)));
    }
    line("");
  }

  void write_indicators(const RulePage& page) {
    if (page.is_of_all_indicators) line("Looks at all indicators.\n");
    if (page.indicators.empty()) return;
    line("| indicator | what it is | unit | sent by |");
    line("|---|---|---|---|");
    for (const IndicatorNote& note : page.indicators) {
      line(fmt::format("| {} | {} | {} | {} |", code(note.name), escaped(note.meaning),
                       escaped(note.unit),
                       escaped(fmt::format("{}", fmt::join(note.sources, ", ")))));
    }
    line("");
  }

  void list(std::string_view heading, const std::vector<std::string>& items) {
    if (items.empty()) return;
    line(fmt::format("**{}:**\n", heading));
    for (const std::string& item : items) line("* " + escaped(item));
    line("");
  }

  const RuleBook& book_;
  std::string out_;
};

}  // namespace

std::string to_markdown(const RuleBook& book) { return Markdown(book).write(); }

}  // namespace tocsin::rules
