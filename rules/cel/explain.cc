#include "fmt/format.h"
#include "rules/cel/ast.h"
#include "rules/cel/printer.h"
#include "rules/cel/program.h"

namespace tocsin::cel {
namespace {

class Explainer {
 public:
  Explainer(const Program& program, const Event* event, std::span<const Value> variables,
            Arena& arena)
      : program_(program), event_(event), variables_(variables), arena_(arena) {}

  std::string tell(const Expr& expr) {
    if (expr.kind == ExprKind::kAnd) return tell_all(expr, " && ");
    if (expr.kind == ExprKind::kOr) return tell_or(expr);
    const bool compares = expr.kind == ExprKind::kBinary && expr.op >= Operator::kEqual;
    if (!compares) return fmt::format("{} ({})", print(expr), value_of(expr));
    const Expr& left = *expr.args[0];
    const Expr& right = *expr.args[1];
    if (is_plain(left) && is_plain(right))
      return fmt::format("{} ({})", print(expr), value_of(expr));
    return fmt::format("{} ({} {} {})", print(expr), value_of(left), to_string(expr.op),
                       value_of(right));
  }

  // Of a && only what does not hold.
  std::string tell_missing(const Expr& expr) {
    if (expr.kind != ExprKind::kAnd) return tell(expr);
    std::string out;
    for (const ExprPtr& arg : expr.args) {
      const Outcome outcome = program_.run_part(*arg, event_, variables_, arena_);
      const bool holds =
          outcome.ok() && outcome.value.kind() == Kind::kBool && outcome.value.boolean();
      if (holds) continue;
      if (!out.empty()) out += " && ";
      out += tell_missing(*arg);
    }
    return out.empty() ? tell(expr) : out;
  }

 private:
  static bool is_plain(const Expr& expr) { return expr.target == Target::kConstant; }

  std::string value_of(const Expr& expr) {
    const Outcome outcome = program_.run_part(expr, event_, variables_, arena_);
    if (!outcome.ok() && expr.needs_value) return "not known";
    if (!outcome.ok()) return fmt::format("error: {}", to_string(outcome.error));
    // A whole number reads better without its ".0".
    if (outcome.value.kind() == Kind::kDouble) return fmt::format("{}", outcome.value.real());
    return to_json(outcome.value);
  }

  std::string tell_all(const Expr& expr, std::string_view separator) {
    std::string out;
    for (const ExprPtr& arg : expr.args) {
      if (!out.empty()) out += separator;
      const bool parentheses = arg->kind == ExprKind::kOr;
      out += parentheses ? "(" + tell(*arg) + ")" : tell(*arg);
    }
    return out;
  }

  // Of a || that holds only what holds; else everything.
  std::string tell_or(const Expr& expr) {
    std::string out;
    for (const ExprPtr& arg : expr.args) {
      const Outcome outcome = program_.run_part(*arg, event_, variables_, arena_);
      if (!outcome.ok() || outcome.value.kind() != Kind::kBool || !outcome.value.boolean())
        continue;
      if (!out.empty()) out += " || ";
      out += tell(*arg);
    }
    return out.empty() ? tell_all(expr, " || ") : out;
  }

  const Program& program_;
  const Event* event_;
  std::span<const Value> variables_;
  Arena& arena_;
};

}  // namespace

std::string explain(const Program& program, const Event* event, std::span<const Value> variables,
                    Arena& arena) {
  return Explainer(program, event, variables, arena).tell(program.tree());
}

std::string explain_missing(const Program& program, const Event* event,
                            std::span<const Value> variables, Arena& arena) {
  return Explainer(program, event, variables, arena).tell_missing(program.tree());
}

}  // namespace tocsin::cel
