#include "rules/yaml/syntax_hint.h"

namespace tocsin::yaml {

namespace {

constexpr std::string_view kHowToQuote =
    "put the whole text in quotes, or in a block: `key: >` with the text on the next line, "
    "indented";

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

// What follows `key: ` or `- ` on a line; the line itself when it has neither.
std::string_view value_of(std::string_view line) {
  line = trimmed(line);
  while (line.starts_with("- ")) line = trimmed(line.substr(2));
  const size_t colon = line.find(": ");
  if (colon == std::string_view::npos || line.empty() || line[0] == '"' || line[0] == '\'') {
    return line;
  }
  return trimmed(line.substr(colon + 2));
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string_view last_line_with_text(const SourceText& source, size_t offset) {
  std::string_view line = source.line(offset);
  size_t start = source.line_start(offset);
  while (trimmed(line).empty() && start > 0) {
    line = source.line(start - 1);
    start = source.line_start(start - 1);
  }
  return line;
}

}  // namespace

std::string quoting_hint(std::string_view value) {
  if (value.empty()) return {};
  const auto begins = [&](std::string_view what, std::string_view meaning) {
    return "the text begins with `" + std::string(what) + "`, which in YAML " +
           std::string(meaning) + ": " + std::string(kHowToQuote);
  };
  if (value.starts_with("{{")) return begins("{{", "begins a mapping");
  switch (value.front()) {
    case '{':
      return begins("{", "begins a mapping");
    case '[':
      return begins("[", "begins a list");
    case '!':
      return begins("!", "begins a tag");
    case '&':
      return begins("&", "begins an anchor");
    case '*':
      return begins("*", "begins an alias");
    case '%':
      return begins("%", "begins a directive");
    case '@':
      return begins("@", "is reserved");
    case '`':
      return begins("`", "is reserved");
    case '"':
      return begins("\"", "ends the text at the next `\"`") + " (single quotes, here)";
    case '\'':
      return begins("'", "ends the text at the next `'`") + " (double quotes, here)";
    default:
      return {};
  }
}

SyntaxAdvice advise(const SourceText& source, size_t offset, std::string_view complaint) {
  const std::string_view line = last_line_with_text(source, offset);
  const std::string_view value = value_of(line);
  if (contains(complaint, "tab") || trimmed(line).starts_with('\t') || line.starts_with('\t')) {
    return {"a tab in the indentation", "indent with spaces only"};
  }
  if (contains(complaint, "anchor is not defined")) {
    return {"an alias to something that is not defined", quoting_hint(value)};
  }
  if (contains(complaint, "illegal map value")) {
    return {"`: ` inside a text that is not quoted",
            "a colon followed by a space begins a value: " + std::string(kHowToQuote)};
  }
  if (contains(complaint, "EOF in scalar")) {
    return {"a quoted text does not end", "close the quotes that were opened here or before"};
  }
  if (contains(complaint, "unknown escape")) {
    return {"an unknown escape in a text in double quotes",
            "write `\\\\` for a backslash, or use single quotes"};
  }
  std::string hint = quoting_hint(value);
  if (contains(complaint, "end of map flow") || contains(complaint, "end of sequence flow")) {
    if (hint.empty()) hint = "close every `{` and `[`; quote texts that contain `,` `]` or `}`";
    return {"a `{` or `[` that is not closed, or a text in it that wants quotes", hint};
  }
  if (contains(complaint, "end of map not found") || contains(complaint, "end of sequence")) {
    if (hint.empty()) {
      hint = "the line does not fit the indentation before it, or a text of it wants quotes";
    }
    return {"this does not belong here", hint};
  }
  if (hint.empty()) hint = std::string("if this is text: ") + std::string(kHowToQuote);
  return {"not readable as YAML (" + std::string(complaint) + ")", hint};
}

}  // namespace tocsin::yaml
