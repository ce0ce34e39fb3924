#include "rules/cel/checker.h"

#include <algorithm>

#include "fmt/format.h"
#include "rules/cel/facts.h"

namespace tocsin::cel {

Checker::Checker(const Environment& environment, Arena& constants, std::vector<Prepared>& prepared,
                 Analysis& analysis, Diagnostics& diagnostics)
    : environment_(environment),
      constants_(constants),
      prepared_(prepared),
      analysis_(analysis),
      diagnostics_(diagnostics) {}

bool Checker::run(Expr& root) {
  facts_.proven = environment_.proven;
  if (!environment_.indicators.empty()) {
    facts_.indicators = environment_.indicators;
    std::sort(facts_.indicators->begin(), facts_.indicators->end());
  }
  if (environment_.has_event) {
    const auto possible = possible_indicators(root, environment_);
    if (possible) {
      facts_.indicators =
          facts_.indicators ? intersection(*facts_.indicators, *possible) : *possible;
    }
    analysis_.indicators = facts_.indicators;
    analysis_.countries = possible_countries(root, environment_);
  }
  check(root);
  analysis_.proven = environment_.proven;
  for (const std::string& field : proven_by_any(root, true)) analysis_.proven.insert(field);
  return !failed_;
}

Type Checker::error(const Expr& at, std::string_view code, std::string message, std::string hint) {
  failed_ = true;
  diagnostics_.error(std::string(code), place_of(at), std::move(message), std::move(hint));
  return {};
}

Type Checker::mismatch(const Expr& at, std::string_view code, std::string message,
                       std::string hint) {
  if (!checked()) return {};
  return error(at, code, std::move(message), std::move(hint));
}

Type Checker::unsupported(const Expr& at, std::string_view what, std::string hint) {
  return error(at, "T0190", fmt::format("not supported in tocsin: {}", what), std::move(hint));
}

bool Checker::comparable(const Type& a, const Type& b) const {
  using Tag = Type::Tag;
  if (a.tag() == Tag::kDyn || b.tag() == Tag::kDyn) return true;
  const auto is_text = [](const Type& t) {
    return t.tag() == Tag::kString || t.tag() == Tag::kRegion;
  };
  if (is_text(a) && is_text(b)) return true;
  const auto may_be_null = [&](const Type& t) {
    const bool container = t.tag() == Tag::kMap || t.tag() == Tag::kList;
    return t.tag() == Tag::kTimestamp || t.tag() == Tag::kDuration || t.tag() == Tag::kNull ||
           (container && !environment_.conformance);
  };
  if (a.tag() == Tag::kNull) return may_be_null(b);
  if (b.tag() == Tag::kNull) return may_be_null(a);
  if (a.tag() != b.tag()) return false;
  if (a.tag() == Tag::kList) return comparable(a.item(), b.item());
  if (a.tag() == Tag::kMap)
    return comparable(a.key(), b.key()) && comparable(a.map_value(), b.map_value());
  return true;
}

Type Checker::join(const Type& a, const Type& b) const {
  if (a == b) return a;
  if (a.tag() == Type::Tag::kList && b.tag() == Type::Tag::kList) {
    return Type::list(join(a.item(), b.item()));
  }
  return {};
}

Type Checker::check(Expr& expr) {
  expr.type = visit(expr);
  return expr.type;
}

Type Checker::visit(Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kLiteral:
      expr.target = Target::kConstant;
      expr.constant = literal_value(expr);
      switch (expr.value.kind()) {
        case Kind::kNull:
          return Type::Tag::kNull;
        case Kind::kBool:
          return Type::Tag::kBool;
        case Kind::kInt:
          return Type::Tag::kInt;
        case Kind::kUint:
          return Type::Tag::kUint;
        case Kind::kDouble:
          return Type::Tag::kDouble;
        case Kind::kString:
          return Type::Tag::kString;
        case Kind::kBytes:
          return Type::Tag::kBytes;
        case Kind::kList:
        case Kind::kMap:
        case Kind::kTimestamp:
        case Kind::kDuration:
        case Kind::kType:
          return {};  // have no literals
      }
      return {};
    case ExprKind::kIdent:
      return check_ident(expr);
    case ExprKind::kSelect:
      return check_select(expr);
    case ExprKind::kHas:
      check_select(expr);
      return Type::Tag::kBool;
    case ExprKind::kIndex:
      return check_index(expr);
    case ExprKind::kUnary:
      return check_unary(expr);
    case ExprKind::kBinary:
      return check_binary(expr);
    case ExprKind::kAnd:
    case ExprKind::kOr:
      return check_junction(expr);
    case ExprKind::kTernary:
      return check_ternary(expr);
    case ExprKind::kCall:
      return check_function(expr, 0);
    case ExprKind::kMethod:
      return check_function(expr, 1);
    case ExprKind::kList:
      return check_list(expr);
    case ExprKind::kMap:
      return check_map(expr);
    case ExprKind::kMessage:
      return unsupported(expr, fmt::format("messages ({}{{…}})", expr.name));
    case ExprKind::kComprehension:
      return check_comprehension(expr);
  }
  return {};
}

void Checker::check_condition(Expr& expr, std::string_view what) {
  const Type type = check(expr);
  if (type.tag() == Type::Tag::kBool || type.tag() == Type::Tag::kDyn) return;
  mismatch(expr, "T0123", fmt::format("{} must be bool, this is {}", what, to_string(type)),
           type.tag() == Type::Tag::kString ? "compare it: … == \"…\"" : "compare it: … > 0");
}

