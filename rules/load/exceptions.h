#pragma once

#include <optional>
#include <vector>

#include "rules/load/rule_file.h"
#include "rules/rule.h"

namespace tocsin::rules {

// Gives the rules, sorted by id, the `exceptions` that any of the files has for them, compiled.
// Tells those that name what is not there or not opened, that can never match, that add nothing to
// another, and, given `today`, those that have ended or soon will.
//
// Order and names of the files change nothing. A rule that did not compile is passed over.
void add_exceptions(const std::vector<RuleFile>& files, const Catalogue& catalogue,
                    std::optional<WallTime> today, std::vector<Rule>& rules,
                    Diagnostics& diagnostics);

}  // namespace tocsin::rules
