#include "rules/yaml/scalar_text.h"

namespace tocsin::yaml {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Where the plain scalar `text` that begins at `offset` ends: a space of it may stand for a line
// break with indentation in the file. Gives `offset` when they do not agree.
size_t plain_end(const SourceText& source, size_t offset, std::string_view text) {
  size_t at = offset;
  for (const char c : text) {
    if (is_space(c) && is_space(source.at(at))) {
      while (is_space(source.at(at))) ++at;
    } else if (is_space(c) && at > offset && is_space(source.at(at - 1))) {
      continue;  // several spaces of the scalar in one run of white space
    } else if (source.at(at) == c) {
      ++at;
    } else {
      return offset;
    }
  }
  return at;
}

void locate_plain(const SourceText& source, size_t offset, Node& node) {
  const size_t end = plain_end(source, offset, node.scalar);
  if (end == offset) return;
  node.raw = source.text().substr(offset, end - offset);
  size_t behind = end;
  while (source.at(behind) == ' ' || source.at(behind) == '\t') ++behind;
  node.before_comment = behind > end && source.at(behind) == '#';
}

// A block begins on the line after its `|` or `>`; it ends where a line is indented less.
void locate_block(const SourceText& source, size_t offset, Node& node) {
  size_t at = offset;
  while (at < source.size() && source.at(at) != '\n') ++at;
  size_t first = at;
  while (is_space(source.at(first))) ++first;
  if (first >= source.size()) return;
  const size_t indent = first - source.line_start(first);
  if (indent == 0) return;
  size_t end = first;
  for (size_t line = source.line_start(first); line < source.size();) {
    const std::string_view content = source.line(line);
    const size_t text = content.find_first_not_of(" \t");
    if (text != std::string_view::npos) {
      if (text < indent) break;
      end = line + content.size();
    }
    line = source.text().find('\n', line);
    if (line == std::string_view::npos) break;
    ++line;
  }
  node.raw = source.text().substr(first, end - first);
  node.raw_place = source.place(first);
}

}  // namespace

void locate_scalar(const SourceText& source, size_t offset, Node& node) {
  node.raw = node.scalar;
  node.raw_place = node.place;
  const char first = source.at(offset);
  if (!node.quoted) {
    locate_plain(source, offset, node);
  } else if (first == '|' || first == '>') {
    locate_block(source, offset, node);
  } else if (first == '\'' || first == '"') {
    node.raw_place = source.place(offset + 1);
  }
}

}  // namespace tocsin::yaml
