#pragma once

#include <vector>

#include "rules/load/rule_scope.h"

namespace tocsin::rules {

// `levels`, or `severity` as the one level; lowest first. Empty when there is none, which has been
// told.
std::vector<LevelSpec> compile_levels(RuleScope& scope, const Detect& detect);

}  // namespace tocsin::rules
