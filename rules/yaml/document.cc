#include "rules/yaml/document.h"

#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <fstream>
#include <sstream>
#include <utility>

#include "rules/yaml/event_builder.h"
#include "rules/yaml/source_text.h"
#include "rules/yaml/syntax_hint.h"

namespace tocsin::yaml {

namespace {

constexpr size_t kMaxBytes = 4U << 20U;

// Offset of the first byte that is not well-formed UTF-8 or is a control character (the parser
// takes some of them for its own marks), npos when there is none.
size_t first_bad_byte(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) return i;
      ++i;
      continue;
    }
    const size_t length = c >= 0xC2 && c <= 0xDF   ? 2
                          : c >= 0xE0 && c <= 0xEF ? 3
                          : c >= 0xF0 && c <= 0xF4 ? 4
                                                   : 0;
    if (length == 0 || i + length > text.size()) return i;
    uint32_t point = c & (0xFFU >> (length + 1));
    for (size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xC0U) != 0x80U) return i;
      point = (point << 6U) | (next & 0x3FU);
    }
    const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
    if (overlong || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return i;
    i += length;
  }
  return std::string_view::npos;
}

// True when the text could be handed to the parser.
bool check_text(const SourceText& source, Diagnostics& diagnostics) {
  if (source.size() > kMaxBytes) {
    diagnostics.error("T0008", {source.file(), 1, 1}, "the file is larger than 4 MiB",
                      "split it into several files");
    return false;
  }
  const size_t bad = first_bad_byte(source.text());
  if (bad == std::string_view::npos) return true;
  diagnostics.error("T0008", source.place(bad), "a byte that is not text in UTF-8",
                    "save the file as UTF-8 without control characters");
  return false;
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

std::optional<Node> parse_document(std::string_view text, const std::string& file,
                                   Diagnostics& diagnostics) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // byte order mark
  const SourceText source(text, file);
  if (!check_text(source, diagnostics)) return std::nullopt;

  const int errors_before = diagnostics.errors();
  EventBuilder builder(source, diagnostics);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      diagnostics.error("T0010", {file, 1, 1}, "the file is empty");
      return std::nullopt;
    }
    Diagnostics ignored;
    EventBuilder second(source, ignored);
    bool is_more = true;
    try {
      is_more = parser.HandleNextDocument(second);
    } catch (const StopParsing&) {  // too much of it, which is not what is wrong
    }
    if (is_more) {
      const auto extra = second.take_root();
      diagnostics.error("T0010", extra ? extra->place : Place{file, 1, 1},
                        "more than one document in the file", "remove the second `---`");
    }
  } catch (const YAML::ParserException& e) {
    const size_t at = e.mark.is_null() ? 0 : static_cast<size_t>(e.mark.pos);
    SyntaxAdvice advice = advise(source, at, e.msg);
    diagnostics.error("T0001", source.place(at), std::move(advice.message), std::move(advice.hint));
  } catch (const YAML::Exception& e) {
    diagnostics.error("T0001", {file, 1, 1}, "not readable as YAML (" + e.msg + ")");
  } catch (const StopParsing&) {
    return std::nullopt;
  }
  // Half a document would only give misleading further errors.
  const bool syntax_error =
      diagnostics.errors() > errors_before && diagnostics.all().back().code == "T0001";
  if (syntax_error) return std::nullopt;
  return builder.take_root();
}

std::optional<Node> read_document(const std::string& path, Diagnostics& diagnostics) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (file) content << file.rdbuf();
  if (!file || content.fail()) {
    diagnostics.error("T0000", {path, 0, 0}, "the file cannot be read");
    return std::nullopt;
  }
  return parse_document(content.str(), path, diagnostics);
}

}  // namespace tocsin::yaml
