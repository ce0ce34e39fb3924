#include "rules/shard.h"

#include <algorithm>
#include <optional>

#include "rules/model/hash.h"

namespace tocsin::rules {

namespace {

// How many values events can have for the key; nullopt: any number.
std::optional<uint64_t> values_of(const Catalogue& catalogue, const GroupKey& key,
                                  const Rule& rule) {
  switch (key.kind) {
    case GroupKey::Kind::kRegion:
      return static_cast<uint64_t>(
          std::count_if(catalogue.regions().begin(), catalogue.regions().end(),
                        [&](const Region& region) { return region.level == key.level; }));
    case GroupKey::Kind::kSource:
      return catalogue.sources().size();
    case GroupKey::Kind::kIndicator:
      return rule.indicators ? rule.indicators->size() : catalogue.indicators().size();
    case GroupKey::Kind::kAttr: {
      if (!rule.indicators) return std::nullopt;
      uint64_t sum = 0;
      for (const IndicatorId id : *rule.indicators) {
        for (const AttrDeclaration& attr : catalogue.indicator(id).attrs) {
          if (attr.name != key.attr) continue;
          const bool is_closed = attr.type == AttrType::kBool || !attr.values.empty();
          if (!is_closed) return std::nullopt;
          sum += attr.type == AttrType::kBool ? 2 : attr.values.size();
        }
      }
      return sum;
    }
    case GroupKey::Kind::kEach:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

ShardMap::ShardMap(const Catalogue& catalogue, Shard shard, const Scope* scope)
    : catalogue_(&catalogue), shard_(shard) {
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

bool ShardMap::divides(const Rule& rule) const {
  return shard_.of <= 1 ? groups_by_region(rule) : is_spread(*catalogue_, rule);
}

std::optional<uint64_t> most_groups(const Catalogue& catalogue, const Rule& rule) {
  uint64_t groups = 1;
  for (const GroupKey& key : rule.by) {
    const auto values = values_of(catalogue, key, rule);
    if (!values) return std::nullopt;
    groups *= *values + (rule.missing_key == MissingKey::kGroup ? 1 : 0);
    if (groups > UINT32_MAX) return std::nullopt;
  }
  return groups;
}

bool is_spread(const Catalogue& catalogue, const Rule& rule) {
  const auto most = most_groups(catalogue, rule);
  return groups_by_region(rule) && most && *most <= rule.max_groups;
}

}  // namespace tocsin::rules
