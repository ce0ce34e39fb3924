#include "ingest/row_columns.h"

#include <algorithm>

#include "ingest/source_mapping.h"
#include "rules/cel/ast.h"

namespace tocsin::ingest {
namespace {

using cel::Expr;
using cel::ExprKind;

bool is_row(const Expr& expr) {
  return expr.kind == ExprKind::kIdent && expr.target == cel::Target::kVariable &&
         expr.index == kRowSlot;
}

// The text of a literal; nullptr when the expression is something else.
const std::string* literal_text(const Expr& expr) {
  return expr.kind == ExprKind::kLiteral && expr.value.kind() == cel::Kind::kString ? &expr.name
                                                                                    : nullptr;
}

// The column that this node reads of the row; nullptr when it is no such node.
const std::string* column_of(const Expr& expr) {
  if (expr.args.empty() || !is_row(*expr.args[0])) return nullptr;
  switch (expr.kind) {
    case ExprKind::kSelect:
    case ExprKind::kHas:
      return &expr.name;
    case ExprKind::kIndex:
      return literal_text(*expr.args[1]);
    case ExprKind::kCall:
    case ExprKind::kMethod:
      return expr.builtin == cel::Builtin::kGet ? literal_text(*expr.args[1]) : nullptr;
    default:
      return nullptr;
  }
}

void collect(const Expr& expr, RowColumns& found) {
  if (is_row(expr)) found.whole_row = true;
  size_t first = 0;
  if (const std::string* const name = column_of(expr)) {
    found.names.push_back(*name);
    first = 1;  // the row itself has been accounted for
  }
  for (size_t i = first; i < expr.args.size(); ++i) collect(*expr.args[i], found);
}

}  // namespace

RowColumns row_columns(const cel::Program& expression) {
  RowColumns found;
  collect(expression.tree(), found);
  std::sort(found.names.begin(), found.names.end());
  found.names.erase(std::unique(found.names.begin(), found.names.end()), found.names.end());
  return found;
}

}  // namespace tocsin::ingest
