#pragma once

#include <deque>

#include "rules/cel/ast.h"
#include "rules/cel/program.h"

namespace tocsin::cel {

// Puts the bodies of `macro.NAME(arguments)` in place of the calls. False after an error: unknown
// macro, wrong number of arguments, a cycle, or more than kMaxExpandedNodes.
//
// Bodies are parsed into `sources`, which must outlive the tree. Names of the macros used are added
// to `used`.
bool expand_macros(ExprPtr& expr, const Environment& environment, std::deque<SourceText>& sources,
                   std::set<std::string>& used, Diagnostics& diagnostics);

// About 64 KiB of text.
inline constexpr size_t kMaxExpandedNodes = 8192;

}  // namespace tocsin::cel
