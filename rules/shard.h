#pragma once

#include <cstdint>
#include <vector>

#include "rules/model/catalogue.h"
#include "rules/rule.h"

namespace tocsin::rules {

// One of several engines that share the groups of a bundle; alone it has them all.
struct Shard {
  uint32_t index = 0;
  uint32_t of = 1;
};

// A part of all groups: those of some countries, with or without those of rules that do not group
// by region. Events elsewhere then tell nothing but the time.
struct Scope {
  std::vector<bool> regions;  // by RegionId, whole countries
  bool others = false;
};

// Which groups are a shard's: those of a country lie together in one shard, and so do all groups of
// a rule that does not group by region.
//
// By the texts of countries and rules, not by their numbers: a grown catalogue moves nothing.
// Thread-safety: immutable after construction.
class ShardMap {
 public:
  ShardMap(const Catalogue& catalogue, Shard shard, const Scope* scope = nullptr);

  // The groups of regions in this one's country.
  bool owns(RegionId region) const { return owned_.empty() || owned_[static_cast<size_t>(region)]; }
  // All groups of a rule that does not group by region.
  bool is_home_of(const Rule& rule) const;

 private:
  Shard shard_;
  std::vector<bool> owned_;  // by RegionId; empty: all
  bool owns_others_ = true;
};

// Whether groups of the rule lie in one country each.
bool groups_by_region(const Rule& rule);

}  // namespace tocsin::rules
