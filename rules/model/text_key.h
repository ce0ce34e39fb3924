#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tocsin {

// Hash and equality for hash tables keyed by short texts (names, words of a list): a few loads and
// one multiplication, no call. For memory only: the hash differs between machines and versions.
// Not for tables that strangers can fill without bound: collisions can be constructed.
namespace text_key {

template <typename T>
T load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline uint64_t mix(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// The first and last bytes of a text of up to 16: two loads that may overlap.
inline void ends_of(std::string_view text, uint64_t& a, uint64_t& b) {
  const char* const first = text.data();
  const size_t size = text.size();
  if (size >= 8) {
    a = load<uint64_t>(first);
    b = load<uint64_t>(first + size - 8);
  } else if (size >= 4) {
    a = load<uint32_t>(first);
    b = load<uint32_t>(first + size - 4);
  } else if (size > 0) {
    a = static_cast<uint64_t>(static_cast<unsigned char>(first[0])) << 16 |
        static_cast<uint64_t>(static_cast<unsigned char>(first[size / 2])) << 8 |
        static_cast<unsigned char>(first[size - 1]);
    b = 0;
  } else {
    a = 0;
    b = 0;
  }
}

}  // namespace text_key

inline uint64_t hash_text(std::string_view text) {
  constexpr uint64_t kOdd1 = 0x9E3779B97F4A7C15;  // 2^64 divided by the golden ratio
  constexpr uint64_t kOdd2 = 0xD6E8FEB86659FD93;
  uint64_t state = kOdd1 ^ text.size();
  while (text.size() > 16) {
    state = text_key::mix(state ^ text_key::load<uint64_t>(text.data()),
                          kOdd2 ^ text_key::load<uint64_t>(text.data() + 8));
    text.remove_prefix(16);
  }
  uint64_t a;
  uint64_t b;
  text_key::ends_of(text, a, b);
  return text_key::mix(state ^ a, kOdd2 ^ b);
}

inline bool same_text(std::string_view x, std::string_view y) {
  if (x.size() != y.size()) return false;
  if (x.size() > 16) return std::memcmp(x.data(), y.data(), x.size()) == 0;
  uint64_t xa;
  uint64_t xb;
  uint64_t ya;
  uint64_t yb;
  text_key::ends_of(x, xa, xb);
  text_key::ends_of(y, ya, yb);
  return xa == ya && xb == yb;
}

struct TextHash {
  size_t operator()(std::string_view text) const { return hash_text(text); }
};
struct SameText {
  bool operator()(std::string_view x, std::string_view y) const { return same_text(x, y); }
};

}  // namespace tocsin
