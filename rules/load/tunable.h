#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/load/rule_scope.h"

// What a rule's author opens to others under `tunable`: fields of the event, for exceptions, and
// numbers of the rule, for overlays.
namespace tocsin::rules {

// The one spelling of a field: "region", "source", "indicator", or "e.attrs.NAME", which may also
// be written `NAME`. nullopt when it can be none.
std::optional<std::string> tunable_field(std::string_view written);
// NAME of "e.attrs.NAME"; "" of any other field.
std::string_view attr_of(std::string_view field);

// The fields under `tunable` of the scope's rule, whose indicators are known; what cannot be opened
// is told.
std::vector<std::string> read_tunable(RuleScope& scope, const Rule& rule);

}  // namespace tocsin::rules
