#pragma once

#include "rules/cel/ast.h"
#include "rules/cel/call.h"
#include "rules/cel/value_ops.h"

namespace tocsin::cel {

// Runs a comprehension over the value `range`. `condition(Value&)` and `transform(Value&)` evaluate
// the bodies with the variable in `slot` and return false on an error in `frame`.
template <typename Condition, typename Transform>
bool comprehend(ComprehensionKind kind, const Value& range, Frame& frame, Value& slot,
                const Condition& condition, const Transform& transform, Value& out) {
  if (range.kind() != Kind::kList && range.kind() != Kind::kMap) {
    return no_overload(to_string(kind), frame, {&range, 1});
  }
  const bool over_map = range.kind() == Kind::kMap;
  const size_t size = over_map ? range.entries().size() : range.items().size();
  const bool gathers = kind == ComprehensionKind::kMap || kind == ComprehensionKind::kMapFilter ||
                       kind == ComprehensionKind::kFilter;
  const bool absorbs = kind == ComprehensionKind::kAll || kind == ComprehensionKind::kExists;
  const bool stops_at = kind == ComprehensionKind::kExists;
  const std::span<Value> gathered = gathers ? frame.arena->array<Value>(size) : std::span<Value>();
  size_t count = 0;
  EvalError first_error = EvalError::kNone;
  std::string_view first_detail;
  for (size_t i = 0; i < size; ++i) {
    if (!frame.spend(1)) return false;
    slot = over_map ? range.entries()[i].key : range.items()[i];
    bool holds = true;
    if (kind != ComprehensionKind::kMap) {
      Value truth;
      bool ok = condition(truth);
      if (ok && truth.kind() != Kind::kBool) ok = no_overload(to_string(kind), frame, {&truth, 1});
      if (!ok && (!absorbs || frame.error == EvalError::kCost)) return false;
      if (!ok) {  // a later item may still decide
        if (first_error == EvalError::kNone) {
          first_error = frame.error;
          first_detail = frame.detail;
        }
        frame.error = EvalError::kNone;
        continue;
      }
      holds = truth.boolean();
    }
    if (absorbs && holds == stops_at) {
      out = Value::of_bool(stops_at);
      return true;
    }
    if (!holds) continue;
    if (gathers) {
      Value item = slot;
      if (kind != ComprehensionKind::kFilter && !transform(item)) return false;
      gathered[count] = item;
    }
    ++count;
  }
  if (first_error != EvalError::kNone) return frame.fail(first_error, first_detail);
  if (gathers) {
    out = Value::of_list(gathered.first(count));
  } else if (absorbs) {
    out = Value::of_bool(!stops_at);
  } else {
    out = Value::of_bool(count == 1);
  }
  return true;
}

}  // namespace tocsin::cel
