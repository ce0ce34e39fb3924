#include "rules/cel/value_ops.h"

#include <algorithm>
#include <cmath>

namespace tocsin::cel {
namespace {

Order order_of(auto a, auto b) {
  if (a < b) return Order::kLess;
  if (b < a) return Order::kGreater;
  return a == b ? Order::kEqual : Order::kUnordered;
}

Order compare_int_double(int64_t a, double b) {
  if (std::isnan(b)) return Order::kUnordered;
  // 2^63 stands for the largest int, which has no double of its own: so CEL's suite wants it.
  if (b == 9223372036854775808.0 && a == INT64_MAX) return Order::kEqual;
  if (b >= 9223372036854775808.0) return Order::kLess;
  if (b < -9223372036854775808.0) return Order::kGreater;
  const auto whole = static_cast<int64_t>(b);  // exact: cut towards zero
  if (a != whole) return order_of(a, whole);
  return order_of(0.0, b - std::trunc(b));
}

Order compare_uint_double(uint64_t a, double b) {
  if (std::isnan(b)) return Order::kUnordered;
  if (b >= 18446744073709551616.0) return Order::kLess;
  if (b < 0) return Order::kGreater;
  const auto whole = static_cast<uint64_t>(b);
  if (a != whole) return order_of(a, whole);
  return order_of(0.0, b - std::trunc(b));
}

Order compare_int_uint(int64_t a, uint64_t b) {
  if (a < 0) return Order::kLess;
  return order_of(static_cast<uint64_t>(a), b);
}

Order flip(Order order) {
  if (order == Order::kLess) return Order::kGreater;
  return order == Order::kGreater ? Order::kLess : order;
}

Order compare_numbers(const Value& a, const Value& b) {
  if (a.kind() == b.kind()) {
    if (a.kind() == Kind::kInt) return order_of(a.integer(), b.integer());
    if (a.kind() == Kind::kUint) return order_of(a.unsigned_integer(), b.unsigned_integer());
    return order_of(a.real(), b.real());
  }
  if (a.kind() == Kind::kInt && b.kind() == Kind::kUint) {
    return compare_int_uint(a.integer(), b.unsigned_integer());
  }
  if (a.kind() == Kind::kInt) return compare_int_double(a.integer(), b.real());
  if (a.kind() == Kind::kUint && b.kind() == Kind::kDouble) {
    return compare_uint_double(a.unsigned_integer(), b.real());
  }
  return flip(compare_numbers(b, a));
}

bool equal_lists(std::span<const Value> a, std::span<const Value> b, Frame& frame) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!equal(a[i], b[i], frame)) return false;
  }
  return true;
}

bool equal_maps(std::span<const Entry> a, std::span<const Entry> b, Frame& frame) {
  if (a.size() != b.size()) return false;
  for (const Entry& entry : a) {
    const Value* other = find_entry(b, entry.key);
    if (other == nullptr || !equal(entry.value, *other, frame)) return false;
  }
  return true;
}

int key_rank(Kind kind) {
  switch (kind) {
    case Kind::kBool:
      return 0;
    case Kind::kInt:
      return 1;
    case Kind::kUint:
      return 2;
    default:
      return 3;  // a string; other kinds are no keys
  }
}

const Value* find_exact(std::span<const Entry> entries, const Value& key) {
  const auto found =
      std::lower_bound(entries.begin(), entries.end(), key,
                       [](const Entry& e, const Value& k) { return key_less(e.key, k); });
  if (found == entries.end() || key_less(key, found->key)) return nullptr;
  return &found->value;
}

}  // namespace

bool equal_numbers(const Value& a, const Value& b) {
  return compare_numbers(a, b) == Order::kEqual;
}

bool equal(const Value& a, const Value& b, Frame& frame) {
  if (!frame.spend(1)) return false;
  if (a.kind() != b.kind()) {
    return is_number(a.kind()) && is_number(b.kind()) && equal_numbers(a, b);
  }
  switch (a.kind()) {
    case Kind::kNull:
      return true;
    case Kind::kBool:
      return a.boolean() == b.boolean();
    case Kind::kInt:
      return a.integer() == b.integer();
    case Kind::kUint:
      return a.unsigned_integer() == b.unsigned_integer();
    case Kind::kDouble:
      return order_of(a.real(), b.real()) == Order::kEqual;
    case Kind::kString:
    case Kind::kBytes:
    case Kind::kType:
      return a.text() == b.text();
    case Kind::kTimestamp:
    case Kind::kDuration:
      return a.seconds() == b.seconds() && a.nanos() == b.nanos();
    case Kind::kList:
      return equal_lists(a.items(), b.items(), frame);
    case Kind::kMap:
      return equal_maps(a.entries(), b.entries(), frame);
  }
  return false;
}

