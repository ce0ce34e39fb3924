#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rules/cel/program.h"
#include "tests/oracle/journal.h"
#include "tests/oracle/ticks.h"

// What an event belongs to, by the keys of a rule.
namespace tocsin::rules::oracle {

using Key = std::vector<std::string>;

// The region itself or what it is a part of; nullopt when it is coarser than that.
std::optional<RegionId> lifted(const Catalogue& catalogue, RegionId region, RegionLevel level);

// nullopt: the event lacks a key and the rule leaves such events out.
std::optional<Key> key_of(const Catalogue& catalogue, const Rule& rule, const Event& event);
// The region among the keys.
std::optional<RegionId> region_of(const Catalogue& catalogue, const std::vector<GroupKey>& by,
                                  const Key& key);
// What a group of `by` is under the fewer or coarser keys of `wanted`; nullopt when it is nothing.
std::optional<Key> key_under(const Catalogue& catalogue, const std::vector<GroupKey>& by,
                             const Key& key, const std::vector<GroupKey>& wanted);

// Whether the condition over the event alone is true; an error is not.
bool is_true_of(const cel::Program& program, const Event& event);
// What it is in numbers; nullopt: absent, an error, or no number.
std::optional<double> number_of(const cel::Program& program, const Event& event);

using Groups = std::map<Key, std::vector<Seen>>;

// What the rule's `select` lets through, by group, in order.
Groups groups_of(const Case& of, const Rule& rule);

// In the order in which they are taken one after the other: what is late, when it comes; the
// others, when nothing earlier can.
void sort_as_taken(std::vector<Seen>& events);

// When the group was first heard of, as of the tick at `now`, in panes: a silence of more than
// twice `reach` panes ends what it was heard of before.
size_t first_pane_of(const std::vector<Seen>& events, const Ticks& ticks, size_t now, size_t reach);

// A measure over some events; `values` of them had one.
struct Amount {
  std::optional<double> number;
  size_t values = 0;
};
Amount amount_of(const Measure& measure, const std::vector<Seen>& events);

}  // namespace tocsin::rules::oracle
