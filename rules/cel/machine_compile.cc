#include <algorithm>

#include "rules/cel/event_fields.h"
#include "rules/cel/machine.h"
#include "rules/cel/value_ops.h"

namespace tocsin::cel {

void Machine::compile(const Expr& tree, const std::vector<Prepared>& prepared,
                      const Catalogue* catalogue, uint32_t locals, Arena& constants) {
  prepared_ = &prepared;
  catalogue_ = catalogue;
  constants_ = &constants;
  locals_ = locals;
  nodes_.assign(1, {});
  build(tree, 0);
  constants_ = nullptr;
}

// Lays out the arguments of `expr` from `first_arg` on side by side; what they depend on.
uint8_t Machine::build_children(const Expr& expr, size_t at, size_t first_arg) {
  const size_t first = nodes_.size();
  const size_t count = expr.args.size() - first_arg;
  nodes_[at].first = static_cast<uint32_t>(first);
  nodes_[at].count = static_cast<uint16_t>(count);
  nodes_.resize(first + count);
  uint8_t depends = kNothing;
  for (size_t i = 0; i < count; ++i) {
    depends = static_cast<uint8_t>(depends | build(*expr.args[first_arg + i], first + i));
  }
  return depends;
}

// Names that stand for something: no children to visit.
void Machine::build_target(const Expr& expr, Node& node) {
  const bool is_test = expr.kind == ExprKind::kHas;
  node.index = expr.index;
  node.constant = expr.constant;
  switch (expr.target) {
    case Target::kConstant:
      node.code = Code::kConstant;
      break;
    case Target::kVariable:
      node.code = expr.needs_value ? Code::kKnownVariable : Code::kVariable;
      break;
    case Target::kLocal:
      node.code = Code::kLocal;
      break;
    case Target::kEventField:
      node.code = is_test ? Code::kHasField : Code::kField;
      break;
    case Target::kEventAttr:
      node.code = is_test ? Code::kHasAttr : Code::kAttr;
      node.constant = Value::of_string(expr.name);
      node.detail = expr.constant;
      break;
    case Target::kUnknown:
    case Target::kNone:
      node.code = Code::kUnknown;
      break;
  }
}

uint8_t Machine::build(const Expr& expr, size_t at) {
  uint8_t depends = kMore;
  if (expr.target != Target::kNone) {
    build_target(expr, nodes_[at]);
    if (expr.target == Target::kConstant) depends = kNothing;
    if (expr.target == Target::kEventField && expr.kind != ExprKind::kHas) {
      const auto field = static_cast<EventField>(expr.index);
      if (field == EventField::kIndicator) depends = kIndicator;
      if (field == EventField::kSource) depends = kSource;
      if (field == EventField::kRegion) depends = kRegion;
    }
    return depends;
  }
  switch (expr.kind) {
    case ExprKind::kSelect:
    case ExprKind::kHas:
      nodes_[at].code = expr.kind == ExprKind::kHas ? Code::kHasKey : Code::kSelect;
      nodes_[at].constant = Value::of_string(expr.name);
      depends = build_children(expr, at, 0);
      break;
    case ExprKind::kAnd:
      nodes_[at].code = Code::kAnd;
      depends = build_children(expr, at, 0);
      break;
    case ExprKind::kOr:
      nodes_[at].code = Code::kOr;
      depends = build_children(expr, at, 0);
      break;
    case ExprKind::kTernary:
      nodes_[at].code = Code::kTernary;
      depends = build_children(expr, at, 0);
      break;
    case ExprKind::kList:
      nodes_[at].code = Code::kList;
      depends = build_children(expr, at, 0);
      break;
    case ExprKind::kMap:
      nodes_[at].code = Code::kMap;
      depends = build_children(expr, at, 0);
      break;
    case ExprKind::kIndex:
    case ExprKind::kUnary:
    case ExprKind::kBinary:
    case ExprKind::kCall:
    case ExprKind::kMethod:
      if (expr.builtin == Builtin::kUnknown || expr.builtin == Builtin::kNone) {
        nodes_[at].code = Code::kUnknown;
        nodes_[at].constant = Value::of_string(constants_->copy("no such function: " + expr.name));
        return kMore;
      }
      nodes_[at].code = expr.builtin == Builtin::kDaysSince ? Code::kDaysSince : Code::kCall;
      nodes_[at].builtin = expr.builtin;
      nodes_[at].index = expr.index;
      depends = build_children(expr, at, 0);
      if (expr.builtin == Builtin::kDaysSince) depends = kMore;
      break;
    case ExprKind::kComprehension:
      nodes_[at].code = Code::kComprehension;
      nodes_[at].comprehension = expr.comprehension;
      nodes_[at].index = expr.index;
      build_children(expr, at, 0);
      return kMore;  // its variable is not counted, so nothing is said about it
    case ExprKind::kLiteral:
    case ExprKind::kIdent:
    case ExprKind::kMessage:
      nodes_[at].code = Code::kUnknown;
      return kMore;
  }
  simplify(at, expr, depends);
  return nodes_[at].code == Code::kConstant ? static_cast<uint8_t>(kNothing) : depends;
}

void Machine::simplify(size_t at, const Expr& expr, uint8_t depends) {
  if (depends == kNothing && fold(at)) return;
  if (catalogue_ != nullptr && expr.type.tag() == Type::Tag::kBool) {
    if (depends == kIndicator && tabulate(at, Code::kByIndicator, catalogue_->indicators().size()))
      return;
    if (depends == kSource && tabulate(at, Code::kBySource, catalogue_->sources().size())) return;
    if (depends == kRegion && tabulate(at, Code::kByRegion, catalogue_->regions().size())) return;
  }
  specialise(at);
}

// Evaluates a node of constants. What is an error stays, so that it is one at run time.
bool Machine::fold(size_t at) {
  Frame frame;
  frame.arena = constants_;
  frame.catalogue = catalogue_;
  frame.budget = kMaxSteps;
  std::vector<Value> locals(locals_);
  frame.locals = locals;
  Value value;
  if (!eval(nodes_[at], frame, value)) return false;
  nodes_[at] = Node{};
  nodes_[at].constant = value;
  return true;
}

std::optional<size_t> Machine::find_id(EventField field, std::string_view name) const {
  const auto number = [](const auto& id) {
    return id ? std::optional(static_cast<size_t>(*id)) : std::nullopt;
  };
  if (field == EventField::kIndicator) return number(catalogue_->find_indicator(name));
  if (field == EventField::kSource) return number(catalogue_->find_source(name));
  const auto region = catalogue_->find_region(name);
  if (field != EventField::kRegion || !region) return std::nullopt;
  return catalogue_->region(*region).id == name ? number(region) : std::nullopt;
}

// The ids for which the commonest conditions are true: `field == text`, `field in texts` and
// `region(e).within(text)`. nullopt of any other condition.
//
// Trying each id comes to the same, and to a second for 10,000 rules.
std::optional<std::vector<size_t>> Machine::plain_ids(const Node& node) const {
  if (node.code != Code::kCall || node.count != 2) return std::nullopt;
  const Node* left = &nodes_[node.first];
  const Value& right = nodes_[node.first + 1].constant;
  if (nodes_[node.first + 1].code != Code::kConstant) return std::nullopt;
  const bool is_call = left->code == Code::kCall && left->builtin == Builtin::kRegion;
  if (node.builtin == Builtin::kWithin && is_call) left = &nodes_[left->first];
  if (left->code != Code::kField) return std::nullopt;
  const auto field = static_cast<EventField>(left->index);
  std::vector<size_t> ids;
  const auto add = [&](std::string_view name) {
    if (const auto id = find_id(field, name)) ids.push_back(*id);
  };
  if (node.builtin == Builtin::kEqual && right.kind() == Kind::kString) {
    add(right.text());
    return ids;
  }
  if (node.builtin == Builtin::kIn && right.kind() == Kind::kList) {
    for (const Value& item : right.items()) {
      if (item.kind() != Kind::kString) return std::nullopt;
      add(item.text());
    }
    return ids;
  }
  const bool is_within = node.builtin == Builtin::kWithin && field == EventField::kRegion;
  if (!is_within || right.kind() != Kind::kString) return std::nullopt;
  const auto wanted = catalogue_->find_region(right.text());
  for (size_t i = 0; wanted && i < catalogue_->regions().size(); ++i) {
    auto region = static_cast<RegionId>(i);
    while (region != *wanted && catalogue_->region(region).parent != region) {
      region = catalogue_->region(region).parent;
    }
    if (region == *wanted) ids.push_back(i);
  }
  return ids;
}

// Works the condition out for each id; false when some id gives an error.
bool Machine::tabulate(size_t at, Code code, size_t count) {
  std::vector<uint64_t> table((count + 63) / 64 + 1);
  std::vector<Value> locals(locals_);
  Arena scratch(4096);
  const auto plain = plain_ids(nodes_[at]);
  for (const size_t id : plain.value_or(std::vector<size_t>{})) table[id / 64] |= 1ull << (id % 64);
  for (size_t i = plain ? count : 0; i < count; ++i) {
    Event event;
    event.indicator = static_cast<IndicatorId>(i);
    event.source = static_cast<SourceId>(i);
    event.region = static_cast<RegionId>(i);
    Frame frame;
    frame.event = &event;
    frame.arena = &scratch;
    frame.catalogue = catalogue_;
    frame.budget = kMaxSteps;
    frame.locals = locals;
    const Truth truth = test(nodes_[at], frame);
    if (truth == Truth::kError) return false;
    if (truth == Truth::kTrue) table[i / 64] |= 1ull << (i % 64);
    scratch.reset();
  }
  nodes_[at] = Node{};
  nodes_[at].code = code;
  nodes_[at].index = static_cast<uint32_t>(tables_.size());
  tables_.push_back(std::move(table));
  return true;
}

// Conditions that most rules have, without the way over Values.
void Machine::specialise(size_t at) {
  Node& node = nodes_[at];
  if (node.code != Code::kCall || node.count != 2) return;
  const Node& left = nodes_[node.first];
  const Node& right = nodes_[node.first + 1];
  const Builtin op = node.builtin;
  const bool equality = op == Builtin::kEqual || op == Builtin::kNotEqual;
  const bool order = op == Builtin::kLess || op == Builtin::kLessEqual || op == Builtin::kGreater ||
                     op == Builtin::kGreaterEqual;
  if (equality || order) node.code = Code::kCompare;
  if (right.code != Code::kConstant) return;
  if (left.code == Code::kField && right.constant.kind() == Kind::kDouble && (equality || order)) {
    const auto field = static_cast<EventField>(left.index);
    if (field != EventField::kValue && field != EventField::kConfidence) return;
    node.code = field == EventField::kValue ? Code::kCompareValue : Code::kCompareConfidence;
    node.constant = right.constant;
    return;
  }
  if (left.code == Code::kAttr && right.constant.kind() == Kind::kString && equality) {
    node.code = Code::kAttrEquals;
    node.constant = left.constant;
    node.detail = left.detail;
    node.first += 1;  // the text
    return;
  }
  constexpr size_t kWorthSorting = 8;
  if (op == Builtin::kIn && right.constant.kind() == Kind::kList &&
      right.constant.items().size() >= kWorthSorting) {
    const std::span<const Value> items = right.constant.items();
    const bool texts = std::all_of(items.begin(), items.end(),
                                   [](const Value& v) { return v.kind() == Kind::kString; });
    if (!texts) return;
    const std::span<Value> sorted = constants_->array<Value>(items.size());
    std::copy(items.begin(), items.end(), sorted.begin());
    std::sort(sorted.begin(), sorted.end(),
              [](const Value& a, const Value& b) { return a.text() < b.text(); });
    node.code = Code::kInTexts;
    node.constant = Value::of_list(sorted);
  }
}

}  // namespace tocsin::cel
