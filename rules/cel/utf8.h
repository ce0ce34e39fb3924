#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::cel {

// Of valid UTF-8.
size_t count_code_points(std::string_view text);
// Reads the code point at `position` of valid UTF-8 and moves behind it.
char32_t next_code_point(std::string_view text, size_t& position);
// Writes a code point to `out`, which has room for 4 bytes; how many were written.
size_t put_code_point(char32_t c, char* out);
void append_code_point(char32_t c, std::string& out);

// Lower case of Latin, Greek, Cyrillic and Armenian letters; other code points stay.
char32_t to_lower(char32_t c);
// Lower case without accents, for names spelled in several ways; 0 when the mark vanishes whole.
// Letters that become two ("ß", "æ") are left to the caller: see fold_second.
char32_t to_folded(char32_t c);
// The second letter of those that fold to two, else 0.
char32_t fold_second(char32_t c);

}  // namespace tocsin::cel
