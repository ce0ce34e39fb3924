#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rules/load/rule_scope.h"

namespace tocsin::rules {

// What a rule may keep in memory, told before it runs.
//
// An estimate for a busy time, not a bound: it takes every possible group to exist and to meet one
// event in six hours, all its windows to be full, all matches of a sequence to be open, and an
// event kept whole to be 512 bytes. Events wait, where they must, as long as the catalogue says
// that a source may be late and then idle. A group that hears more keeps more evidence, distinct
// values and waiting events; what a rule really keeps is held to `limits.state` by the engine,
// which then takes no new groups.
//
// The process takes no more than a quarter beside what the engine counts (the allocator's share;
// tests/bench/storm_bench, BudgetInAStorm), whatever number of keys comes.
//
// Sizes are those of the structures themselves, with the room that vectors grow into; what the
// engine counts for a group that is as busy as this is never more.

// What one such group of the rule takes.
uint64_t bytes_per_group(const Catalogue& catalogue, const Rule& rule);

// At most how many groups it may keep: those that the catalogue allows, held to `limits.groups`.
uint64_t groups_of(const Catalogue& catalogue, const Rule& rule);

struct RuleCost {
  std::string rule;
  uint64_t groups = 0;
  uint64_t bytes_per_group = 0;
  uint64_t bytes() const { return groups * bytes_per_group; }
};
// Of all rules, the dearest first.
std::vector<RuleCost> rule_costs(const Bundle& bundle);

// "12.5 KiB"
std::string readable_bytes(uint64_t bytes);

// Tells when all groups that the catalogue and the rule's limits allow would not fit its
// `limits.state`, with the numbers.
void check_budget(RuleScope& scope, const Rule& rule);

// Tells when that of all rules together is more than `most` bytes, with the dearest.
void check_budget_of_all(const Bundle& bundle, uint64_t most, Diagnostics& diagnostics);

}  // namespace tocsin::rules
