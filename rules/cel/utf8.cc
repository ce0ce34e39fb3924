#include "rules/cel/utf8.h"

namespace tocsin::cel {

size_t count_code_points(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

char32_t next_code_point(std::string_view text, size_t& position) {
  const auto first = static_cast<unsigned char>(text[position]);
  const size_t length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  char32_t c = length == 1 ? first : first & (0xFFu >> (length + 1));
  for (size_t k = 1; k < length && position + k < text.size(); ++k) {
    c = (c << 6) | (static_cast<unsigned char>(text[position + k]) & 0x3Fu);
  }
  position += length;
  return c;
}

size_t put_code_point(char32_t c, char* out) {
  const auto byte = [](char32_t v) { return static_cast<char>(static_cast<unsigned char>(v)); };
  if (c < 0x80) {
    out[0] = byte(c);
    return 1;
  }
  if (c < 0x800) {
    out[0] = byte(0xC0 | (c >> 6));
    out[1] = byte(0x80 | (c & 0x3F));
    return 2;
  }
  if (c < 0x10000) {
    out[0] = byte(0xE0 | (c >> 12));
    out[1] = byte(0x80 | ((c >> 6) & 0x3F));
    out[2] = byte(0x80 | (c & 0x3F));
    return 3;
  }
  out[0] = byte(0xF0 | (c >> 18));
  out[1] = byte(0x80 | ((c >> 12) & 0x3F));
  out[2] = byte(0x80 | ((c >> 6) & 0x3F));
  out[3] = byte(0x80 | (c & 0x3F));
  return 4;
}

void append_code_point(char32_t c, std::string& out) {
  char bytes[4];
  out.append(bytes, put_code_point(c, bytes));
}

char32_t to_lower(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  if (c >= 0xC0 && c <= 0xDE && c != 0xD7) return c + 32;
  if (c == 0x178) return 0xFF;                 // Ÿ
  if (c == 0x130) return 'i';                  // İ
  if (c >= 0x100 && c <= 0x137) return c | 1;  // Latin Extended-A comes in pairs, capital even …
  if (c >= 0x14A && c <= 0x177) return c | 1;
  if (c >= 0x139 && c <= 0x148) return c + (c & 1);  // … here capital odd
  if (c >= 0x179 && c <= 0x17E) return c + (c & 1);
  if (c >= 0x1CD && c <= 0x1DC) return c + (c & 1);
  if (c >= 0x1DE && c <= 0x1EF) return c | 1;
  if (c >= 0x1F8 && c <= 0x21F) return c | 1;
  if (c >= 0x1E00 && c <= 0x1E95) return c | 1;  // Latin Extended Additional
  if (c >= 0x1EA0 && c <= 0x1EFF) return c | 1;
  if (c >= 0x391 && c <= 0x3A9) return c + 32;  // Greek
  if (c == 0x386) return 0x3AC;
  if (c >= 0x388 && c <= 0x38A) return c + 37;
  if (c == 0x38C) return 0x3CC;
  if (c == 0x38E || c == 0x38F) return c + 63;
  if (c >= 0x410 && c <= 0x42F) return c + 32;  // Cyrillic
  if (c >= 0x400 && c <= 0x40F) return c + 80;
  if (c >= 0x460 && c <= 0x481) return c | 1;
  if (c >= 0x48A && c <= 0x4BF) return c | 1;
  if (c >= 0x531 && c <= 0x556) return c + 48;  // Armenian
  return c;
}

namespace {

// Base letters of U+00E0 … U+00FF and U+0100 … U+017F; '_' where the letter has no base.
constexpr std::string_view kLatin1Base = "aaaaaaaceeeeiiiidnooooo_ouuuuyty";
constexpr std::string_view kLatinABase =
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"
    "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
static_assert(kLatin1Base.size() == 32);
static_assert(kLatinABase.size() == 128);

}  // namespace

char32_t to_folded(char32_t c) {
  if (c < 0x80) return to_lower(c);
  if (c == 0xDF) return 's';
  if (c >= 0x300 && c <= 0x36F) return 0;                                  // combining accents
  if ((c >= 0x64B && c <= 0x65F) || c == 0x670 || c == 0x640) return 0;    // Arabic vowel signs
  if (c == 0x622 || c == 0x623 || c == 0x625 || c == 0x671) return 0x627;  // alef with hamza
  if (c == 0x649) return 0x64A;                                            // final ya
  if (c == 0x629) return 0x647;                                            // ta marbuta
  c = to_lower(c);
  if (c == 0xDF) return 's';
  if (c >= 0xE0 && c <= 0xFF) {
    const char base = kLatin1Base[c - 0xE0];
    return base == '_' ? c : static_cast<char32_t>(base);
  }
  if (c >= 0x100 && c <= 0x17F) return static_cast<char32_t>(kLatinABase[c - 0x100]);
  if (c == 0x3AC) return 0x3B1;
  if (c == 0x3AD) return 0x3B5;
  if (c == 0x3AE) return 0x3B7;
  if (c == 0x3AF) return 0x3B9;
  if (c == 0x3CC) return 0x3BF;
  if (c == 0x3CD) return 0x3C5;
  if (c == 0x3CE) return 0x3C9;
  if (c == 0x3C2) return 0x3C3;  // final sigma
  if (c == 0x451) return 0x435;  // ё
  return c;
}

char32_t fold_second(char32_t c) {
  switch (c) {
    case 0xDF:
      return 's';  // ß → ss
    case 0xC6:
    case 0xE6:
      return 'e';  // æ → ae
    case 0x132:
    case 0x133:
      return 'j';  // ĳ → ij
    case 0x152:
    case 0x153:
      return 'e';  // œ → oe
    case 0xDE:
    case 0xFE:
      return 'h';  // þ → th
    default:
      return 0;
  }
}

}  // namespace tocsin::cel
