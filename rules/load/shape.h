#pragma once

#include <string>

#include "rules/load/rule_scope.h"

namespace tocsin::rules {

// Canonical text of everything that decides the rule's state: select, keys, the structure of
// `detect`, time, and what the catalogue says of the indicators. Title, documentation, annotations,
// conditions and levels are not in it: with the same shape they take effect on the state as it is.
std::string shape_text(RuleScope& scope, const Rule& rule);

// Canonical text of a node: keys sorted, layout and places left out.
std::string canonical_text(const yaml::Node& node);

}  // namespace tocsin::rules
