#include "rules/shard.h"

#include <algorithm>

#include "rules/model/hash.h"

namespace tocsin::rules {

ShardMap::ShardMap(const Catalogue& catalogue, Shard shard, const Scope* scope) : shard_(shard) {
  if (scope != nullptr) {
    owned_ = scope->regions;
    owns_others_ = scope->others;
  }
  if (shard.of <= 1) return;
  owned_.resize(catalogue.regions().size(), true);
  for (size_t i = 0; i < owned_.size(); ++i) {
    const Region& country = catalogue.region(catalogue.regions()[i].country);
    owned_[i] = owned_[i] && hash128(country.id).low % shard.of == shard.index;
  }
}

bool ShardMap::is_home_of(const Rule& rule) const {
  if (!owns_others_) return false;
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
