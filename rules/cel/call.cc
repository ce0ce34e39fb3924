#include "rules/cel/call.h"

#include <algorithm>
#include <cstring>

#include "rules/cel/utf8.h"
#include "rules/cel/value_ops.h"

namespace tocsin::cel {
namespace {

bool call_order(Builtin builtin, Frame& frame, std::span<const Value> args, Value& out) {
  const std::optional<Order> order = compare(args[0], args[1]);
  if (!order) return no_overload("comparison", frame, args);
  const bool less = *order == Order::kLess;
  const bool greater = *order == Order::kGreater;
  const bool same = *order == Order::kEqual;
  if (builtin == Builtin::kLess) out = Value::of_bool(less);
  if (builtin == Builtin::kLessEqual) out = Value::of_bool(less || same);
  if (builtin == Builtin::kGreater) out = Value::of_bool(greater);
  if (builtin == Builtin::kGreaterEqual) out = Value::of_bool(greater || same);
  return true;
}

bool call_in(Frame& frame, std::span<const Value> args, Value& out) {
  const Value& container = args[1];
  if (container.kind() == Kind::kMap) {
    out = Value::of_bool(find_entry(container.entries(), args[0]) != nullptr);
    return true;
  }
  if (container.kind() != Kind::kList) return no_overload("in", frame, args);
  bool found = false;
  for (const Value& item : container.items()) {
    found = equal(args[0], item, frame);
    if (frame.error != EvalError::kNone) return false;
    if (found) break;
  }
  out = Value::of_bool(found);
  return true;
}

bool no_such_key(Frame& frame, const Value& key) {
  if (key.kind() == Kind::kString) {
    return frame.fail(EvalError::kNoSuchField,
                      join_texts(frame, {"no such key: '", key.text(), "'"}));
  }
  return frame.fail(EvalError::kNoSuchField, "no such key");
}

bool call_index(Frame& frame, std::span<const Value> args, Value& out) {
  const Value& container = args[0];
  const Value& key = args[1];
  if (container.kind() == Kind::kMap) {
    if (!is_key(key.kind()) && key.kind() != Kind::kDouble) {
      return no_overload("[]", frame, args);
    }
    const Value* found = find_entry(container.entries(), key);
    if (found == nullptr) return no_such_key(frame, key);
    out = *found;
    return true;
  }
  if (container.kind() != Kind::kList || !is_number(key.kind())) {
    return no_overload("[]", frame, args);
  }
  const std::span<const Value> items = container.items();
  int64_t index = -1;
  if (key.kind() == Kind::kInt) index = key.integer();
  if (key.kind() == Kind::kUint && key.unsigned_integer() <= INT64_MAX) {
    index = static_cast<int64_t>(key.unsigned_integer());
  }
  if (key.kind() == Kind::kDouble) {
    const double real = key.real();
    if (!(real >= 0 && real < 9e15) || real != static_cast<double>(static_cast<int64_t>(real))) {
      return frame.fail(EvalError::kIndexOutOfRange, "a list index must be a whole number");
    }
    index = static_cast<int64_t>(real);
  }
  if (index < 0 || static_cast<size_t>(index) >= items.size()) {
    return frame.fail(EvalError::kIndexOutOfRange, "list index out of range");
  }
  out = items[static_cast<size_t>(index)];
  return true;
}

bool call_size(Frame& frame, std::span<const Value> args, Value& out) {
  const Value& value = args[0];
  size_t size = 0;
  switch (value.kind()) {
    case Kind::kString:
      if (!frame.spend(value.text().size() / kBytesPerStep)) return false;
      size = count_code_points(value.text());
      break;
    case Kind::kBytes:
      size = value.text().size();
      break;
    case Kind::kList:
      size = value.items().size();
      break;
    case Kind::kMap:
      size = value.entries().size();
      break;
    case Kind::kNull:
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kDouble:
    case Kind::kTimestamp:
    case Kind::kDuration:
    case Kind::kType:
      return no_overload("size", frame, args);
  }
  out = Value::of_int(static_cast<int64_t>(size));
  return true;
}

bool call_get(Frame& frame, std::span<const Value> args, Value& out) {
  if (args[0].kind() != Kind::kMap) return no_overload("get", frame, args);
  const Value* found = find_entry(args[0].entries(), args[1]);
  out = found != nullptr ? *found : args[2];
  return true;
}

bool call_extreme(Builtin builtin, Frame& frame, std::span<const Value> args, Value& out) {
  if (args.size() == 1 && args[0].kind() == Kind::kList) {
    if (args[0].items().empty()) {
      return frame.fail(EvalError::kIndexOutOfRange, "min and max need at least one value");
    }
    args = args[0].items();
  }
  if (!frame.spend(args.size())) return false;
  const Order wanted = builtin == Builtin::kMin ? Order::kLess : Order::kGreater;
  Value best = args[0];
  if (!is_number(best.kind())) return no_overload("min or max", frame, args.first(1));
  for (const Value& value : args.subspan(1)) {
    if (!is_number(value.kind())) return no_overload("min or max", frame, {&value, 1});
    const std::optional<Order> order = compare(value, best);
    if (order == Order::kUnordered) {
      return frame.fail(EvalError::kNotFinite, "min or max of a value that is not a number (NaN)");
    }
    if (order == wanted) best = value;
  }
  out = best;
  return true;
}

}  // namespace

std::string_view join_texts(Frame& frame, std::initializer_list<std::string_view> parts) {
  size_t size = 0;
  for (const std::string_view part : parts) size += part.size();
  if (size == 0) return {};
  char* to = static_cast<char*>(frame.arena->allocate(size, 1));
  char* at = to;
  for (const std::string_view part : parts) {
    if (!part.empty()) std::memcpy(at, part.data(), part.size());
    at += part.size();
  }
  return {to, size};
}

bool no_overload(std::string_view name, Frame& frame, std::span<const Value> args) {
  std::string_view text = join_texts(frame, {"no overload of ", name, " for "});
  for (size_t i = 0; i < args.size() && i < 3; ++i) {
    text = join_texts(frame, {text, i == 0 ? "" : " and ", type_name(args[i].kind())});
  }
  return frame.fail(EvalError::kNoMatchingOverload, text);
}

bool call(Builtin builtin, Frame& frame, std::span<const Value> args, const Prepared* prepared,
          Value& out) {
  switch (builtin) {
    case Builtin::kNone:
    case Builtin::kUnknown:
      return frame.fail(EvalError::kUnknownName, "no such function");
    case Builtin::kNot:
      if (args[0].kind() != Kind::kBool) return no_overload("!", frame, args);
      out = Value::of_bool(!args[0].boolean());
      return true;
    case Builtin::kEqual:
    case Builtin::kNotEqual: {
      const bool same = equal(args[0], args[1], frame);
      if (frame.error != EvalError::kNone) return false;
      out = Value::of_bool(same == (builtin == Builtin::kEqual));
      return true;
    }
    case Builtin::kLess:
    case Builtin::kLessEqual:
    case Builtin::kGreater:
    case Builtin::kGreaterEqual:
      return call_order(builtin, frame, args, out);
    case Builtin::kIn:
      return call_in(frame, args, out);
    case Builtin::kIndex:
      return call_index(frame, args, out);
    case Builtin::kNegate:
    case Builtin::kAdd:
    case Builtin::kSubtract:
    case Builtin::kMultiply:
    case Builtin::kDivide:
    case Builtin::kRemainder:
    case Builtin::kAbs:
      return call_arithmetic(builtin, frame, args, out);
    case Builtin::kToInt:
    case Builtin::kToUint:
    case Builtin::kToDouble:
    case Builtin::kToString:
    case Builtin::kToBool:
    case Builtin::kToBytes:
    case Builtin::kToTimestamp:
    case Builtin::kToDuration:
      return call_conversion(builtin, frame, args[0], out);
    case Builtin::kToDyn:
      out = args[0];
      return true;
    case Builtin::kTypeOf:
      out = Value::of_type(type_name(args[0].kind()));
      return true;
    case Builtin::kSize:
      return call_size(frame, args, out);
    case Builtin::kContains:
    case Builtin::kStartsWith:
    case Builtin::kEndsWith:
    case Builtin::kMatches:
    case Builtin::kLower:
    case Builtin::kFold:
      return call_text(builtin, frame, args, prepared, out);
    case Builtin::kFullYear:
    case Builtin::kMonth:
    case Builtin::kDate:
    case Builtin::kDayOfMonth:
    case Builtin::kDayOfWeek:
    case Builtin::kDayOfYear:
    case Builtin::kHours:
    case Builtin::kMinutes:
    case Builtin::kSeconds:
    case Builtin::kMilliseconds:
    case Builtin::kDaysSince:
    case Builtin::kInCalendar:
      return call_calendar(builtin, frame, args, prepared, out);
    case Builtin::kGet:
      return call_get(frame, args, out);
    case Builtin::kMin:
    case Builtin::kMax:
      return call_extreme(builtin, frame, args, out);
    case Builtin::kRegion:
    case Builtin::kParent:
    case Builtin::kWithin:
    case Builtin::kLevel:
      return call_region(builtin, frame, args, out);
  }
  return frame.fail(EvalError::kUnknownName, "no such function");
}

}  // namespace tocsin::cel
