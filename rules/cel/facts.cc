#include "rules/cel/facts.h"

#include <algorithm>
#include <iterator>

namespace tocsin::cel {

template <typename Id>
std::vector<Id> intersection(const std::vector<Id>& a, const std::vector<Id>& b) {
  std::vector<Id> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}
template std::vector<IndicatorId> intersection(const std::vector<IndicatorId>&,
                                               const std::vector<IndicatorId>&);
template std::vector<RegionId> intersection(const std::vector<RegionId>&,
                                            const std::vector<RegionId>&);

namespace {

// The texts of a literal, a list of literals, or list.NAME; nullopt when it is none of them.
std::optional<std::vector<std::string>> constant_texts(const Expr& expr,
                                                       const Environment& environment) {
  if (expr.kind == ExprKind::kLiteral && expr.value.kind() == Kind::kString) {
    return std::vector<std::string>{expr.name};
  }
  if (expr.kind == ExprKind::kSelect && dotted_name(*expr.args[0]) == "list" && environment.lists) {
    const auto found = environment.lists->find(expr.name);
    if (found != environment.lists->end()) return found->second;
  }
  if (expr.kind != ExprKind::kList) return std::nullopt;
  std::vector<std::string> texts;
  for (const ExprPtr& item : expr.args) {
    if (item->kind != ExprKind::kLiteral || item->value.kind() != Kind::kString)
      return std::nullopt;
    texts.push_back(item->name);
  }
  return texts;
}

// `field == text`, `field in texts` as the texts; `field` is a dotted name.
std::optional<std::vector<std::string>> required_texts(const Expr& expr, std::string_view field,
                                                       const Environment& environment) {
  if (expr.kind != ExprKind::kBinary) return std::nullopt;
  const Expr& left = *expr.args[0];
  const Expr& right = *expr.args[1];
  if (expr.op == Operator::kIn && right.kind != ExprKind::kLiteral && dotted_name(left) == field) {
    return constant_texts(right, environment);
  }
  if (expr.op != Operator::kEqual) return std::nullopt;
  if (dotted_name(left) == field && right.kind == ExprKind::kLiteral) {
    return constant_texts(right, environment);
  }
  if (dotted_name(right) == field && left.kind == ExprKind::kLiteral) {
    return constant_texts(left, environment);
  }
  return std::nullopt;
}

template <typename Id>
void sort_unique(std::vector<Id>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

// Carries a reading of single conditions over && and ||.
template <typename Id, typename Leaf>
std::optional<std::vector<Id>> possible(const Expr& expr, const Leaf& leaf) {
  std::optional<std::vector<Id>> result;
  if (expr.kind == ExprKind::kAnd) {
    for (const ExprPtr& arg : expr.args) {
      std::optional<std::vector<Id>> part = possible<Id>(*arg, leaf);
      if (part) result = result ? intersection(*result, *part) : std::move(*part);
    }
    return result;
  }
  if (expr.kind == ExprKind::kOr) {
    result.emplace();
    for (const ExprPtr& arg : expr.args) {
      const std::optional<std::vector<Id>> part = possible<Id>(*arg, leaf);
      if (!part) return std::nullopt;
      result->insert(result->end(), part->begin(), part->end());
    }
    sort_unique(*result);
    return result;
  }
  return leaf(expr);
}

std::set<std::string> join(std::set<std::string> a, const std::set<std::string>& b) {
  a.insert(b.begin(), b.end());
  return a;
}
std::set<std::string> meet(const std::set<std::string>& a, const std::set<std::string>& b) {
  std::set<std::string> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(both, both.end()));
  return both;
}

// Fields of `e` that evaluating `expr` reads whatever the values are.
std::set<std::string> always_read(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kSelect: {
      const std::string name = dotted_name(expr);
      if (name.starts_with("e.")) return {name};
      return always_read(*expr.args[0]);
    }
    case ExprKind::kAnd:
    case ExprKind::kOr:
    case ExprKind::kHas:
      return {};
    case ExprKind::kTernary:
    case ExprKind::kComprehension:
      return always_read(*expr.args[0]);
    case ExprKind::kLiteral:
    case ExprKind::kIdent:
    case ExprKind::kIndex:
    case ExprKind::kUnary:
    case ExprKind::kBinary:
    case ExprKind::kCall:
    case ExprKind::kMethod:
    case ExprKind::kList:
    case ExprKind::kMap:
    case ExprKind::kMessage:
      break;
  }
  std::set<std::string> fields;
  for (const ExprPtr& arg : expr.args) fields = join(std::move(fields), always_read(*arg));
  return fields;
}

std::set<std::string> proven(const Expr& expr, bool truth, bool by_reading) {
  if (expr.kind == ExprKind::kHas) {
    const std::string target = dotted_name(*expr.args[0]);
    if (truth && (target == "e" || target.starts_with("e."))) return {target + "." + expr.name};
    return {};
  }
  if (expr.kind == ExprKind::kUnary && expr.op == Operator::kNot) {
    return proven(*expr.args[0], !truth, by_reading);
  }
  if (expr.kind == ExprKind::kAnd || expr.kind == ExprKind::kOr) {
    // A true && and a false || need all of their parts; otherwise one part was enough.
    const bool all = (expr.kind == ExprKind::kAnd) == truth;
    std::set<std::string> result = proven(*expr.args[0], truth, by_reading);
    for (size_t i = 1; i < expr.args.size(); ++i) {
      const std::set<std::string> part = proven(*expr.args[i], truth, by_reading);
      result = all ? join(std::move(result), part) : meet(result, part);
    }
    return result;
  }
  if (expr.kind == ExprKind::kTernary) {
    return meet(
        join(proven(*expr.args[0], true, by_reading), proven(*expr.args[1], truth, by_reading)),
        join(proven(*expr.args[0], false, by_reading), proven(*expr.args[2], truth, by_reading)));
  }
  return by_reading ? always_read(expr) : std::set<std::string>();
}

}  // namespace

