#pragma once

#include <string>
#include <string_view>

#include "rules/yaml/source_text.h"

namespace tocsin::yaml {

// What a syntax error most likely means to the person who wrote the line: nearly always a text that
// wanted quotes.
struct SyntaxAdvice {
  std::string message;
  std::string hint;
};

// `complaint` is the parser's own message and `offset` where it gave up.
SyntaxAdvice advise(const SourceText& source, size_t offset, std::string_view complaint);

// The hint for a value that begins with a character that means something else in YAML; "" when
// `value` does not.
std::string quoting_hint(std::string_view value);

}  // namespace tocsin::yaml
