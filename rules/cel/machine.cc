#include "rules/cel/machine.h"

#include <algorithm>
#include <array>

#include "rules/cel/comprehension.h"
#include "rules/cel/event_fields.h"
#include "rules/cel/value_ops.h"

namespace tocsin::cel {

namespace {

bool holds(Builtin comparison, double a, double b) {
  switch (comparison) {
    case Builtin::kLess:
      return a < b;
    case Builtin::kLessEqual:
      return a <= b;
    case Builtin::kGreater:
      return a > b;
    case Builtin::kGreaterEqual:
      return a >= b;
    case Builtin::kEqual:
      return a == b;
    default:
      return a != b;  // kNotEqual
  }
}

}  // namespace

Machine::Truth Machine::test_number(const Node& node, double number) const {
  return holds(node.builtin, number, node.constant.real()) ? Truth::kTrue : Truth::kFalse;
}

// Two operands of any kind; doubles, which are most, without the way over call().
bool Machine::eval_comparison(const Node& node, Frame& frame, Value& out) const {
  Value args[2];
  if (!eval(nodes_[node.first], frame, args[0])) return false;
  if (!eval(nodes_[node.first + 1], frame, args[1])) return false;
  if (args[0].kind() == Kind::kDouble && args[1].kind() == Kind::kDouble) {
    out = Value::of_bool(holds(node.builtin, args[0].real(), args[1].real()));
    return true;
  }
  return call(node.builtin, frame, args, nullptr, out);
}

Machine::Truth Machine::test_attr(const Node& node, Frame& frame) const {
  const Attr* attr = find_attr(*frame.event, node.constant.text());
  if (attr == nullptr) {
    frame.fail(EvalError::kNoSuchField, node.detail.text());
    return Truth::kError;
  }
  const auto* text = std::get_if<std::string_view>(&attr->value);
  const bool same = text != nullptr && *text == nodes_[node.first].constant.text();
  return same == (node.builtin == Builtin::kEqual) ? Truth::kTrue : Truth::kFalse;
}

Machine::Truth Machine::test_junction(const Node& node, Frame& frame) const {
  const Truth decides = node.code == Code::kOr ? Truth::kTrue : Truth::kFalse;
  EvalError first_error = EvalError::kNone;
  std::string_view first_detail;
  for (size_t i = 0; i < node.count; ++i) {
    const Truth part = test(nodes_[node.first + i], frame);
    if (part == decides) return decides;
    if (part != Truth::kError) continue;
    if (frame.error == EvalError::kCost) return part;
    if (first_error == EvalError::kNone) {
      first_error = frame.error;
      first_detail = frame.detail;
    }
    frame.error = EvalError::kNone;
  }
  if (first_error != EvalError::kNone) {
    frame.fail(first_error, first_detail);
    return Truth::kError;
  }
  return node.code == Code::kOr ? Truth::kFalse : Truth::kTrue;
}

// The same as eval() for conditions, without making a Value of every truth.
Machine::Truth Machine::test(const Node& node, Frame& frame) const {
  if (!frame.spend(1)) return Truth::kError;
  const auto bit = [&](auto id) {
    const auto at = static_cast<size_t>(id);
    const bool set = ((tables_[node.index][at / 64] >> (at % 64)) & 1) != 0;
    return set ? Truth::kTrue : Truth::kFalse;
  };
  switch (node.code) {
    case Code::kByIndicator:
      return bit(frame.event->indicator);
    case Code::kBySource:
      return bit(frame.event->source);
    case Code::kByRegion:
      return bit(frame.event->region);
    case Code::kCompareValue:
      if (!frame.event->has_value()) {
        frame.fail(EvalError::kNoSuchField, "no such field: e.value");
        return Truth::kError;
      }
      return test_number(node, frame.event->value);
    case Code::kCompareConfidence:
      return test_number(node, frame.event->confidence);
    case Code::kAttrEquals:
      return test_attr(node, frame);
    case Code::kHasField:
      return has_field(static_cast<EventField>(node.index), *frame.event) ? Truth::kTrue
                                                                          : Truth::kFalse;
    case Code::kHasAttr:
      return find_attr(*frame.event, node.constant.text()) != nullptr ? Truth::kTrue
                                                                      : Truth::kFalse;
    case Code::kAnd:
    case Code::kOr:
      return test_junction(node, frame);
    default:
      break;  // the rest gives a Value first
  }
  Value value;
  if (!eval(node, frame, value)) return Truth::kError;
  if (value.kind() != Kind::kBool) {
    no_overload("&&, || or ?:", frame, {&value, 1});
    return Truth::kError;
  }
  return value.boolean() ? Truth::kTrue : Truth::kFalse;
}

bool Machine::eval(const Node& node, Frame& frame, Value& out) const {
  if (!frame.spend(1)) return false;
  switch (node.code) {
    case Code::kConstant:
      out = node.constant;
      return true;
    case Code::kVariable:
      out = frame.variables[node.index];
      return true;
    case Code::kKnownVariable:
      out = frame.variables[node.index];
      return out.kind() != Kind::kNull ||
             frame.fail(EvalError::kNoSuchField, "a number that is not known");
    case Code::kLocal:
      out = frame.locals[node.index];
      return true;
    case Code::kField:
      return read_field(static_cast<EventField>(node.index), frame, out);
    case Code::kAttr: {
      const Attr* attr = find_attr(*frame.event, node.constant.text());
      if (attr == nullptr) return frame.fail(EvalError::kNoSuchField, node.detail.text());
      out = value_of(attr->value);
      return true;
    }
    case Code::kSelect:
    case Code::kHasKey:
      return eval_key(node, frame, out);
    case Code::kTernary: {
      const Truth condition = test(nodes_[node.first], frame);
      if (condition == Truth::kError) return false;
      return eval(nodes_[node.first + (condition == Truth::kTrue ? 1 : 2)], frame, out);
    }
    case Code::kList: {
      const std::span<Value> items = frame.arena->array<Value>(node.count);
      for (size_t i = 0; i < items.size(); ++i) {
        if (!eval(nodes_[node.first + i], frame, items[i])) return false;
      }
      out = Value::of_list(items);
      return true;
    }
    case Code::kMap:
      return eval_map(node, frame, out);
    case Code::kComprehension: {
      Value range;
      if (!eval(nodes_[node.first], frame, range)) return false;
      const Node& first = nodes_[node.first + 1];
      const Node& last = nodes_[node.first + node.count - 1u];
      return comprehend(
          node.comprehension, range, frame, frame.locals[node.index],
          [&](Value& truth) { return eval(first, frame, truth); },
          [&](Value& item) { return eval(last, frame, item); }, out);
    }
    case Code::kCall:
      return eval_call(node, frame, out);
    case Code::kCompare:
      return eval_comparison(node, frame, out);
    case Code::kDaysSince: {
      std::array<Value, 2> args;
      if (!eval(nodes_[node.first], frame, args[0])) return false;
      args[1] = frame.variables[node.index];
      return call(Builtin::kDaysSince, frame, args, nullptr, out);
    }
    case Code::kUnknown:
      return frame.fail(EvalError::kUnknownName, node.constant.text());
    case Code::kInTexts: {
      Value item;
      if (!eval(nodes_[node.first], frame, item)) return false;
      const std::span<const Value> texts = node.constant.items();
      out = Value::of_bool(
          item.kind() == Kind::kString &&
          std::binary_search(texts.begin(), texts.end(), item,
                             [](const Value& a, const Value& b) { return a.text() < b.text(); }));
      return true;
    }
    case Code::kHasField:
    case Code::kHasAttr:
    case Code::kAnd:
    case Code::kOr:
    case Code::kByIndicator:
    case Code::kBySource:
    case Code::kByRegion:
    case Code::kCompareValue:
    case Code::kCompareConfidence:
    case Code::kAttrEquals: {
      const Truth truth = test(node, frame);
      out = Value::of_bool(truth == Truth::kTrue);
      return truth != Truth::kError;
    }
  }
  return frame.fail(EvalError::kUnknownName, "cannot be evaluated");
}

bool Machine::eval_call(const Node& node, Frame& frame, Value& out) const {
  std::array<Value, 8> args;
  for (size_t i = 0; i < node.count; ++i) {
    if (!eval(nodes_[node.first + i], frame, args[i])) return false;
  }
  const Prepared* prepared = node.index != 0 ? &(*prepared_)[node.index - 1] : nullptr;
  return call(node.builtin, frame, std::span(args).first(node.count), prepared, out);
}

bool Machine::eval_key(const Node& node, Frame& frame, Value& out) const {
  Value target;
  if (!eval(nodes_[node.first], frame, target)) return false;
  const bool is_test = node.code == Code::kHasKey;
  if (target.kind() != Kind::kMap) {
    return no_overload(is_test ? "has" : "field selection", frame, {&target, 1});
  }
  const Value* found = find_entry(target.entries(), node.constant);
  if (is_test) {
    out = Value::of_bool(found != nullptr);
    return true;
  }
  if (found == nullptr) {
    return frame.fail(EvalError::kNoSuchField,
                      join_texts(frame, {"no such key: '", node.constant.text(), "'"}));
  }
  out = *found;
  return true;
}

bool Machine::eval_map(const Node& node, Frame& frame, Value& out) const {
  const std::span<Entry> entries = frame.arena->array<Entry>(node.count / 2u);
  for (size_t i = 0; i < entries.size(); ++i) {
    if (!eval(nodes_[node.first + 2 * i], frame, entries[i].key)) return false;
    if (!eval(nodes_[node.first + 2 * i + 1], frame, entries[i].value)) return false;
  }
  if (!finish_map(entries, frame)) return false;
  out = Value::of_map(entries);
  return true;
}

}  // namespace tocsin::cel