std::optional<Order> compare(const Value& a, const Value& b) {
  if (is_number(a.kind()) && is_number(b.kind())) return compare_numbers(a, b);
  if (a.kind() != b.kind()) return std::nullopt;
  switch (a.kind()) {
    case Kind::kBool:
      return order_of(a.boolean(), b.boolean());
    case Kind::kString:
    case Kind::kBytes:
      return order_of(a.text(), b.text());  // bytes of UTF-8 sort as code points
    case Kind::kTimestamp:
    case Kind::kDuration:
      if (a.seconds() != b.seconds()) return order_of(a.seconds(), b.seconds());
      return order_of(a.nanos(), b.nanos());
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kDouble:
    case Kind::kNull:
    case Kind::kList:
    case Kind::kMap:
    case Kind::kType:
      return std::nullopt;
  }
  return std::nullopt;
}

bool key_less(const Value& a, const Value& b) {
  const int rank_a = key_rank(a.kind());
  const int rank_b = key_rank(b.kind());
  if (rank_a != rank_b) return rank_a < rank_b;
  switch (a.kind()) {
    case Kind::kBool:
      return !a.boolean() && b.boolean();
    case Kind::kInt:
      return a.integer() < b.integer();
    case Kind::kUint:
      return a.unsigned_integer() < b.unsigned_integer();
    default:
      return a.text() < b.text();  // a string
  }
}

const Value* find_entry(std::span<const Entry> entries, const Value& key) {
  switch (key.kind()) {
    case Kind::kBool:
    case Kind::kString:
      return find_exact(entries, key);
    case Kind::kInt:
      if (const Value* found = find_exact(entries, key)) return found;
      if (key.integer() < 0) return nullptr;
      return find_exact(entries, Value::of_uint(static_cast<uint64_t>(key.integer())));
    case Kind::kUint:
      if (const Value* found = find_exact(entries, key)) return found;
      if (key.unsigned_integer() > INT64_MAX) return nullptr;
      return find_exact(entries, Value::of_int(static_cast<int64_t>(key.unsigned_integer())));
    case Kind::kDouble: {
      const double real = key.real();
      if (std::trunc(real) != real) return nullptr;
      if (real >= -9223372036854775808.0 && real < 9223372036854775808.0) {
        return find_entry(entries, Value::of_int(static_cast<int64_t>(real)));
      }
      if (real >= 0 && real < 18446744073709551616.0) {
        return find_exact(entries, Value::of_uint(static_cast<uint64_t>(real)));
      }
      return nullptr;
    }
    case Kind::kNull:
    case Kind::kBytes:
    case Kind::kList:
    case Kind::kMap:
    case Kind::kTimestamp:
    case Kind::kDuration:
    case Kind::kType:
      return nullptr;
  }
  return nullptr;
}

bool finish_map(std::span<Entry> entries, Frame& frame) {
  for (const Entry& entry : entries) {
    if (!is_key(entry.key.kind())) {
      return frame.fail(EvalError::kBadKey, "a map key must be a string, an int, a uint or a bool");
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return key_less(a.key, b.key); });
  for (size_t i = 0; i < entries.size(); ++i) {
    const Value& key = entries[i].key;
    bool twice = i > 0 && !key_less(entries[i - 1].key, key);
    if (key.kind() == Kind::kUint && key.unsigned_integer() <= INT64_MAX) {
      const Value as_int = Value::of_int(static_cast<int64_t>(key.unsigned_integer()));
      twice = twice || find_exact(entries.first(i), as_int) != nullptr;
    }
    if (twice) return frame.fail(EvalError::kBadKey, "a map key comes twice");
  }
  return true;
}

std::string_view type_name(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "null_type";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kUint:
      return "uint";
    case Kind::kDouble:
      return "double";
    case Kind::kString:
      return "string";
    case Kind::kBytes:
      return "bytes";
    case Kind::kList:
      return "list";
    case Kind::kMap:
      return "map";
    case Kind::kTimestamp:
      return "google.protobuf.Timestamp";
    case Kind::kDuration:
      return "google.protobuf.Duration";
    case Kind::kType:
      return "type";
  }
  return "dyn";
}

}  // namespace tocsin::cel
