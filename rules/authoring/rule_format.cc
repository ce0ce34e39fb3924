#include "rules/authoring/rule_format.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "rules/authoring/line_layout.h"
#include "rules/load/formats.h"
#include "rules/load/values.h"
#include "rules/yaml/document.h"

namespace tocsin::rules {

namespace {

using Lines = std::vector<Line>;

constexpr int kMostPasses = 4;  // nearly every file is in form after the first

bool is_gap(const Line& line) { return line.is_empty() && !line.is_verbatim; }

// Puts the keys of rules in order.
class KeyOrder {
 public:
  explicit KeyOrder(Lines& lines) : lines_(lines) {}

  void apply(const yaml::Node& root) {
    for (const yaml::Node& rule : items_of(root.find("rules"))) {
      const auto kind = parse_rule_kind(text_at(rule, "kind").value_or(""));
      if (kind) order(rule, rule_schema(*kind));
    }
  }

 private:
  // A key of the rule with all its lines.
  struct Chunk {
    size_t begin = 0;
    size_t end = 0;
    size_t start = 0;  // the line of the key
    std::ptrdiff_t rank = 0;
  };

  void order(const yaml::Node& rule, const Schema& schema) {
    std::vector<Chunk> chunks = chunks_of(rule, schema);
    const auto by_rank = [](const Chunk& a, const Chunk& b) { return a.rank < b.rank; };
    if (chunks.size() < 2 || std::is_sorted(chunks.begin(), chunks.end(), by_rank)) return;
    const size_t begin = chunks.front().begin;
    const size_t end = chunks.back().end;
    const size_t dashes = std::exchange(lines_[chunks.front().start].dashes, 0);
    const size_t outer = lines_[chunks.front().start].indent;
    lines_[chunks.front().start].indent = outer + 2 * dashes;

    std::stable_sort(chunks.begin(), chunks.end(), by_rank);
    Chunk& first = chunks.front();
    while (is_gap(lines_[first.begin])) ++first.begin;
    // What stands above the first key stands above the rule.
    for (size_t i = first.begin; i <= first.start; ++i) lines_[i].indent = outer;
    lines_[first.start].dashes = dashes;

    Lines ordered;
    for (const Chunk& chunk : chunks) {
      ordered.insert(ordered.end(), lines_.begin() + std::ptrdiff_t(chunk.begin),
                     lines_.begin() + std::ptrdiff_t(chunk.end));
    }
    const Line gap;
    ordered.resize(end - begin, gap);  // empty lines that were dropped, at the end of the rule
    std::move(ordered.begin(), ordered.end(), lines_.begin() + std::ptrdiff_t(begin));
  }

  // Empty when the rule is not one key a line.
  std::vector<Chunk> chunks_of(const yaml::Node& rule, const Schema& schema) const {
    std::vector<Chunk> chunks;
    for (const auto& entry : rule.entries) {
      const auto line = static_cast<size_t>(entry.key_place.line) - 1;
      const bool is_own = line < lines_.size() && lines_[line].is_start &&
                          (chunks.empty() || line > chunks.back().start);
      if (!is_own) return {};
      const auto field = std::find_if(schema.fields.begin(), schema.fields.end(),
                                      [&](const auto& f) { return f.name == entry.key; });
      chunks.push_back({.begin = chunks.empty() ? line : first_above(lines_, line),
                        .end = 0,
                        .start = line,
                        .rank = field - schema.fields.begin()});
    }
    for (size_t i = 0; i + 1 < chunks.size(); ++i) chunks[i].end = chunks[i + 1].begin;
    if (!chunks.empty()) chunks.back().end = end_of(chunks.back().start);
    return chunks;
  }

  // Behind the last line of what begins at the line `start`.
  size_t end_of(size_t start) const {
    const size_t indent = lines_[start].indent;
    size_t end = start + 1;
    while (end < lines_.size() && !(lines_[end].is_start && lines_[end].indent < indent)) ++end;
    const auto is_outside = [&](const Line& line) {
      return is_gap(line) || (line.is_comment() && line.indent < indent);
    };
    while (end > start + 1 && is_outside(lines_[end - 1])) --end;
    return end;
  }

