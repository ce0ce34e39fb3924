#pragma once

#include <optional>
#include <string_view>

#include "rules/cel/frame.h"
#include "rules/cel/value.h"

namespace tocsin::cel {

// How two values of kinds that have an order stand; kUnordered when one is NaN.
enum class Order : uint8_t { kLess, kEqual, kGreater, kUnordered };

// Heterogeneous equality: numbers of any kind on one number line, everything else equal only
// within its kind. False also when the frame's budget ends (frame.error is then set).
bool equal(const Value& a, const Value& b, Frame& frame);
bool equal_numbers(const Value& a, const Value& b);

// nullopt when the kinds have no common order.
std::optional<Order> compare(const Value& a, const Value& b);

inline bool is_number(Kind kind) {
  return kind == Kind::kInt || kind == Kind::kUint || kind == Kind::kDouble;
}
inline bool is_key(Kind kind) {
  return kind == Kind::kBool || kind == Kind::kInt || kind == Kind::kUint || kind == Kind::kString;
}

// The order of entries in a map; both are keys.
bool key_less(const Value& a, const Value& b);

// The value under `key`, which may be of any kind (1, 1u and 1.0 find the same entry); nullptr
// when there is none.
const Value* find_entry(std::span<const Entry> entries, const Value& key);

// Sorts by key. False (kBadKey) when a key is not one or comes twice.
bool finish_map(std::span<Entry> entries, Frame& frame);

// "int", "google.protobuf.Timestamp": what type(x) gives.
std::string_view type_name(Kind kind);

}  // namespace tocsin::cel
