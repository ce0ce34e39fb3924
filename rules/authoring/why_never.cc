#include "rules/authoring/why_never.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "rules/authoring/demands.h"
#include "rules/cel/ast.h"
#include "rules/cel/printer.h"

namespace tocsin::rules {

namespace {

using cel::Expr;
using cel::ExprKind;
using cel::Operator;
using cel::Value;

// Cases looked at before it is taken that the conditions can hold: a bound on `||` in `&&`.
constexpr int kMaxCases = 4096;

Operator opposite(Operator op) {
  switch (op) {
    case Operator::kLess:
      return Operator::kGreaterEqual;
    case Operator::kLessEqual:
      return Operator::kGreater;
    case Operator::kGreater:
      return Operator::kLessEqual;
    case Operator::kGreaterEqual:
      return Operator::kLess;
    case Operator::kEqual:
      return Operator::kNotEqual;
    default:
      return Operator::kEqual;
  }
}

// `3 < n` as `n > 3`.
Operator mirrored(Operator op) {
  switch (op) {
    case Operator::kLess:
      return Operator::kGreater;
    case Operator::kLessEqual:
      return Operator::kGreaterEqual;
    case Operator::kGreater:
      return Operator::kLess;
    case Operator::kGreaterEqual:
      return Operator::kLessEqual;
    default:
      return op;
  }
}

bool is_comparison(const Expr& expr) {
  if (expr.kind != ExprKind::kBinary) return false;
  switch (expr.op) {
    case Operator::kEqual:
    case Operator::kNotEqual:
    case Operator::kLess:
    case Operator::kLessEqual:
    case Operator::kGreater:
    case Operator::kGreaterEqual:
      return true;
    default:
      return false;
  }
}

// Whether its value is the same for every event and every state of a group.
bool is_constant(const Expr& expr) {
  if (expr.kind == ExprKind::kLiteral || expr.target == cel::Target::kConstant) return true;
  switch (expr.kind) {
    case ExprKind::kUnary:
    case ExprKind::kBinary:
    case ExprKind::kAnd:
    case ExprKind::kOr:
    case ExprKind::kTernary:
    case ExprKind::kIndex:
    case ExprKind::kList:
      return std::all_of(expr.args.begin(), expr.args.end(),
                         [](const auto& arg) { return is_constant(*arg); });
    case ExprKind::kCall:
    case ExprKind::kMethod:
      if (expr.builtin == cel::Builtin::kDaysSince) return false;  // till the time of the decision
      return !expr.args.empty() && std::all_of(expr.args.begin(), expr.args.end(),
                                               [](const auto& arg) { return is_constant(*arg); });
    default:
      return false;
  }
}

std::optional<double> number_of(const Value& value) {
  switch (value.kind()) {
    case cel::Kind::kInt:
      return static_cast<double>(value.integer());
    case cel::Kind::kUint:
      return static_cast<double>(value.unsigned_integer());
    case cel::Kind::kDouble:
      return value.real();
    default:
      return std::nullopt;
  }
}

std::optional<std::set<std::string>> texts_of(const Value& value) {
  if (value.kind() != cel::Kind::kList) return std::nullopt;
  std::set<std::string> texts;
  for (const Value& item : value.items()) {
    if (item.kind() != cel::Kind::kString) return std::nullopt;
    texts.emplace(item.text());
  }
  return texts;
}

// Looks for a case in which everything asked for holds.
class Search {
 public:
  // Something still to be asked for.
  struct Ask {
    const cel::Program* program;
    const Expr* expr;
    bool truth;
  };

  // True when there is such a case, or too many to tell.
  bool can_hold(std::vector<Ask> asks, Demands so_far) {
    while (!asks.empty()) {
      if (++cases_ > kMaxCases) return true;
      const Ask ask = asks.back();
      asks.pop_back();
      const Expr& expr = *ask.expr;
      if (is_constant(expr)) {
        if (!holds(ask)) return false;
      } else if (expr.kind == ExprKind::kUnary && expr.op == Operator::kNot) {
        asks.push_back({ask.program, expr.args[0].get(), !ask.truth});
      } else if (expr.kind == ExprKind::kAnd || expr.kind == ExprKind::kOr) {
        const bool need_all = (expr.kind == ExprKind::kAnd) == ask.truth;
        if (!need_all) return any_of(ask, asks, so_far);
        for (auto arg = expr.args.rbegin(); arg != expr.args.rend(); ++arg) {
          asks.push_back({ask.program, arg->get(), ask.truth});
        }
      } else if (expr.kind == ExprKind::kTernary) {
        return either_of(ask, asks, so_far);
      } else if (std::string complaint = take(ask, so_far); !complaint.empty()) {
        note(std::move(complaint));
        return false;
      }
    }
    return true;
  }

