#pragma once

#include <cstdint>
#include <optional>
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
// a rule that is not spread.
//
// By the texts of countries and rules, not by their numbers: a grown catalogue moves nothing.
// Thread-safety: immutable after construction.
class ShardMap {
 public:
  ShardMap(const Catalogue& catalogue, Shard shard, const Scope* scope = nullptr);

  // The groups of regions in this one's country.
  bool owns(RegionId region) const { return owned_.empty() || owned_[static_cast<size_t>(region)]; }
  // All groups of a rule that is not spread.
  bool is_home_of(const Rule& rule) const;
  // Whether the groups of the rule lie with their countries, so that this one may have some of
  // them.
  bool divides(const Rule& rule) const;

 private:
  const Catalogue* catalogue_;
  Shard shard_;
  std::vector<bool> owned_;  // by RegionId; empty: all
  bool owns_others_ = true;
};

// Whether groups of the rule lie in one country each.
bool groups_by_region(const Rule& rule);

// At most how many groups the events can make, whatever texts they have; nullopt: any number.
std::optional<uint64_t> most_groups(const Catalogue& catalogue, const Rule& rule);

// Whether the groups of the rule may lie in several shards: each in one country, and never more
// than the rule may keep. At that limit a shard would have to know how many the others keep, so a
// rule that can come to it lies whole in one.
bool is_spread(const Catalogue& catalogue, const Rule& rule);

}  // namespace tocsin::rules
