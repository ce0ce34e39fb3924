#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rules/cel/ast.h"

namespace tocsin::rules {

// What can be read off expressions that compare names with numbers.

// `people >= 50.0` or `people > 50.0` and nothing else.
struct LowerBound {
  std::string variable;
  double value = 0;
  bool strict = false;
};
std::optional<LowerBound> single_lower_bound(const std::string& expression);

// `variable OP value`, OP one of < <= > >=.
struct Comparison {
  std::string variable;
  bool upward = false;  // > or >=
  bool strict = false;
  double value = 0;
};
// Those that hold whenever `condition` does: it itself, or the parts of its `&&`.
std::vector<Comparison> required_comparisons(const cel::Expr& condition);

// Why an exit holds while its enter does as well ("" when that cannot be seen): for each name that
// both compare with a number, leaving must begin on the other side of entering.
std::string exit_complaint(const std::string& enter, const std::string& exit);

}  // namespace tocsin::rules
