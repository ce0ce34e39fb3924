#include "rules/shard.h"

#include <algorithm>

#include "rules/model/hash.h"

namespace tocsin::rules {

ShardMap::ShardMap(const Catalogue& catalogue, Shard shard) : shard_(shard) {
  if (shard.of <= 1) return;
  for (const Region& region : catalogue.regions()) {
    const Region& country = catalogue.region(region.country);
    owned_.push_back(hash128(country.id).low % shard.of == shard.index);
  }
}

bool ShardMap::is_home_of(const Rule& rule) const {
  return shard_.of <= 1 || hash128(rule.identity).low % shard_.of == shard_.index;
}

bool groups_by_region(const Rule& rule) {
  // Events without the region meet in one group, from whatever country; a country all events have.
  const auto has_country = [&](const GroupKey& key) {
    return key.kind == GroupKey::Kind::kRegion &&
           (rule.missing_key == MissingKey::kDrop || key.level == RegionLevel::kCountry);
  };
  return std::any_of(rule.by.begin(), rule.by.end(), has_country);
}

}  // namespace tocsin::rules
