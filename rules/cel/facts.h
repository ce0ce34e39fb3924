#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "rules/cel/ast.h"
#include "rules/cel/program.h"

// What an expression says about the events that it can be true for, read off its syntax.
namespace tocsin::cel {

// Indicators that `expr` can be true for; nullopt: any.
std::optional<std::vector<IndicatorId>> possible_indicators(const Expr& expr,
                                                            const Environment& environment);
// Countries of regions that `expr` can be true for; nullopt: any.
std::optional<std::vector<RegionId>> possible_countries(const Expr& expr,
                                                        const Environment& environment);

// Optional fields ("e.value", "e.attrs.days") that has() tests prove present when `expr` is
// `truth`.
std::set<std::string> proven_by_has(const Expr& expr, bool truth);
// The same with those that had to be read for `expr` to be `truth` at all: reading an absent one is
// an error, and an error is neither true nor false.
std::set<std::string> proven_by_any(const Expr& expr, bool truth);

// Common elements of two sorted lists.
template <typename Id>
std::vector<Id> intersection(const std::vector<Id>& a, const std::vector<Id>& b);

}  // namespace tocsin::cel