// What is known inside one part of && or ||: its neighbours hold (or fail) whenever it matters.
Checker::Facts Checker::facts_beside(const Expr& junction, size_t index) const {
  Facts facts = facts_;
  const bool is_and = junction.kind == ExprKind::kAnd;
  for (size_t i = 0; i < junction.args.size(); ++i) {
    if (i == index) continue;
    for (const std::string& field : proven_by_has(*junction.args[i], is_and))
      facts.proven.insert(field);
    if (!is_and || !environment_.has_event) continue;
    const auto possible = possible_indicators(*junction.args[i], environment_);
    if (possible) {
      facts.indicators = facts.indicators ? intersection(*facts.indicators, *possible) : *possible;
    }
  }
  return facts;
}

Type Checker::check_junction(Expr& expr) {
  const std::string_view what = expr.kind == ExprKind::kAnd ? "each side of &&" : "each side of ||";
  for (size_t i = 0; i < expr.args.size(); ++i) {
    Facts outer = facts_;
    // Looking at every neighbour of every part is quadratic; long chains are of plain conditions.
    constexpr size_t kLongChain = 64;
    if (expr.args.size() <= kLongChain) facts_ = facts_beside(expr, i);
    check_condition(*expr.args[i], what);
    facts_ = std::move(outer);
  }
  return Type::Tag::kBool;
}

Type Checker::check_ternary(Expr& expr) {
  check_condition(*expr.args[0], "the condition of ?:");
  Type types[2];
  for (size_t i = 0; i < 2; ++i) {
    Facts outer = facts_;
    for (const std::string& field : proven_by_has(*expr.args[0], i == 0))
      facts_.proven.insert(field);
    types[i] = check(*expr.args[i + 1]);
    facts_ = std::move(outer);
  }
  widen_pair(*expr.args[1], *expr.args[2]);
  types[0] = expr.args[1]->type;
  types[1] = expr.args[2]->type;
  if (!comparable(types[0], types[1])) {
    return mismatch(expr, "T0120",
                    fmt::format("the two results of ?: are {} and {}", to_string(types[0]),
                                to_string(types[1])),
                    "give both the same type");
  }
  return join(types[0], types[1]);
}

Type Checker::check_list(Expr& expr) {
  std::optional<Type> item;
  for (ExprPtr& arg : expr.args) {
    const Type type = check(*arg);
    item = item ? join(*item, type) : type;
  }
  return Type::list(item.value_or(Type()));
}

Type Checker::check_map(Expr& expr) {
  std::optional<Type> key;
  std::optional<Type> value;
  for (size_t i = 0; i + 1 < expr.args.size(); i += 2) {
    const Type key_type = check(*expr.args[i]);
    const Type value_type = check(*expr.args[i + 1]);
    using Tag = Type::Tag;
    const Tag tag = key_type.tag();
    if (tag != Tag::kDyn && tag != Tag::kBool && tag != Tag::kInt && tag != Tag::kUint &&
        tag != Tag::kString && tag != Tag::kRegion) {
      mismatch(*expr.args[i], "T0120", fmt::format("a map key cannot be {}", to_string(key_type)),
               "use a string, an int or a bool");
    }
    key = key ? join(*key, key_type) : key_type;
    value = value ? join(*value, value_type) : value_type;
  }
  return Type::map(key.value_or(Type()), value.value_or(Type()));
}

Type Checker::check_comprehension(Expr& expr) {
  using Tag = Type::Tag;
  const std::string_view name = to_string(expr.comprehension);
  const Type range = check(*expr.args[0]);
  Type item;
  if (range.tag() == Tag::kList) item = range.item();
  if (range.tag() == Tag::kMap) item = range.key();
  if (range.tag() != Tag::kList && range.tag() != Tag::kMap && range.tag() != Tag::kDyn) {
    mismatch(expr, "T0120",
             fmt::format("{} needs a list or a map, this is {}", name, to_string(range)));
  }
  if (environment_.has_event && expr.name == "e") {
    error(expr, "T0124", "`e` is the event; it cannot be the variable of a comprehension",
          "call it x");
  }
  constexpr size_t kMaxNestedComprehensions = 2;
  if (!environment_.conformance && locals_.size() >= kMaxNestedComprehensions) {
    error(expr, "T0141", "comprehensions nest at most twice in rules", "make it two conditions");
  }
  expr.index = static_cast<uint32_t>(locals_.size());
  locals_.push_back({expr.name, item});
  max_locals_ = std::max(max_locals_, static_cast<uint32_t>(locals_.size()));
  Type result;
  for (size_t i = 1; i < expr.args.size(); ++i) {
    const bool transform = expr.comprehension == ComprehensionKind::kMap ||
                           (expr.comprehension == ComprehensionKind::kMapFilter && i == 2);
    if (transform) {
      result = check(*expr.args[i]);
    } else {
      check_condition(*expr.args[i], fmt::format("the condition of {}", name));
    }
  }
  locals_.pop_back();
  switch (expr.comprehension) {
    case ComprehensionKind::kAll:
    case ComprehensionKind::kExists:
    case ComprehensionKind::kExistsOne:
      return Tag::kBool;
    case ComprehensionKind::kMap:
    case ComprehensionKind::kMapFilter:
      return Type::list(result);
    case ComprehensionKind::kFilter:
      return Type::list(item);
  }
  return {};
}

}  // namespace tocsin::cel
