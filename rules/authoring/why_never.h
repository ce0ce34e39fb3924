#pragma once

#include <limits>
#include <map>
#include <string>
#include <vector>

#include "rules/cel/program.h"

namespace tocsin::rules {

// What is known of a number before any condition asks for it.
struct KnownRange {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
};
// By the number's expression as cel::print() has it: "e.value", "n".
using KnownRanges = std::map<std::string, KnownRange>;

struct Condition {
  const cel::Program* program = nullptr;
  bool holds = true;  // it is asked to be true, or else to be false
};

// Why the conditions cannot all be as they are asked to be; "" when they can, or when it cannot be
// told.
//
// Sees constants, comparisons of one expression with numbers and texts, membership in constant
// lists, and a condition with its own opposite; over `&&`, `||`, `!` and `?:`. An expression that
// gives an error is neither true nor false. What it says is so; it does not see everything.
std::string why_never(const std::vector<Condition>& conditions, const KnownRanges& known);

}  // namespace tocsin::rules
