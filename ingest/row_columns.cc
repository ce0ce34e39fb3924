#include "ingest/row_columns.h"

#include <algorithm>
#include <optional>

namespace tocsin::ingest {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

size_t skip_blanks(std::string_view text, size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t')) ++at;
  return at;
}

// The end of the text literal that begins at `at`, behind its closing quote.
size_t skip_literal(std::string_view text, size_t at) {
  const char quote = text[at];
  for (++at; at < text.size() && text[at] != quote; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

// A literal without escapes at `at`, behind `before` ("[" or ","): its text.
std::optional<std::string> literal_after(std::string_view text, size_t at, char before) {
  at = skip_blanks(text, at);
  if (at >= text.size() || text[at] != before) return std::nullopt;
  at = skip_blanks(text, at + 1);
  if (at >= text.size() || (text[at] != '"' && text[at] != '\'')) return std::nullopt;
  const size_t end = skip_literal(text, at);
  if (end - at < 2) return std::nullopt;
  const std::string_view inner = text.substr(at + 1, end - at - 2);
  if (inner.find('\\') != std::string_view::npos) return std::nullopt;
  return std::string(inner);
}

std::optional<std::string> column_at(std::string_view text, size_t behind_row) {
  const size_t at = skip_blanks(text, behind_row);
  if (at < text.size() && text[at] == '.') {
    const size_t begin = skip_blanks(text, at + 1);
    size_t end = begin;
    while (end < text.size() && is_word(text[end])) ++end;
    if (end == begin) return std::nullopt;
    return std::string(text.substr(begin, end - begin));
  }
  if (auto name = literal_after(text, behind_row, '[')) return name;
  return literal_after(text, behind_row, ',');
}

}  // namespace

RowColumns row_columns(std::string_view expression) {
  RowColumns found;
  size_t at = 0;
  while (at < expression.size()) {
    const char c = expression[at];
    if (c == '"' || c == '\'') {
      at = skip_literal(expression, at);
      continue;
    }
    if (!is_word(c)) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < expression.size() && is_word(expression[end])) ++end;
    const bool selected = at > 0 && expression[at - 1] == '.';
    if (expression.substr(at, end - at) == "row" && !selected) {
      if (auto name = column_at(expression, end)) {
        found.names.push_back(std::move(*name));
      } else {
        found.whole_row = true;
      }
    }
    at = end;
  }
  std::sort(found.names.begin(), found.names.end());
  found.names.erase(std::unique(found.names.begin(), found.names.end()), found.names.end());
  return found;
}

}  // namespace tocsin::ingest
