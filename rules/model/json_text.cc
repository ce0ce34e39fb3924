#include "rules/model/json_text.h"

namespace tocsin {

void append_json_string(std::string& to, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  to += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        to += "\\\"";
        break;
      case '\\':
        to += "\\\\";
        break;
      case '\n':
        to += "\\n";
        break;
      case '\r':
        to += "\\r";
        break;
      case '\t':
        to += "\\t";
        break;
      default:
        if (const auto byte = static_cast<unsigned char>(c); byte < 0x20) {
          to += "\\u00";
          to += kDigits[byte >> 4];
          to += kDigits[byte & 15];
        } else {
          to += c;
        }
    }
  }
  to += '"';
}

std::string json_string(std::string_view text) {
  std::string to;
  append_json_string(to, text);
  return to;
}

}  // namespace tocsin
