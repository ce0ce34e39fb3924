#include "storage/crc32c.h"

#include <array>
#include <cstring>

namespace tocsin::storage {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78;  // reflected

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    table[i] = crc;
  }
  return table;
}

constexpr std::array<uint32_t, 256> kTable = make_table();

uint32_t extend_by_table(uint32_t crc, const char* at, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    crc = kTable[(crc ^ static_cast<uint8_t>(at[i])) & 0xFF] ^ (crc >> 8);
  }
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t extend_by_instruction(uint32_t crc, const char* at,
                                                                 size_t count) {
  uint64_t wide = crc;
  for (; count >= 8; count -= 8, at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, at, 8);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  crc = static_cast<uint32_t>(wide);
  for (; count > 0; --count, ++at) {
    crc = __builtin_ia32_crc32qi(crc, static_cast<unsigned char>(*at));
  }
  return crc;
}

bool has_instruction() { return __builtin_cpu_supports("sse4.2") != 0; }
#endif

}  // namespace

uint32_t crc32c(std::string_view bytes, uint32_t before) {
  const uint32_t crc = ~before;
#if defined(__x86_64__)
  static const bool kFast = has_instruction();
  if (kFast) return ~extend_by_instruction(crc, bytes.data(), bytes.size());
#endif
  return ~extend_by_table(crc, bytes.data(), bytes.size());
}

}  // namespace tocsin::storage
