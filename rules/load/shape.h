#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/load/rule_scope.h"

namespace tocsin::rules {

// Canonical text of everything that decides the rule's state: select, keys, the structure of
// `detect`, time, and what the catalogue says of the indicators. Title, documentation, annotations,
// conditions and levels are not in it: with the same shape they take effect on the state as it is.
std::string shape_text(RuleScope& scope, const Rule& rule);

// The parts in which two such texts differ, each once, in their order: "kind", "select", "by",
// "missing", "timezone", "lateness", "detect", and "catalogue" for what it says of the indicators.
std::vector<std::string> changed_parts(std::string_view before, std::string_view after);

// The text without the rule's id: two rules with the same do the same work.
std::string shape_without_id(std::string_view shape_text);

// Canonical text of a node: keys sorted, layout and places left out.
std::string canonical_text(const yaml::Node& node);

}  // namespace tocsin::rules
