#pragma once

#include "rules/cel/ast.h"

namespace tocsin::cel {

// How deep expressions may nest; the CEL definition asks for 12 at least. Bounds every recursion
// over the tree.
inline constexpr int kMaxNesting = 100;
// Depth of the tree, which also grows with chains such as a + b + c ….
inline constexpr int kMaxTreeDepth = 400;

// The syntax tree of an expression; nullptr after the first error, which is told to `diagnostics`.
// The tree points to `source`, which must outlive it.
//
// The whole grammar of CEL is accepted; what tocsin lacks is refused by name (T0190).
ExprPtr parse(const SourceText& source, Diagnostics& diagnostics);

}  // namespace tocsin::cel
