#pragma once

#include <string>
#include <vector>

#include "rules/authoring/rule_tests.h"
#include "rules/model/diagnostic.h"
#include "rules/rule.h"

// Doubts about rules that load: warnings T0380 to T0387, told by `tocsin check` alone (the table is
// in rules/RECIPES.md).
namespace tocsin::rules {

// What can be said of the rules themselves.
void lint_rules(const Bundle& bundle, Diagnostics& diagnostics);

// Rules in production below `folders` whose file no test names (T0385).
void lint_tests(const Bundle& bundle, const std::vector<std::string>& folders,
                const std::vector<RuleTestNote>& tests, Diagnostics& diagnostics);

// The parts of lint_rules().
// T0380 to T0383: conditions that never hold, levels that say less than they seem to.
void lint_conditions(const Catalogue& catalogue, const Rule& rule, Diagnostics& diagnostics);
// T0384: items of lists that the catalogue does not know. (A literal is an error, T0118 or T0119.)
void lint_values(const Catalogue& catalogue, const Rule& rule, Diagnostics& diagnostics);

}  // namespace tocsin::rules
