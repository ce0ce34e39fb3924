#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>

namespace tocsin::ingest {

// A number of up to 15 digits without exponent, as most are; anything else has is_plain false.
// `decimals` of them are behind the point, 0 without one.
struct PlainNumber {
  bool is_plain = false;
  int64_t digits = 0;
  unsigned decimals = 0;

  // Exact: digits and powers of ten up to 10^22 are doubles themselves, so that one division rounds
  // once (W. D. Clinger, How to read floating point numbers accurately, 1990).
  double value() const {
    constexpr std::array<double, 16> kPowers = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    return static_cast<double>(digits) / kPowers[decimals];
  }
};

inline PlainNumber plain_number(std::string_view token) {
  constexpr size_t kMostBytes = 17;  // 15 digits, sign and point
  PlainNumber number;
  const bool is_negative = !token.empty() && token.front() == '-';
  const std::string_view text = token.substr(is_negative ? 1 : 0);
  if (text.empty() || token.size() > kMostBytes) return number;
  const bool leads_with_zero = text.front() == '0' && text.size() > 1 && text[1] != '.';
  size_t point = text.size();
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned digit = static_cast<unsigned>(text[i]) - '0';
    if (digit <= 9) {
      number.digits = number.digits * 10 + digit;
    } else if (text[i] == '.' && point == text.size()) {
      point = i;
    } else {
      return number;
    }
  }
  const bool has_point = point != text.size();
  const size_t count = text.size() - (has_point ? 1 : 0);
  number.decimals = has_point ? static_cast<unsigned>(text.size() - point - 1) : 0;
  // -0 keeps its sign as a double only, so that it is not plain.
  number.is_plain = count <= 15 && !leads_with_zero && point != 0 &&
                    (!has_point || number.decimals > 0) && !(is_negative && number.digits == 0);
  if (is_negative) number.digits = -number.digits;
  return number;
}

// The double nearest to `token`, whose form has been checked; false if none is finite.
inline bool read_double(std::string_view token, double& out) {
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), out);
  return error == std::errc() && end == token.data() + token.size();
}

}  // namespace tocsin::ingest