std::optional<std::vector<IndicatorId>> possible_indicators(const Expr& expr,
                                                            const Environment& environment) {
  using Ids = std::optional<std::vector<IndicatorId>>;
  const Catalogue& catalogue = *environment.catalogue;
  return possible<IndicatorId>(expr, [&](const Expr& condition) -> Ids {
    std::vector<IndicatorId> ids;
    if (condition.kind == ExprKind::kMethod && condition.name == "startsWith" &&
        condition.args.size() == 2 && dotted_name(*condition.args[0]) == "e.indicator" &&
        condition.args[1]->kind == ExprKind::kLiteral) {
      for (size_t i = 0; i < catalogue.indicators().size(); ++i) {
        if (catalogue.indicators()[i].name.starts_with(condition.args[1]->name)) {
          ids.push_back(static_cast<IndicatorId>(i));
        }
      }
      return ids;
    }
    const auto names = required_texts(condition, "e.indicator", environment);
    if (!names) return std::nullopt;
    for (const std::string& name : *names) {
      if (const auto id = catalogue.find_indicator(name)) ids.push_back(*id);
    }
    sort_unique(ids);
    return ids;
  });
}

std::optional<std::vector<RegionId>> possible_countries(const Expr& expr,
                                                        const Environment& environment) {
  using Ids = std::optional<std::vector<RegionId>>;
  const Catalogue& catalogue = *environment.catalogue;
  return possible<RegionId>(expr, [&](const Expr& condition) -> Ids {
    std::optional<std::vector<std::string>> names =
        required_texts(condition, "e.region", environment);
    if (condition.kind == ExprKind::kMethod && condition.name == "within" &&
        condition.args.size() == 2) {
      const Expr& target = *condition.args[0];
      const bool of_event = dotted_name(target) == "e.region" ||
                            (target.kind == ExprKind::kCall && target.name == "region" &&
                             target.args.size() == 1 && dotted_name(*target.args[0]) == "e");
      if (of_event) names = constant_texts(*condition.args[1], environment);
    }
    if (!names) return std::nullopt;
    std::vector<RegionId> ids;
    for (const std::string& name : *names) {
      if (const auto id = catalogue.find_region(name)) ids.push_back(catalogue.region(*id).country);
    }
    sort_unique(ids);
    return ids;
  });
}

std::set<std::string> proven_by_has(const Expr& expr, bool truth) {
  return proven(expr, truth, false);
}
std::set<std::string> proven_by_any(const Expr& expr, bool truth) {
  return proven(expr, truth, true);
}

}  // namespace tocsin::cel
