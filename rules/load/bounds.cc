#include "rules/load/bounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "rules/cel/parser.h"
#include "rules/cel/printer.h"

namespace tocsin::rules {

namespace {

using cel::Expr;
using cel::ExprKind;
using cel::Operator;

std::optional<double> number_of(const Expr& expr) {
  if (expr.kind == ExprKind::kUnary && expr.op == Operator::kNegate) {
    const auto inner = number_of(*expr.args[0]);
    return inner ? std::optional(-*inner) : std::nullopt;
  }
  if (expr.kind != ExprKind::kLiteral) return std::nullopt;
  switch (expr.value.kind()) {
    case cel::Kind::kInt:
      return static_cast<double>(expr.value.integer());
    case cel::Kind::kUint:
      return static_cast<double>(expr.value.unsigned_integer());
    case cel::Kind::kDouble:
      return expr.value.real();
    default:
      return std::nullopt;
  }
}

std::optional<Comparison> comparison_of(const Expr& expr) {
  if (expr.kind != ExprKind::kBinary) return std::nullopt;
  const bool up = expr.op == Operator::kGreater || expr.op == Operator::kGreaterEqual;
  const bool down = expr.op == Operator::kLess || expr.op == Operator::kLessEqual;
  if (!up && !down) return std::nullopt;
  const bool strict = expr.op == Operator::kGreater || expr.op == Operator::kLess;
  const std::string left = cel::dotted_name(*expr.args[0]);
  const std::string right = cel::dotted_name(*expr.args[1]);
  if (!left.empty()) {
    const auto value = number_of(*expr.args[1]);
    if (value) return Comparison{left, up, strict, *value};
  } else if (!right.empty()) {
    const auto value = number_of(*expr.args[0]);
    if (value) return Comparison{right, !up, strict, *value};
  }
  return std::nullopt;
}

// Comparisons of which each one alone makes the whole true.
void alternatives_of(const Expr& expr, std::vector<Comparison>& out) {
  if (expr.kind == ExprKind::kOr) {
    for (const auto& arg : expr.args) alternatives_of(*arg, out);
  } else if (const auto comparison = comparison_of(expr)) {
    out.push_back(*comparison);
  }
}

// Both true for some value of the name.
bool overlap(const Comparison& a, const Comparison& b) {
  if (a.variable != b.variable) return false;
  if (a.upward == b.upward) return true;  // both far enough that way
  const Comparison& up = a.upward ? a : b;
  const Comparison& down = a.upward ? b : a;
  return down.value > up.value || (down.value == up.value && !up.strict && !down.strict);
}

// Whether `wanted` holds for each value for which `given` does.
bool implies(const Comparison& given, const Comparison& wanted) {
  if (given.variable != wanted.variable || given.upward != wanted.upward) return false;
  if (given.value == wanted.value) return given.strict || !wanted.strict;
  return given.upward ? given.value > wanted.value : given.value < wanted.value;
}

bool is_implied(const Expr& condition, const std::vector<Comparison>& given) {
  const auto by_given = [&](const auto& part) { return is_implied(*part, given); };
  if (condition.kind == ExprKind::kAnd) {
    return std::all_of(condition.args.begin(), condition.args.end(), by_given);
  }
  if (condition.kind == ExprKind::kOr) {
    return std::any_of(condition.args.begin(), condition.args.end(), by_given);
  }
  const auto wanted = comparison_of(condition);
  return wanted && std::any_of(given.begin(), given.end(),
                               [&](const Comparison& each) { return implies(each, *wanted); });
}

// Whether the exit holds whenever one of the ways to enter does.
bool holds_with(const Expr& exit, const Expr& enter) {
  if (enter.kind == ExprKind::kOr) {
    return std::any_of(enter.args.begin(), enter.args.end(),
                       [&](const auto& way) { return holds_with(exit, *way); });
  }
  return is_implied(exit, required_comparisons(enter));
}

}  // namespace

std::optional<LowerBound> single_lower_bound(const std::string& expression) {
  Diagnostics ignored;
  const cel::SourceText text{expression, {}};
  const cel::ExprPtr tree = cel::parse(text, ignored);
  if (tree == nullptr) return std::nullopt;
  const auto comparison = comparison_of(*tree);
  if (!comparison || !comparison->upward) return std::nullopt;
  return LowerBound{comparison->variable, comparison->value, comparison->strict};
}

std::vector<Comparison> required_comparisons(const cel::Expr& condition) {
  std::vector<Comparison> comparisons;
  if (condition.kind == ExprKind::kAnd) {
    for (const auto& part : condition.args) {
      for (Comparison& each : required_comparisons(*part)) comparisons.push_back(std::move(each));
    }
  } else if (auto comparison = comparison_of(condition)) {
    comparisons.push_back(std::move(*comparison));
  }
  return comparisons;
}

std::string exit_complaint(const std::string& enter, const std::string& exit) {
  Diagnostics ignored;
  const cel::SourceText enter_text{enter, {}};
  const cel::SourceText exit_text{exit, {}};
  const cel::ExprPtr enter_tree = cel::parse(enter_text, ignored);
  const cel::ExprPtr exit_tree = cel::parse(exit_text, ignored);
  if (enter_tree == nullptr || exit_tree == nullptr) return {};
  if (holds_with(*exit_tree, *enter_tree)) {
    return fmt::format("`exit` holds whenever the level is entered: `{}` with `{}`",
                       cel::print(*exit_tree), cel::print(*enter_tree));
  }
  std::vector<Comparison> enters;
  std::vector<Comparison> exits;
  alternatives_of(*enter_tree, enters);
  alternatives_of(*exit_tree, exits);
  for (const Comparison& out : exits) {
    for (const Comparison& in : enters) {
      if (!overlap(in, out)) continue;
      return fmt::format("`exit` begins at {} = {}, where the level is still entered ({})",
                         out.variable, out.value, in.value);
    }
  }
  return {};
}

}  // namespace tocsin::rules
