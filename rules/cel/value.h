#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "rules/model/arena.h"

namespace tocsin::cel {

enum class Kind : uint8_t {
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kList,
  kMap,
  kTimestamp,
  kDuration,
  kType,
};

struct Entry;

// A CEL value: 24 bytes, trivially copyable. Texts, lists and maps are views into an Arena, into
// the event, or into the program's constants; whoever made the value keeps those alive.
class Value {
 public:
  Value() = default;  // null
  static Value of_bool(bool v) {
    Value r(Kind::kBool);
    r.as_.boolean = v;
    return r;
  }
  static Value of_int(int64_t v) {
    Value r(Kind::kInt);
    r.as_.integer = v;
    return r;
  }
  static Value of_uint(uint64_t v) {
    Value r(Kind::kUint);
    r.as_.unsigned_integer = v;
    return r;
  }
  static Value of_double(double v) {
    Value r(Kind::kDouble);
    r.as_.real = v;
    return r;
  }
  static Value of_string(std::string_view v) { return of_text(Kind::kString, v); }
  static Value of_bytes(std::string_view v) { return of_text(Kind::kBytes, v); }
  static Value of_type(std::string_view name) { return of_text(Kind::kType, name); }
  static Value of_list(std::span<const Value> items) {
    Value r(Kind::kList);
    r.as_.text = {reinterpret_cast<const char*>(items.data()), items.size()};
    return r;
  }
  // Entries sorted by key (bool < int < uint < string, then by value), keys unique.
  static Value of_map(std::span<const Entry> entries) {
    Value r(Kind::kMap);
    r.as_.text = {reinterpret_cast<const char*>(entries.data()), entries.size()};
    return r;
  }
  // Seconds since the epoch and 0 <= nanos < 10^9.
  static Value of_timestamp(int64_t seconds, int32_t nanos) {
    return of_time(Kind::kTimestamp, seconds, nanos);
  }
  // Seconds and nanoseconds of the same sign.
  static Value of_duration(int64_t seconds, int32_t nanos) {
    return of_time(Kind::kDuration, seconds, nanos);
  }

  Kind kind() const { return kind_; }
  bool boolean() const { return as_.boolean; }
  int64_t integer() const { return as_.integer; }
  uint64_t unsigned_integer() const { return as_.unsigned_integer; }
  double real() const { return as_.real; }
  std::string_view text() const {
    return {as_.text.data, as_.text.size};
  }  // string, bytes, type name
  std::span<const Value> items() const;
  std::span<const Entry> entries() const;
  int64_t seconds() const { return as_.time.seconds; }
  int32_t nanos() const { return as_.time.nanos; }

 private:
  explicit Value(Kind kind) : kind_(kind) {}
  static Value of_text(Kind kind, std::string_view v) {
    Value r(kind);
    r.as_.text = {v.data(), v.size()};
    return r;
  }
  static Value of_time(Kind kind, int64_t s, int32_t n) {
    Value r(kind);
    r.as_.time = {s, n};
    return r;
  }

  union {
    bool boolean;
    int64_t integer;
    uint64_t unsigned_integer;
    double real;
    struct {
      const char* data;
      size_t size;
    } text;
    struct {
      int64_t seconds;
      int32_t nanos;
    } time;
  } as_{};
  Kind kind_ = Kind::kNull;
};

struct Entry {
  Value key;
  Value value;
};

inline std::span<const Value> Value::items() const {
  return {reinterpret_cast<const Value*>(as_.text.data), as_.text.size};
}
inline std::span<const Entry> Value::entries() const {
  return {reinterpret_cast<const Entry*>(as_.text.data), as_.text.size};
}

}  // namespace tocsin::cel