  // Of the first case that failed.
  const std::string& complaint() const { return complaint_; }

 private:
  void note(std::string complaint) {
    if (complaint_.empty()) complaint_ = std::move(complaint);
  }

  bool any_of(const Ask& ask, const std::vector<Ask>& asks, const Demands& so_far) {
    return std::any_of(ask.expr->args.begin(), ask.expr->args.end(), [&](const auto& arg) {
      std::vector<Ask> more = asks;
      more.push_back({ask.program, arg.get(), ask.truth});
      return can_hold(std::move(more), so_far);
    });
  }

  bool either_of(const Ask& ask, const std::vector<Ask>& asks, const Demands& so_far) {
    for (const bool chosen : {true, false}) {
      std::vector<Ask> more = asks;
      more.push_back({ask.program, ask.expr->args[chosen ? 1 : 2].get(), ask.truth});
      more.push_back({ask.program, ask.expr->args[0].get(), chosen});
      if (can_hold(std::move(more), so_far)) return true;
    }
    return false;
  }

  std::optional<Value> value_of(const cel::Program& program, const Expr& expr) {
    if (!is_constant(expr)) return std::nullopt;
    const cel::Outcome outcome = program.run_part(expr, nullptr, {}, arena_);
    return outcome.ok() ? std::optional(outcome.value) : std::nullopt;
  }

  bool holds(const Ask& ask) {
    const auto value = value_of(*ask.program, *ask.expr);
    const bool is_so = value && value->kind() == cel::Kind::kBool && value->boolean() == ask.truth;
    if (!is_so)
      note(fmt::format("{} is always {}", said(*ask.expr),
                       !value      ? "an error"
                       : ask.truth ? "false"
                                   : "true"));
    return is_so;
  }

  static std::string said(const Expr& expr) { return "`" + cel::print(expr) + "`"; }

  std::string take(const Ask& ask, Demands& so_far) {
    const Expr& expr = *ask.expr;
    const std::string words = ask.truth ? said(expr) : "not " + said(expr);
    if (is_comparison(expr)) {
      const bool is_mirrored = is_constant(*expr.args[0]);
      const Expr& term = *expr.args[is_mirrored ? 1 : 0];
      const auto value = value_of(*ask.program, *expr.args[is_mirrored ? 0 : 1]);
      if (value) {
        Operator op = is_mirrored ? mirrored(expr.op) : expr.op;
        if (!ask.truth) op = opposite(op);
        return compare(term, op, *value, words, so_far);
      }
    }
    if (expr.kind == ExprKind::kBinary && expr.op == Operator::kIn) {
      const auto list = value_of(*ask.program, *expr.args[1]);
      const auto texts = list ? texts_of(*list) : std::nullopt;
      if (texts && ask.truth) return so_far.ask_texts(*expr.args[0], *texts, words);
      if (texts) return so_far.refuse_texts(*expr.args[0], *texts, words);
    }
    return so_far.ask_truth(expr, ask.truth, said(expr));
  }

  static std::string compare(const Expr& term, Operator op, const Value& value,
                             const std::string& words, Demands& so_far) {
    if (const auto number = number_of(value)) return so_far.ask_number(term, op, *number, words);
    const bool is_equality = op == Operator::kEqual || op == Operator::kNotEqual;
    if (!is_equality) return {};
    const bool is_equal = op == Operator::kEqual;
    if (value.kind() == cel::Kind::kBool) {
      return so_far.ask_truth(term, value.boolean() == is_equal, "`" + cel::print(term) + "`");
    }
    if (value.kind() != cel::Kind::kString) return {};
    const std::set<std::string> text = {std::string(value.text())};
    return is_equal ? so_far.ask_texts(term, text, words) : so_far.refuse_texts(term, text, words);
  }

  Arena arena_{4096};
  int cases_ = 0;
  std::string complaint_;
};

}  // namespace

std::string why_never(const std::vector<Condition>& conditions, const KnownRanges& known) {
  Search search;
  std::vector<Search::Ask> asks;
  for (auto condition = conditions.rbegin(); condition != conditions.rend(); ++condition) {
    asks.push_back({condition->program, &condition->program->tree(), condition->holds});
  }
  return search.can_hold(std::move(asks), Demands(known)) ? "" : search.complaint();
}

}  // namespace tocsin::rules
