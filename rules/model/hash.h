#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace tocsin {

// 128 bits, so that a false match among 10^9 live ids has odds of about 10^-21 (storage-level
// identity: event ids, group keys, alert ids).
struct Hash128 {
  uint64_t high = 0;
  uint64_t low = 0;
  friend auto operator<=>(const Hash128&, const Hash128&) = default;

  template <typename H>
  friend H AbslHashValue(H h, const Hash128& value) {
    return H::combine(std::move(h), value.low);  // the bits are already mixed
  }
};

// Stable over versions, machines and processes: part of the persistent format. The algorithm is
// 128-bit MurmurHash3 (x64), by Austin Appleby, public domain.
Hash128 hash128(std::string_view bytes, uint64_t seed = 0);

// Identity of an event over its revisions: its source's name and its id. `source_seed` is
// hash128(name).low, which a caller with many events of one source keeps.
inline Hash128 event_key(uint64_t source_seed, std::string_view id) {
  return hash128(id, source_seed);
}
inline Hash128 event_key(std::string_view source, std::string_view id) {
  return event_key(hash128(source).low, id);
}

// 32 lower-case hex digits, and back (false when `text` is not that).
std::string to_hex(Hash128 hash);
bool from_hex(std::string_view text, Hash128& hash);

}  // namespace tocsin

template <>
struct std::hash<tocsin::Hash128> {
  size_t operator()(const tocsin::Hash128& h) const noexcept { return static_cast<size_t>(h.low); }
};
