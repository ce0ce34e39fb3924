#include "rules/yaml/scalar_text.h"

#include <algorithm>

namespace tocsin::yaml {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool is_space(char c) { return is_blank(c) || c == '\n'; }

enum class Style : uint8_t { kPlain, kSingleQuoted, kDoubleQuoted };

// Walks over a scalar that flows in the file: plain or quoted, on one line or several. Where the
// two disagree it stops; what has been marked by then is right.
class FlowWalk {
 public:
  FlowWalk(const SourceText& source, size_t offset, Style style, Node& node)
      : source_(source), at_(offset), place_(source.place(offset)), style_(style), node_(node) {}

  // True when the whole scalar was found; end() is then behind its last character.
  bool run() {
    while (i_ < node_.scalar.size()) {
      if (!fold() && !escape() && !same()) return false;
    }
    return true;
  }
  size_t end() const { return at_; }

 private:
  void mark() { node_.places.mark(i_, place_.line, place_.column); }

  // Counts on by itself: asking the source each time would walk long lines again and again.
  void advance_to(size_t next) {
    for (; at_ < next; ++at_) {
      if (source_.at(at_) == '\n') {
        ++place_.line;
        place_.column = 1;
      } else if (!is_inside_character(source_.at(at_))) {
        ++place_.column;
      }
    }
  }

  bool same() {
    if (at_ >= source_.size() || source_.at(at_) != node_.scalar[i_]) return false;
    advance_to(at_ + 1);
    ++i_;
    return true;
  }

  // A line break with the blanks around it is one space of the scalar; n of them are n - 1 line
  // breaks.
  bool fold() {
    size_t next = at_;
    size_t breaks = 0;
    while (next < source_.size() && is_space(source_.at(next))) {
      if (source_.at(next) == '\n') ++breaks;
      ++next;
    }
    if (breaks == 0) return false;
    if (node_.scalar[i_] != (breaks == 1 ? ' ' : '\n')) return false;
    node_.raw[i_] = '\n';
    i_ += std::max<size_t>(breaks - 1, 1);
    advance_to(next);
    mark();
    return true;
  }

  bool escape() {
    if (style_ == Style::kSingleQuoted && source_.at(at_) == '\'') {
      advance_to(at_ + 2);
      ++i_;
      mark();
      return true;
    }
    if (style_ != Style::kDoubleQuoted || source_.at(at_) != '\\') return false;
    if (is_continuation()) return true;
    advance_to(at_ + escape_length());
    ++i_;
    while (i_ < node_.scalar.size() && is_inside_character(node_.scalar[i_])) ++i_;
    mark();
    return true;
  }

  // A backslash at the end of the line: nothing of the scalar, and the next line's indentation.
  bool is_continuation() {
    size_t next = at_ + 1;
    if (source_.at(next) == '\r') ++next;
    if (source_.at(next) != '\n') return false;
    while (next < source_.size() && is_space(source_.at(next))) ++next;
    advance_to(next);
    mark();
    return true;
  }

  size_t escape_length() const {
    switch (source_.at(at_ + 1)) {
      case 'x':
        return 4;
      case 'u':
        return 6;
      case 'U':
        return 10;
      default:
        return 2;
    }
  }

  static bool is_inside_character(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
  }

  const SourceText& source_;
  size_t at_;
  Place place_;  // of at_
  Style style_;
  Node& node_;
  size_t i_ = 0;  // in the scalar
};

void locate_plain(const SourceText& source, size_t offset, Node& node) {
  FlowWalk walk(source, offset, Style::kPlain, node);
  if (!walk.run()) return;
  size_t behind = walk.end();
  while (source.at(behind) == ' ' || source.at(behind) == '\t') ++behind;
  node.before_comment = behind > walk.end() && source.at(behind) == '#';
}

void locate_quoted(const SourceText& source, size_t offset, Node& node) {
  node.places = source.place(offset + 1);
  const bool is_single = source.at(offset) == '\'';
  FlowWalk(source, offset + 1, is_single ? Style::kSingleQuoted : Style::kDoubleQuoted, node).run();
}

// A block begins on the line after its `|` or `>`. What indentation and folding have made of the
// white space does not matter: each line's text stands in the scalar, in order.
void locate_block(const SourceText& source, size_t offset, Node& node) {
  size_t i = 0;
  for (size_t line = source.next_line(offset); line < source.size() && i < node.scalar.size();
       line = source.next_line(line)) {
    const std::string_view content = source.line(line);
    const size_t first = content.find_first_not_of(" \t");
    if (first == std::string_view::npos) continue;
    const std::string_view text =
        content.substr(first, content.find_last_not_of(" \t") + 1 - first);
    const size_t gap = i;
    while (i < node.scalar.size() && is_space(node.scalar[i])) ++i;
    if (std::string_view(node.scalar).substr(i, text.size()) != text) return;
    if (gap > 0 && gap < i) node.raw[gap] = '\n';
    const Place place = source.place(line + first);
    if (gap == 0) node.places.mark(0, place.line, place.column);
    node.places.mark(i, place.line, place.column);
    i += text.size();
  }
}

}  // namespace

void locate_scalar(const SourceText& source, size_t offset, Node& node) {
  node.raw = node.scalar;
  node.places = node.place;
  const char first = source.at(offset);
  if (!node.quoted) {
    locate_plain(source, offset, node);
  } else if (first == '|' || first == '>') {
    locate_block(source, offset, node);
  } else if (first == '\'' || first == '"') {
    locate_quoted(source, offset, node);
  }
}

}  // namespace tocsin::yaml
