#pragma once

#include <vector>

#include "rules/rule.h"

namespace tocsin::rules {

// Finds which rules each rule over alerts may look at: it waits for all that they wait for. To be
// called when all rules are compiled.
void link_rules_over_alerts(std::vector<Rule>& rules, Diagnostics& diagnostics);

}  // namespace tocsin::rules
