#pragma once

#include <vector>

#include "rules/cel/ast.h"
#include "rules/cel/call.h"

namespace tocsin::cel {

// Evaluates a checked tree by walking it, with nothing prepared but regexes and zones: short enough
// to be believed, and the oracle of the compiled program. False: the error is in `frame`.
bool evaluate(const Expr& expr, const std::vector<Prepared>& prepared, Frame& frame, Value& out);

}  // namespace tocsin::cel
