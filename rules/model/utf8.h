#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin {

// Offset of the first byte that is not well-formed UTF-8 (overlong forms, surrogates and code
// points over U+10FFFF are not); npos when all is well.
size_t first_bad_utf8(std::string_view text);

// The longest beginning of `text` of at most `bytes` that cuts no code point in two.
std::string_view utf8_prefix(std::string_view text, size_t bytes);

// The text with U+FFFD for every byte that keeps it from being UTF-8: for showing what others sent.
std::string as_utf8(std::string_view text);

}  // namespace tocsin
