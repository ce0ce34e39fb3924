#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "rules/model/hash.h"
#include "rules/model/time.h"

// Bytes of saved engine state: little-endian, no padding. Part of the persistent format; every
// entry begins with a version (kStateVersion) and ends with a seal, so that an engine never goes on
// with a state that nobody had.
namespace tocsin::rules {

// A change of any layout raises it; entries of another version are not taken back. 2: alerts keep
// the highest TLP of their episode; 3: and when they last stepped down; 4: and their turns; index
// groups when what is left of them was marked; 5: sources how far rules had come when they joined,
// rules when they refused last, groups when they began; 6: sources their partitions, groups whether
// they were due; 7: entries are sealed; 8: imprecise dates count in the middle of their span; 9: of
// alerts that were told long ago the last number is kept; 10: what was told long ago is forgotten
// after each revision too.
inline constexpr uint8_t kStateVersion = 10;

// What the keys of a rule's saved groups begin with; their key texts follow.
inline constexpr char kGroupEntry = 'g';
inline constexpr char kRuleEntry = 'r';
inline std::string group_prefix(std::string_view identity) {
  std::string prefix(1, kGroupEntry);
  prefix += identity;
  prefix += '\0';
  return prefix;
}

// Of the bytes under that key.
inline uint64_t seal_of(std::string_view key, std::string_view bytes) {
  return hash128(bytes, hash128(key).low).low;
}
// The bytes with their seal.
inline std::string_view sealed(std::string_view key, std::string& bytes) {
  const uint64_t seal = seal_of(key, bytes);
  bytes.append(reinterpret_cast<const char*>(&seal), sizeof seal);
  return bytes;
}
// Takes the seal off; false when these bytes were not written under that key.
inline bool unseal(std::string_view key, std::string_view& value) {
  uint64_t seal = 0;
  if (value.size() < sizeof seal) return false;
  std::memcpy(&seal, value.data() + value.size() - sizeof seal, sizeof seal);
  value.remove_suffix(sizeof seal);
  return seal == seal_of(key, value);
}

// Thread-safety: one thread at a time.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}
  void u8(uint8_t v) { raw(v); }
  void u16(uint16_t v) { raw(v); }
  void u32(uint32_t v) { raw(v); }
  void u64(uint64_t v) { raw(v); }
  void i64(int64_t v) { raw(v); }
  void f64(double v) { raw(v); }
  void time(EventTime t) { raw(to_ms(t)); }
  void hash(Hash128 h) {
    raw(h.high);
    raw(h.low);
  }
  void text(std::string_view v) {
    u32(static_cast<uint32_t>(v.size()));
    out_.append(v);
  }

 private:
  template <typename T>
  void raw(T v) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &v, sizeof(T));
    out_.append(bytes, sizeof(T));
  }
  std::string& out_;
};

// After a read beyond the end everything reads as zero and ok() is false.
class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : in_(in) {}
  uint8_t u8() { return raw<uint8_t>(); }
  uint16_t u16() { return raw<uint16_t>(); }
  uint32_t u32() { return raw<uint32_t>(); }
  uint64_t u64() { return raw<uint64_t>(); }
  int64_t i64() { return raw<int64_t>(); }
  double f64() { return raw<double>(); }
  EventTime time() { return from_ms(raw<int64_t>()); }
  Hash128 hash() {
    Hash128 h;
    h.high = u64();
    h.low = u64();
    return h;
  }
  std::string_view text() {
    const uint32_t size = u32();
    if (in_.size() < size) {
      fail();
      return {};
    }
    const std::string_view v = in_.substr(0, size);
    in_.remove_prefix(size);
    return v;
  }
  // A count of things that take at least one byte each; 0 when there cannot be so many.
  uint32_t count() {
    const uint32_t n = u32();
    if (n <= in_.size()) return n;
    fail();
    return 0;
  }
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && in_.empty(); }

 private:
  template <typename T>
  T raw() {
    T v{};
    if (in_.size() < sizeof(T)) {
      fail();
      return v;
    }
    std::memcpy(&v, in_.data(), sizeof(T));
    in_.remove_prefix(sizeof(T));
    return v;
  }
  void fail() {
    ok_ = false;
    in_ = {};
  }
  std::string_view in_;
  bool ok_ = true;
};

}  // namespace tocsin::rules
