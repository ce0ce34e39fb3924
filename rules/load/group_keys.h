#pragma once

#include <optional>
#include <vector>

#include "rules/load/rule_scope.h"

namespace tocsin::rules {

// `by`: what an alert of the rule is about. `indicators` are those that the rule selects (nullopt:
// any); attributes must be declared for them.
std::vector<GroupKey> compile_group_keys(RuleScope& scope,
                                         const std::optional<std::vector<IndicatorId>>& indicators);

// The same of another list of keys: `name` in `node`.
std::vector<GroupKey> compile_group_keys(RuleScope& scope, const yaml::Node& node, const char* name,
                                         const std::optional<std::vector<IndicatorId>>& indicators);

// At most how many groups the keys can make, by the catalogue; UINT32_MAX when it cannot tell.
uint32_t possible_groups(const Catalogue& catalogue, const std::vector<GroupKey>& by,
                         const std::optional<std::vector<IndicatorId>>& indicators);

// How many values an expression that is such a key can have, by the catalogue; 0 when it is none,
// or the catalogue cannot tell.
uint64_t possible_values(const Catalogue& catalogue, const std::string& expression,
                         const std::optional<std::vector<IndicatorId>>& indicators);

}  // namespace tocsin::rules
