#pragma once

#include <cstdint>

#include "rules/load/rule_scope.h"

namespace tocsin::rules {

// An upper bound of the memory that one group of the rule can take.
uint64_t bytes_per_group(const Rule& rule);

// Tells when all groups that the catalogue and the rule's limits allow would not fit its
// `limits.state`, with the numbers.
void check_budget(RuleScope& scope, const Rule& rule);

}  // namespace tocsin::rules
