#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "rules/model/hash.h"

// Numbers as bytes: varints and fixed widths, little endian in values, big endian in keys (so that
// keys sort as numbers do). Part of the persistent format.
namespace tocsin::storage {

// Makes small numbers of either sign small: 0, -1, 1, -2 … become 0, 1, 2, 3 …
inline uint64_t zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
inline int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
}
// Differences wrap around, so that they are exact for any two numbers.
inline int64_t wrapping_difference(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
inline int64_t wrapping_sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

inline constexpr size_t kMaxVarintBytes = 10;

// Writes 7 bits a byte, lowest first; the caller has room for kMaxVarintBytes. Gives the end.
inline char* write_varint(char* to, uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<char>(value);
  return to;
}

template <typename Integer>
char* write_little(char* to, Integer value) {
  static_assert(std::endian::native == std::endian::little, "the format is little endian");
  std::memcpy(to, &value, sizeof value);
  return to + sizeof value;
}

inline char* write_bytes(char* to, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

// The same at the end of a string, for records that are written seldom.
inline void put_varint(std::string& to, uint64_t value) {
  char bytes[kMaxVarintBytes];
  to.append(bytes, static_cast<size_t>(write_varint(bytes, value) - bytes));
}
template <typename Integer>
void put_little(std::string& to, Integer value) {
  char bytes[sizeof value];
  write_little(bytes, value);
  to.append(bytes, sizeof value);
}
template <typename Integer>
void put_big(std::string& to, Integer value) {
  for (size_t i = sizeof value; i-- > 0;) to.push_back(static_cast<char>(value >> (8 * i)));
}
inline void put_text(std::string& to, std::string_view text) {
  put_varint(to, text.size());
  to.append(text);
}
inline void put_hash(std::string& to, Hash128 hash) {
  put_big(to, hash.high);
  put_big(to, hash.low);
}

// Reads what the above wrote. Reading past the end gives zeros and clears ok(), so that a decoder
// checks once at its end; nothing outside the bytes is ever touched.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool ok() const { return ok_; }
  bool at_end() const { return at_ == end_; }
  size_t left() const { return static_cast<size_t>(end_ - at_); }

  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) return fail();
      const auto byte = static_cast<uint8_t>(*at_++);
      if (shift == 63 && byte > 1) return fail();
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    return fail();
  }
  int64_t signed_varint() { return unzigzag(varint()); }

  template <typename Integer>
  Integer little() {
    Integer value{};
    const std::string_view from = bytes(sizeof value);
    if (!from.empty()) std::memcpy(&value, from.data(), sizeof value);
    return value;
  }
  template <typename Integer>
  Integer big() {
    uint64_t value = 0;
    for (const char byte : bytes(sizeof(Integer))) value = value << 8 | static_cast<uint8_t>(byte);
    return static_cast<Integer>(value);
  }
  Hash128 hash() {
    Hash128 value;
    value.high = big<uint64_t>();
    value.low = big<uint64_t>();
    return value;
  }
  std::string_view bytes(uint64_t count) {
    if (count > left()) {
      fail();
      return {};
    }
    const std::string_view found(at_, static_cast<size_t>(count));
    at_ += count;
    return found;
  }
  std::string_view text() { return bytes(varint()); }
  std::string_view rest() { return bytes(left()); }

 private:
  uint64_t fail() {
    ok_ = false;
    at_ = end_;
    return 0;
  }

  const char* at_;
  const char* end_;
  bool ok_ = true;
};

// Growing bytes whose memory is kept over clear(); unlike a string it does not zero what it hands
// out.
class ByteBuffer {
 public:
  // Room for `count` bytes at the end; what is used of it is told by advance_to().
  char* room(size_t count) {
    if (size_ + count > capacity_) grow(size_ + count);
    return bytes_.get() + size_;
  }
  void advance_to(const char* end) { size_ = static_cast<size_t>(end - bytes_.get()); }
  void append(std::string_view text) { advance_to(write_bytes(room(text.size()), text)); }
  void clear() { size_ = 0; }
  size_t size() const { return size_; }
  char* data() { return bytes_.get(); }
  const char* data() const { return bytes_.get(); }
  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  void grow(size_t at_least) {
    size_t capacity = capacity_ == 0 ? 4096 : capacity_;
    while (capacity < at_least) capacity *= 2;
    auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
    if (size_ != 0) std::memcpy(bytes.get(), bytes_.get(), size_);
    bytes_ = std::move(bytes);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace tocsin::storage
