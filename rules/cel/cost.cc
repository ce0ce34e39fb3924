#include <algorithm>

#include "rules/cel/checker.h"

namespace tocsin::cel {
namespace {

// Largest sizes of what an expression may meet.
constexpr uint64_t kLongestUnknownList = 64;  // lists and maps of variables and attrs
constexpr uint64_t kTextSteps = kMaxAttrBytes / kBytesPerStep;
constexpr uint64_t kTooMuch = 1ull << 40;  // sums stay far below overflow

struct Cost {
  uint64_t steps = 0;
  uint64_t size = 1;  // items of a list or map
};

uint64_t bounded(uint64_t value) { return std::min(value, kTooMuch); }

Cost cost_of(const Expr& expr) {
  Cost cost{1, 1};
  if (expr.target == Target::kConstant) {
    if (expr.constant.kind() == Kind::kList) cost.size = expr.constant.items().size();
    return cost;
  }
  if (expr.target == Target::kEventField) {
    const auto field = static_cast<EventField>(expr.index);
    if (field == EventField::kActors) cost.size = kMaxActors;
    if (field == EventField::kTags) cost.size = kMaxTags;
    if (field == EventField::kAttrs) cost.size = kMaxAttrs;
    return cost;
  }
  if (expr.target == Target::kVariable || expr.target == Target::kLocal) {
    const Type::Tag tag = expr.type.tag();
    if (tag == Type::Tag::kList || tag == Type::Tag::kMap || tag == Type::Tag::kDyn) {
      cost.size = kLongestUnknownList;
    }
    return cost;
  }
  if (expr.kind == ExprKind::kComprehension) {
    const Cost range = cost_of(*expr.args[0]);
    uint64_t body = 1;
    for (size_t i = 1; i < expr.args.size(); ++i) body += cost_of(*expr.args[i]).steps;
    return {bounded(1 + range.steps + range.size * bounded(body)), range.size};
  }
  uint64_t sizes = 0;
  for (const ExprPtr& arg : expr.args) {
    const Cost part = cost_of(*arg);
    cost.steps = bounded(cost.steps + part.steps);
    sizes = bounded(sizes + part.size);
  }
  switch (expr.builtin) {
    case Builtin::kIn:
    case Builtin::kEqual:
    case Builtin::kNotEqual:
    case Builtin::kMin:
    case Builtin::kMax:
      cost.steps = bounded(cost.steps + sizes);
      break;
    case Builtin::kAdd:
      cost.size = sizes;
      if (expr.type.tag() == Type::Tag::kList) cost.steps = bounded(cost.steps + sizes);
      break;
    case Builtin::kContains:
    case Builtin::kMatches:
    case Builtin::kLower:
    case Builtin::kFold:
      cost.steps += kTextSteps;
      break;
    default:
      break;  // a step each
  }
  if (expr.kind == ExprKind::kList) cost.size = expr.args.size();
  if (expr.kind == ExprKind::kMap) cost.size = expr.args.size() / 2;
  return cost;
}

}  // namespace

uint64_t worst_cost(const Expr& expr) { return cost_of(expr).steps; }

}  // namespace tocsin::cel
