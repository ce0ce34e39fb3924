#include <cmath>

#include "rules/cel/call.h"
#include "rules/cel/value_ops.h"

namespace tocsin::cel {
namespace {

std::string_view symbol(Builtin builtin) {
  switch (builtin) {
    case Builtin::kNegate:
      return "-";
    case Builtin::kAdd:
      return "+";
    case Builtin::kSubtract:
      return "-";
    case Builtin::kMultiply:
      return "*";
    case Builtin::kDivide:
      return "/";
    case Builtin::kRemainder:
      return "%";
    default:
      return "abs";  // the only other one that comes here
  }
}

bool overflow(Frame& frame) { return frame.fail(EvalError::kOverflow, "integer overflow"); }
bool zero(Frame& frame, Builtin builtin) {
  return frame.fail(EvalError::kDivisionByZero, builtin == Builtin::kDivide
                                                    ? "division by zero"
                                                    : "remainder of a division by zero");
}

bool int_arithmetic(Builtin builtin, Frame& frame, int64_t a, int64_t b, Value& out) {
  int64_t result = 0;
  bool over = false;
  switch (builtin) {
    case Builtin::kAdd:
      over = __builtin_add_overflow(a, b, &result);
      break;
    case Builtin::kSubtract:
      over = __builtin_sub_overflow(a, b, &result);
      break;
    case Builtin::kMultiply:
      over = __builtin_mul_overflow(a, b, &result);
      break;
    default:  // kDivide, kRemainder
      if (b == 0) return zero(frame, builtin);
      // The one quotient that does not fit; the remainder is as impossible for the processor.
      over = a == INT64_MIN && b == -1;
      if (!over) result = builtin == Builtin::kDivide ? a / b : a % b;
  }
  if (over) return overflow(frame);
  out = Value::of_int(result);
  return true;
}

bool uint_arithmetic(Builtin builtin, Frame& frame, uint64_t a, uint64_t b, Value& out) {
  uint64_t result = 0;
  bool over = false;
  switch (builtin) {
    case Builtin::kAdd:
      over = __builtin_add_overflow(a, b, &result);
      break;
    case Builtin::kSubtract:
      over = __builtin_sub_overflow(a, b, &result);
      break;
    case Builtin::kMultiply:
      over = __builtin_mul_overflow(a, b, &result);
      break;
    default:  // kDivide, kRemainder
      if (b == 0) return zero(frame, builtin);
      result = builtin == Builtin::kDivide ? a / b : a % b;
  }
  if (over) return overflow(frame);
  out = Value::of_uint(result);
  return true;
}

bool double_arithmetic(Builtin builtin, Frame& frame, std::span<const Value> args, Value& out) {
  const double a = args[0].real();
  const double b = args[1].real();
  switch (builtin) {
    case Builtin::kAdd:
      out = Value::of_double(a + b);
      return true;
    case Builtin::kSubtract:
      out = Value::of_double(a - b);
      return true;
    case Builtin::kMultiply:
      out = Value::of_double(a * b);
      return true;
    case Builtin::kDivide:
      out = Value::of_double(a / b);
      return true;
    default:
      return no_overload(symbol(builtin), frame, args);  // % is of whole numbers only
  }
}

bool give_duration(Frame& frame, int64_t seconds, int64_t nanos, Value& out) {
  const std::optional<Value> made = make_duration(seconds, nanos);
  if (!made) return frame.fail(EvalError::kOverflow, "duration out of range");
  out = *made;
  return true;
}
bool give_timestamp(Frame& frame, int64_t seconds, int64_t nanos, Value& out) {
  const std::optional<Value> made = make_timestamp(seconds, nanos);
  if (!made) return frame.fail(EvalError::kOverflow, "timestamp out of range");
  out = *made;
  return true;
}

bool difference(Frame& frame, const Value& a, const Value& b, Value& out) {
  const int64_t seconds = a.seconds() - b.seconds();  // both within 10,000 years
  const int64_t nanos = int64_t{a.nanos()} - b.nanos();
  // As CEL defines it: a difference must fit into 64 bits of nanoseconds, about 292 years.
  const Int128 total = Int128{seconds} * 1'000'000'000 + nanos;
  if (total > INT64_MAX || total < INT64_MIN) {
    return frame.fail(EvalError::kOverflow, "the timestamps are more than 292 years apart");
  }
  return give_duration(frame, seconds, nanos, out);
}

bool time_arithmetic(Builtin builtin, Frame& frame, std::span<const Value> args, Value& out) {
  const Value& a = args[0];
  const Value& b = args[1];
  const bool add = builtin == Builtin::kAdd;
  if (!add && builtin != Builtin::kSubtract) return no_overload(symbol(builtin), frame, args);
  if (b.kind() == Kind::kDuration) {
    const int64_t sign = add ? 1 : -1;
    const int64_t seconds = a.seconds() + sign * b.seconds();
    const int64_t nanos = a.nanos() + sign * b.nanos();
    if (a.kind() == Kind::kTimestamp) return give_timestamp(frame, seconds, nanos, out);
    return give_duration(frame, seconds, nanos, out);
  }
  if (add && a.kind() == Kind::kDuration) {  // duration + timestamp
    return give_timestamp(frame, a.seconds() + b.seconds(), int64_t{a.nanos()} + b.nanos(), out);
  }
  if (!add && a.kind() == Kind::kTimestamp) return difference(frame, a, b, out);
  return no_overload(symbol(builtin), frame, args);
}

bool concatenate(Frame& frame, std::span<const Value> args, Value& out) {
  const Value& a = args[0];
  const Value& b = args[1];
  if (a.kind() == Kind::kList) {
    const size_t total = a.items().size() + b.items().size();
    if (!frame.spend(total)) return false;
    const std::span<Value> items = frame.arena->array<Value>(total);
    size_t at = 0;
    for (const Value& item : a.items()) items[at++] = item;
    for (const Value& item : b.items()) items[at++] = item;
    out = Value::of_list(items);
    return true;
  }
  if (!frame.spend((a.text().size() + b.text().size()) / kBytesPerStep)) return false;
  const std::string_view joined = join_texts(frame, {a.text(), b.text()});
  out = a.kind() == Kind::kString ? Value::of_string(joined) : Value::of_bytes(joined);
  return true;
}

bool is_time(const Value& value) {
  return value.kind() == Kind::kTimestamp || value.kind() == Kind::kDuration;
}

bool negate(Frame& frame, std::span<const Value> args, Value& out) {
  if (args[0].kind() == Kind::kDouble) {
    out = Value::of_double(-args[0].real());
    return true;
  }
  if (args[0].kind() != Kind::kInt) return no_overload("-", frame, args);
  if (args[0].integer() == INT64_MIN) return overflow(frame);
  out = Value::of_int(-args[0].integer());
  return true;
}

bool absolute(Frame& frame, std::span<const Value> args, Value& out) {
  if (args[0].kind() == Kind::kDouble) {
    out = Value::of_double(std::fabs(args[0].real()));
    return true;
  }
  if (args[0].kind() != Kind::kInt) return no_overload("abs", frame, args);
  if (args[0].integer() >= 0) {
    out = args[0];
    return true;
  }
  return negate(frame, args, out);
}

}  // namespace

bool call_arithmetic(Builtin builtin, Frame& frame, std::span<const Value> args, Value& out) {
  if (builtin == Builtin::kNegate) return negate(frame, args, out);
  if (builtin == Builtin::kAbs) return absolute(frame, args, out);
  const Value& a = args[0];
  const Value& b = args[1];
  if (is_time(a) && is_time(b)) return time_arithmetic(builtin, frame, args, out);
  if (a.kind() != b.kind()) return no_overload(symbol(builtin), frame, args);
  switch (a.kind()) {
    case Kind::kInt:
      return int_arithmetic(builtin, frame, a.integer(), b.integer(), out);
    case Kind::kUint:
      return uint_arithmetic(builtin, frame, a.unsigned_integer(), b.unsigned_integer(), out);
    case Kind::kDouble:
      return double_arithmetic(builtin, frame, args, out);
    case Kind::kString:
    case Kind::kBytes:
    case Kind::kList:
      if (builtin == Builtin::kAdd) return concatenate(frame, args, out);
      return no_overload(symbol(builtin), frame, args);
    case Kind::kNull:
    case Kind::kBool:
    case Kind::kMap:
    case Kind::kTimestamp:
    case Kind::kDuration:
    case Kind::kType:
      return no_overload(symbol(builtin), frame, args);
  }
  return no_overload(symbol(builtin), frame, args);
}

}  // namespace tocsin::cel
