#include "rules/authoring/line_layout.h"

#include <algorithm>
#include <optional>

namespace tocsin::rules {

namespace {

constexpr size_t kStep = 2;

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    if (lines.back().ends_with('\r')) lines.back().pop_back();
    at = end + 1;
  }
  return lines;
}

size_t indent_of(const std::string& line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

bool is_blank(const std::string& line) {
  return line.find_first_not_of(" \t") == std::string::npos;
}

class Layout {
 public:
  explicit Layout(const std::string& text) : raw_(split(text)) {
    lines_.resize(raw_.size());
    known_.resize(raw_.size());
  }

  void walk_root(const yaml::Node& root) {
    if (!root.is_mapping() || at(root.place) == '{') return;
    for (const auto& entry : root.entries) {
      if (!begin_key(entry.key_place, 0)) continue;
      if (entry.key.starts_with("x-")) {
        walk_texts(entry.value);
      } else {
        walk(entry.value, line_of(entry.key_place), 0);
      }
    }
  }

  std::vector<Line> run() {
    std::ptrdiff_t shift = 0;  // of the key or item that the line goes on with
    for (size_t i = 0; i < lines_.size(); ++i) {
      Line& line = lines_[i];
      if (line.is_start) {
        shift = known_[i].shift;
        line.text = trimmed(raw_[i].substr(std::min(known_[i].column, raw_[i].size())));
        continue;
      }
      const size_t indent = indent_of(raw_[i]);
      if (!line.is_verbatim) {
        line.text = trimmed(raw_[i]);
        line.indent = moved(indent, shift);
      } else if (!is_blank(raw_[i]) || raw_[i].size() > known_[i].column) {
        line.text = raw_[i].substr(indent);
        line.indent = moved(indent, known_[i].shift);
      }
    }
    indent_comments();
    return std::move(lines_);
  }

 private:
  // What the walk finds out about a line.
  struct Known {
    // Of a start: where its text begins, behind the dashes. Of a verbatim line: blanks behind it
    // are part of the text.
    size_t column = 0;
    size_t origin = 0;         // of a start: column of the key or dash
    std::ptrdiff_t shift = 0;  // how far what is on it moves to the right
  };

  static size_t line_of(const Place& place) { return static_cast<size_t>(place.line) - 1; }
  // In bytes too: only blanks and dashes stand before what is asked for.
  static size_t column_of(const Place& place) { return static_cast<size_t>(place.column) - 1; }

  // The character at a place; '\0' when it is not in the file.
  char at(const Place& place) const {
    if (place.line <= 0 || line_of(place) >= raw_.size()) return '\0';
    const std::string& line = raw_[line_of(place)];
    return column_of(place) < line.size() ? line[column_of(place)] : '\0';
  }

  static std::string trimmed(const std::string& text) {
    const size_t first = std::min(text.find_first_not_of(" \t"), text.size());
    return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
  }

  static size_t moved(size_t column, std::ptrdiff_t shift) {
    return static_cast<size_t>(std::max<std::ptrdiff_t>(0, std::ptrdiff_t(column) + shift));
  }

  // True when nothing but blanks and dashes stands before the place, and it lies behind everything
  // that has begun: what an alias or `<<` brings lies before it.
  bool can_begin(size_t line, size_t column) const {
    if (line >= raw_.size() || line < last_ || column > raw_[line].size()) return false;
    return raw_[line].find_first_not_of(" -") >= column;
  }

  bool begin_key(const Place& place, size_t indent) {
    if (place.line <= 0 || !can_begin(line_of(place), column_of(place))) return false;
    begin(line_of(place), column_of(place), indent);
    return true;
  }

  void begin(size_t line, size_t column, size_t indent) {
    if (!lines_[line].is_start) lines_[line].indent = indent;
    lines_[line].is_start = true;
    known_[line] = {column, column, std::ptrdiff_t(indent) - std::ptrdiff_t(column)};
    last_ = line;
  }

  // The line of the dash before an item; its column is told too.
  std::optional<Place> find_dash(const yaml::Node& item) const {
    if (item.place.line <= 0 || line_of(item.place) >= raw_.size()) return std::nullopt;
    size_t line = line_of(item.place);
    size_t dash = raw_[line].substr(0, column_of(item.place)).rfind('-');
    while (dash == std::string::npos && line > last_) {
      --line;
      if (indent_of(raw_[line]) < raw_[line].size() && raw_[line][indent_of(raw_[line])] == '-') {
        dash = indent_of(raw_[line]);
      }
    }
    if (dash == std::string::npos || !can_begin(line, dash)) return std::nullopt;
    return Place{"", static_cast<int>(line) + 1, static_cast<int>(dash) + 1};
  }

  // `indent`: that of the key or dash which the node is the value of.
  void walk(const yaml::Node& node, size_t line, size_t indent) {
    if (node.place.line <= 0 || line_of(node.place) < line) return;  // by an alias
    if (node.is_scalar()) {
      walk_scalar(node, indent + kStep);
    } else if (at(node.place) == '{' || at(node.place) == '[') {
      walk_texts(node);
    } else if (node.is_mapping()) {
      walk_mapping(node, indent + kStep);
    } else if (node.is_sequence()) {
      walk_sequence(node, indent + kStep);
    }
  }

  void walk_mapping(const yaml::Node& node, size_t indent) {
    for (const auto& entry : node.entries) {
      if (!begin_key(entry.key_place, indent)) continue;
      walk(entry.value, line_of(entry.key_place), indent);
    }
  }

  void walk_sequence(const yaml::Node& node, size_t indent) {
    for (const yaml::Node& item : node.items) {
      const auto dash = item.is_null() ? std::nullopt : find_dash(item);
      if (!dash) continue;
      begin(line_of(*dash), column_of(*dash), indent);
      ++lines_[line_of(*dash)].dashes;
      known_[line_of(*dash)].column = column_of(*dash) + 1;
      if (item.is_mapping() && at(item.place) != '{') {
        walk_mapping(item, indent + kStep);
      } else if (item.is_sequence() && at(item.place) != '[') {
        walk_sequence(item, indent + kStep);
      } else {
        walk(item, line_of(*dash), indent);
      }
    }
  }

  // The texts of several lines in what keeps its layout.
  void walk_texts(const yaml::Node& node) {
    if (node.is_scalar()) walk_scalar(node, std::nullopt);
    for (const yaml::Node& item : node.items) walk_texts(item);
    for (const auto& entry : node.entries) walk_texts(entry.value);
  }

  // `indent`: of a block's lines; nullopt: they move with what they belong to.
  void walk_scalar(const yaml::Node& node, std::optional<size_t> indent) {
    const char first = at(node.place);
    if (node.quoted && (first == '|' || first == '>')) {
      walk_block(node, indent);
      return;
    }
    const Place end = node.places.at(node.scalar, node.scalar.size());
    if (end.line <= node.place.line || line_of(end) >= raw_.size()) return;
    for (size_t i = line_of(node.place) + 1; i <= line_of(end); ++i) {
      lines_[i].is_verbatim = true;
      known_[i] = {std::string::npos, 0, known_[last_].shift};
    }
  }

  void walk_block(const yaml::Node& node, std::optional<size_t> indent) {
    const size_t header = line_of(node.place);
    const std::string marks = raw_[header].substr(column_of(node.place) + 1);
    const std::string indicators = marks.substr(0, marks.find_first_of(" \t#"));
    size_t first = header + 1;
    while (first < raw_.size() && is_blank(raw_[first])) ++first;
    if (first == raw_.size()) return;
    const bool is_explicit = indicators.find_first_of("123456789") != std::string::npos;
    const size_t parent = known_[last_].origin;
    const size_t base =
        is_explicit
            ? parent + static_cast<size_t>(indicators[indicators.find_first_of("123456789")] - '0')
            : indent_of(raw_[first]);
    if (!is_explicit && base <= parent) return;  // it is empty
    size_t end = header + 1;                     // behind the last line that has a text
    for (size_t i = header + 1; i < raw_.size(); ++i) {
      if (is_blank(raw_[i])) continue;
      if (indent_of(raw_[i]) < base) break;
      end = i + 1;
    }
    if (indicators.find('+') != std::string::npos) {
      while (end < raw_.size() && is_blank(raw_[end])) ++end;
    }
    const std::ptrdiff_t shift = indent && !is_explicit
                                     ? std::ptrdiff_t(*indent) - std::ptrdiff_t(base)
                                     : known_[last_].shift;
    for (size_t i = header + 1; i < end; ++i) {
      lines_[i].is_verbatim = true;
      known_[i] = {base, 0, shift};
    }
  }

  bool is_filling(size_t i) const {
    return !lines_[i].is_start && !lines_[i].is_verbatim &&
           (lines_[i].text.empty() || lines_[i].is_comment());
  }

  // Comments get the indentation of what they stand above.
  void indent_comments() {
    for (size_t i = 0; i < lines_.size(); ++i) {
      if (!lines_[i].is_start) continue;
      const size_t column = indent_of(raw_[i]);
      size_t first = i;
      while (first > 0 && is_filling(first - 1)) --first;
      // A comment that stands deeper, and what is before it, belong to the line before.
      while (first < i && (lines_[first].is_empty() || indent_of(raw_[first]) > column)) ++first;
      for (; first < i; ++first) lines_[first].indent = lines_[i].indent;
    }
  }

  std::vector<std::string> raw_;
  std::vector<Line> lines_;
  std::vector<Known> known_;
  size_t last_ = 0;  // line of the key or item that began last
};

}  // namespace

std::string Line::whole() const {
  std::string line(is_empty() && !is_verbatim ? 0 : indent, ' ');
  for (size_t i = 0; i < dashes; ++i) line += "- ";
  line += text;
  if (is_verbatim) return line;
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

std::vector<Line> lay_out(const std::string& text, const yaml::Node& root) {
  Layout layout(text);
  layout.walk_root(root);
  return layout.run();
}

size_t first_above(const std::vector<Line>& lines, size_t start) {
  size_t first = start;
  while (first > 0) {
    const Line& above = lines[first - 1];
    const bool is_own = above.is_comment() && above.indent <= lines[start].indent;
    if (!is_own && !(above.is_empty() && !above.is_verbatim)) break;
    --first;
  }
  return first;
}

}  // namespace tocsin::rules
