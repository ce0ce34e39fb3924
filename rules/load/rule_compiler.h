#pragma once

#include <optional>

#include "rules/load/rule_file.h"
#include "rules/load/signal_registry.h"
#include "rules/rule.h"

namespace tocsin::rules {

// Makes a Rule of one item of a file's `rules`, which is a mapping. nullopt when it cannot be used;
// all that is wrong with it has been told.
std::optional<Rule> compile_rule(const Catalogue& catalogue, RuleFile& file, const yaml::Node& item,
                                 SignalRegistry& signals, Diagnostics& diagnostics);

}  // namespace tocsin::rules
