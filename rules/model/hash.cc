#include "rules/model/hash.h"

#include <array>
#include <bit>
#include <cstring>

namespace tocsin {
namespace {

constexpr uint64_t kC1 = 0x87c37b91114253d5ULL;
constexpr uint64_t kC2 = 0x4cf5ad432745937fULL;

uint64_t load64(const char* from) {
  uint64_t value = 0;
  std::memcpy(&value, from, sizeof value);
  if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap64(value);
  return value;
}

uint64_t finish(uint64_t k) {
  k ^= k >> 33;
  k *= 0xff51afd7ed558ccdULL;
  k ^= k >> 33;
  k *= 0xc4ceb9fe1a85ec53ULL;
  k ^= k >> 33;
  return k;
}

uint64_t scramble1(uint64_t k) { return std::rotl(k * kC1, 31) * kC2; }
uint64_t scramble2(uint64_t k) { return std::rotl(k * kC2, 33) * kC1; }

}  // namespace

Hash128 hash128(std::string_view bytes, uint64_t seed) {
  uint64_t h1 = seed;
  uint64_t h2 = seed;
  const size_t blocks = bytes.size() / 16;
  for (size_t i = 0; i < blocks; ++i) {
    const char* block = bytes.data() + i * 16;
    h1 = (std::rotl(h1 ^ scramble1(load64(block)), 27) + h2) * 5 + 0x52dce729;
    h2 = (std::rotl(h2 ^ scramble2(load64(block + 8)), 31) + h1) * 5 + 0x38495ab5;
  }
  std::array<char, 16> tail{};
  const size_t left = bytes.size() - blocks * 16;
  if (left != 0) std::memcpy(tail.data(), bytes.data() + blocks * 16, left);
  if (left > 8) h2 ^= scramble2(load64(tail.data() + 8));
  if (left > 0) h1 ^= scramble1(load64(tail.data()));
  h1 ^= bytes.size();
  h2 ^= bytes.size();
  h1 += h2;
  h2 += h1;
  h1 = finish(h1);
  h2 = finish(h2);
  h1 += h2;
  h2 += h1;
  return {h1, h2};
}

std::string to_hex(Hash128 hash) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(32, '0');
  for (size_t i = 0; i < 16; ++i) {
    text[15 - i] = kDigits[(hash.high >> (4 * i)) & 15];
    text[31 - i] = kDigits[(hash.low >> (4 * i)) & 15];
  }
  return text;
}

bool from_hex(std::string_view text, Hash128& hash) {
  if (text.size() != 32) return false;
  std::array<uint64_t, 2> words{};
  for (size_t i = 0; i < 32; ++i) {
    const char c = text[i];
    uint64_t digit = 0;
    if (c >= '0' && c <= '9')
      digit = static_cast<uint64_t>(c - '0');
    else if (c >= 'a' && c <= 'f')
      digit = static_cast<uint64_t>(c - 'a') + 10;
    else
      return false;
    words[i / 16] = words[i / 16] << 4 | digit;
  }
  hash = {words[0], words[1]};
  return true;
}

}  // namespace tocsin
