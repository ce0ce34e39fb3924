#include "rules/cel/ast.h"

namespace tocsin::cel {

std::string_view to_string(Operator op) {
  switch (op) {
    case Operator::kNot:
      return "!";
    case Operator::kNegate:
      return "-";
    case Operator::kAdd:
      return "+";
    case Operator::kSubtract:
      return "-";
    case Operator::kMultiply:
      return "*";
    case Operator::kDivide:
      return "/";
    case Operator::kRemainder:
      return "%";
    case Operator::kEqual:
      return "==";
    case Operator::kNotEqual:
      return "!=";
    case Operator::kLess:
      return "<";
    case Operator::kLessEqual:
      return "<=";
    case Operator::kGreater:
      return ">";
    case Operator::kGreaterEqual:
      return ">=";
    case Operator::kIn:
      return "in";
  }
  return "";
}

std::string_view to_string(ComprehensionKind kind) {
  switch (kind) {
    case ComprehensionKind::kAll:
      return "all";
    case ComprehensionKind::kExists:
      return "exists";
    case ComprehensionKind::kExistsOne:
      return "exists_one";
    case ComprehensionKind::kMap:
    case ComprehensionKind::kMapFilter:
      return "map";
    case ComprehensionKind::kFilter:
      return "filter";
  }
  return "";
}

ExprPtr clone(const Expr& expr) {
  auto copy = std::make_unique<Expr>();
  copy->kind = expr.kind;
  copy->op = expr.op;
  copy->comprehension = expr.comprehension;
  copy->leading_dot = expr.leading_dot;
  copy->depth = expr.depth;
  copy->offset = expr.offset;
  copy->source = expr.source;
  copy->name = expr.name;
  copy->value = expr.value;
  copy->fields = expr.fields;
  copy->args.reserve(expr.args.size());
  for (const ExprPtr& arg : expr.args) copy->args.push_back(clone(*arg));
  return copy;
}

size_t count_nodes(const Expr& expr) {
  size_t sum = 1;
  for (const ExprPtr& arg : expr.args) sum += count_nodes(*arg);
  return sum;
}

Value literal_value(const Expr& literal) {
  if (literal.value.kind() == Kind::kString) return Value::of_string(literal.name);
  if (literal.value.kind() == Kind::kBytes) return Value::of_bytes(literal.name);
  return literal.value;
}

std::string dotted_name(const Expr& expr) {
  if (expr.kind == ExprKind::kIdent) return expr.name;
  if (expr.kind != ExprKind::kSelect) return {};
  std::string prefix = dotted_name(*expr.args[0]);
  if (prefix.empty()) return {};
  return prefix + "." + expr.name;
}

}  // namespace tocsin::cel
