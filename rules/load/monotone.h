#pragma once

#include "rules/load/rule_scope.h"

namespace tocsin::rules {

// Whether more events can only ever raise what the rule decides, so that it may fire on arrival and
// a straggler can confirm but never contradict it. nullopt: yes; else why not, for people.
std::optional<std::string> why_not_monotone(const RuleScope& scope, const Rule& rule);

// The longest wait for stragglers that the rule has: its own and that of every source that can feed
// it.
Milliseconds lateness_of(const Catalogue& catalogue, const Rule& rule);

}  // namespace tocsin::rules
