#pragma once

#include <memory>

#include "rules/load/rule_scope.h"

namespace tocsin::rules {

class SignalRegistry;

// `armed` of a rule; nullptr when it cannot be used, which has been told. What it captures of
// signals is read with its own keys.
std::shared_ptr<Arming> compile_arming(RuleScope& scope, SignalRegistry& registry,
                                       const yaml::Node& armed, const Rule& rule);

// Types of `armed.since` and of the captures, in slot order.
std::vector<cel::Variable> variables_of(const Arming& arming);

}  // namespace tocsin::rules