  Lines& lines_;
};

std::string join(const Lines& lines) {
  std::string text;
  bool after_gap = true;
  for (size_t i = 0; i < lines.size(); ++i) {
    const Line& line = lines[i];
    if (is_gap(line) && after_gap) continue;
    after_gap = is_gap(line);
    // A dash alone takes the key that follows it.
    const bool is_alone = line.dashes > 0 && line.text.empty() && i + 1 < lines.size() &&
                          lines[i + 1].is_start &&
                          lines[i + 1].indent == line.indent + 2 * line.dashes;
    if (is_alone) {
      Line both = lines[++i];
      both.indent = line.indent;
      both.dashes += line.dashes;
      text += both.whole() + "\n";
    } else {
      text += line.whole() + "\n";
    }
  }
  while (text.ends_with("\n\n") && is_gap(lines.back())) text.pop_back();
  return text;
}

bool is_same(const yaml::Node& a, const yaml::Node& b) {
  if (a.kind != b.kind || a.scalar != b.scalar || a.raw != b.raw || a.quoted != b.quoted ||
      a.items.size() != b.items.size() || a.entries.size() != b.entries.size()) {
    return false;
  }
  for (size_t i = 0; i < a.items.size(); ++i) {
    if (!is_same(a.items[i], b.items[i])) return false;
  }
  return std::all_of(a.entries.begin(), a.entries.end(), [&](const auto& entry) {
    const yaml::Node* other = b.find(entry.key);
    return other != nullptr && is_same(entry.value, *other);
  });
}

// What stands on the lines, without blanks around it and dashes before it, in any order: comments
// are in it too.
std::vector<std::string> contents_of(const std::string& text) {
  std::vector<std::string> contents;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    line.erase(0, line.find_first_not_of(" \t-"));
    line.erase(line.find_last_not_of(" \t\r") + 1);
    if (!line.empty()) contents.push_back(std::move(line));
    at = end + 1;
  }
  std::sort(contents.begin(), contents.end());
  return contents;
}

// nullopt when it would not say the same.
std::optional<std::string> format_once(const std::string& text, const yaml::Node& root) {
  Lines lines = lay_out(text, root);
  KeyOrder(lines).apply(root);
  std::string formatted = join(lines);
  if (!says_the_same(text, formatted)) return std::nullopt;
  return formatted;
}

}  // namespace

std::optional<std::string> format_rules(std::string text, const std::string& file,
                                        Diagnostics& diagnostics) {
  while (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // byte order mark
  const int errors_before = diagnostics.errors();
  const auto root = yaml::parse_document(text, file, diagnostics);
  if (!root || diagnostics.errors() != errors_before) return std::nullopt;
  if (text_at(*root, "tocsin").value_or("") != "rules/1") {
    diagnostics.error("T0520", {file, 1, 1}, "this is no rule file",
                      "rule files begin with `tocsin: rules/1`");
    return std::nullopt;
  }
  std::optional<std::string> formatted = format_once(text, *root);
  // A comment may belong to another line once those around it stand elsewhere.
  for (int pass = 0; pass < kMostPasses && formatted; ++pass) {
    Diagnostics ignored;
    const auto again = yaml::parse_document(*formatted, file, ignored);
    auto next = again ? format_once(*formatted, *again) : std::nullopt;
    if (next == formatted) return formatted;
    formatted = std::move(next);
  }
  diagnostics.error("T0521", {file, 1, 1},
                    "the file is not changed: another layout would not say the same",
                    "its layout is unusual; write one key a line, two blanks an indentation");
  return std::nullopt;
}

bool says_the_same(const std::string& before, const std::string& after) {
  Diagnostics ignored;
  const auto old_root = yaml::parse_document(before, "", ignored);
  const auto new_root = yaml::parse_document(after, "", ignored);
  return old_root && new_root && !ignored.has_errors() && is_same(*old_root, *new_root) &&
         contents_of(before) == contents_of(after);
}

}  // namespace tocsin::rules
