#include "rules/cel/reference.h"

#include <array>

#include "rules/cel/comprehension.h"
#include "rules/cel/event_fields.h"

namespace tocsin::cel {
namespace {

class Walker {
 public:
  Walker(const std::vector<Prepared>& prepared, Frame& frame)
      : prepared_(prepared), frame_(frame) {}

  bool eval(const Expr& expr, Value& out) {
    if (!frame_.spend(1)) return false;
    switch (expr.target) {
      case Target::kConstant:
        out = expr.constant;
        return true;
      case Target::kVariable:
        out = frame_.variables[expr.index];
        if (expr.needs_value && out.kind() == Kind::kNull) {
          return frame_.fail(EvalError::kNoSuchField, "a number that is not known");
        }
        return true;
      case Target::kLocal:
        out = frame_.locals[expr.index];
        return true;
      case Target::kEventField:
        if (expr.kind == ExprKind::kHas) {
          out = Value::of_bool(has_field(static_cast<EventField>(expr.index), *frame_.event));
          return true;
        }
        return read_field(static_cast<EventField>(expr.index), frame_, out);
      case Target::kEventAttr:
        return eval_attr(expr, out);
      case Target::kUnknown:
        return frame_.fail(EvalError::kUnknownName, expr.constant.text());
      case Target::kNone:
        break;
    }
    switch (expr.kind) {
      case ExprKind::kSelect:
      case ExprKind::kHas:
        return eval_select(expr, out);
      case ExprKind::kAnd:
      case ExprKind::kOr:
        return eval_junction(expr, out);
      case ExprKind::kTernary:
        return eval_ternary(expr, out);
      case ExprKind::kIndex:
      case ExprKind::kUnary:
      case ExprKind::kBinary:
      case ExprKind::kCall:
      case ExprKind::kMethod:
        return eval_call(expr, out);
      case ExprKind::kList: {
        const std::span<Value> items = frame_.arena->array<Value>(expr.args.size());
        for (size_t i = 0; i < items.size(); ++i) {
          if (!eval(*expr.args[i], items[i])) return false;
        }
        out = Value::of_list(items);
        return true;
      }
      case ExprKind::kMap:
        return eval_map(expr, out);
      case ExprKind::kComprehension:
        return eval_comprehension(expr, out);
      case ExprKind::kLiteral:
      case ExprKind::kIdent:
      case ExprKind::kMessage:
        break;
    }
    return frame_.fail(EvalError::kUnknownName, "cannot be evaluated");
  }

 private:
  bool eval_attr(const Expr& expr, Value& out) {
    const Attr* attr = find_attr(*frame_.event, expr.name);
    if (expr.kind == ExprKind::kHas) {
      out = Value::of_bool(attr != nullptr);
      return true;
    }
    if (attr == nullptr) return frame_.fail(EvalError::kNoSuchField, expr.constant.text());
    out = value_of(attr->value);
    return true;
  }

  bool eval_select(const Expr& expr, Value& out) {
    Value target;
    if (!eval(*expr.args[0], target)) return false;
    const bool is_test = expr.kind == ExprKind::kHas;
    if (target.kind() != Kind::kMap) {
      return no_overload(is_test ? "has" : "field selection", frame_, {&target, 1});
    }
    const Value* found = find_entry(target.entries(), Value::of_string(expr.name));
    if (is_test) {
      out = Value::of_bool(found != nullptr);
      return true;
    }
    if (found == nullptr) {
      return frame_.fail(EvalError::kNoSuchField,
                         join_texts(frame_, {"no such key: '", expr.name, "'"}));
    }
    out = *found;
    return true;
  }

  // && and || are the same from either side: one part that decides outweighs errors in the others.
  bool eval_junction(const Expr& expr, Value& out) {
    const bool decides = expr.kind == ExprKind::kOr;
    EvalError first_error = EvalError::kNone;
    std::string_view first_detail;
    for (const ExprPtr& arg : expr.args) {
      Value part;
      bool ok = eval(*arg, part);
      if (ok && part.kind() != Kind::kBool)
        ok = no_overload(decides ? "||" : "&&", frame_, {&part, 1});
      if (ok && part.boolean() == decides) {
        out = part;
        return true;
      }
      if (ok) continue;
      if (frame_.error == EvalError::kCost) return false;
      if (first_error == EvalError::kNone) {
        first_error = frame_.error;
        first_detail = frame_.detail;
      }
      frame_.error = EvalError::kNone;
    }
    if (first_error != EvalError::kNone) return frame_.fail(first_error, first_detail);
    out = Value::of_bool(!decides);
    return true;
  }

  bool eval_ternary(const Expr& expr, Value& out) {
    Value condition;
    if (!eval(*expr.args[0], condition)) return false;
    if (condition.kind() != Kind::kBool) return no_overload("?:", frame_, {&condition, 1});
    return eval(*expr.args[condition.boolean() ? 1 : 2], out);
  }

  bool eval_call(const Expr& expr, Value& out) {
    std::array<Value, 8> args;
    if (expr.builtin == Builtin::kUnknown) {
      return frame_.fail(EvalError::kUnknownName,
                         join_texts(frame_, {"no such function: ", expr.name}));
    }
    for (size_t i = 0; i < expr.args.size(); ++i) {
      if (!eval(*expr.args[i], args[i])) return false;
    }
    const bool is_days_since = expr.builtin == Builtin::kDaysSince;
    if (is_days_since) args[1] = frame_.variables[expr.index];
    const Prepared* prepared =
        !is_days_since && expr.index != 0 ? &prepared_[expr.index - 1] : nullptr;
    return call(expr.builtin, frame_,
                std::span(args).first(expr.args.size() + (is_days_since ? 1 : 0)), prepared, out);
  }

  bool eval_map(const Expr& expr, Value& out) {
    const std::span<Entry> entries = frame_.arena->array<Entry>(expr.args.size() / 2);
    for (size_t i = 0; i < entries.size(); ++i) {
      if (!eval(*expr.args[2 * i], entries[i].key)) return false;
      if (!eval(*expr.args[2 * i + 1], entries[i].value)) return false;
    }
    if (!finish_map(entries, frame_)) return false;
    out = Value::of_map(entries);
    return true;
  }

  bool eval_comprehension(const Expr& expr, Value& out) {
    Value range;
    if (!eval(*expr.args[0], range)) return false;
    const Expr& first = *expr.args[1];
    const Expr& last = *expr.args.back();
    return comprehend(
        expr.comprehension, range, frame_, frame_.locals[expr.index],
        [&](Value& truth) { return eval(first, truth); },
        [&](Value& item) { return eval(last, item); }, out);
  }

  const std::vector<Prepared>& prepared_;
  Frame& frame_;
};

}  // namespace

bool evaluate(const Expr& expr, const std::vector<Prepared>& prepared, Frame& frame, Value& out) {
  return Walker(prepared, frame).eval(expr, out);
}

}  // namespace tocsin::cel
