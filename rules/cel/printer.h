#pragma once

#include <string>

#include "rules/cel/ast.h"

namespace tocsin::cel {

// The expression in its one canonical spelling: no needless parentheses, single blanks, texts in
// double quotes. Parsing the result gives the same tree.
std::string print(const Expr& expr);

// A text as a CEL literal.
std::string quote(std::string_view text);
// A finite number as a double literal: the shortest that reads back as the same, never like an int.
std::string print_double(double number);

}  // namespace tocsin::cel
