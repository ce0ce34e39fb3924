#include "rules/rule_index.h"

#include <set>

namespace tocsin::rules {

RuleIndexTable::RuleIndexTable(const Catalogue& catalogue, std::span<const Rule* const> rules) {
  for (const Region& region : catalogue.regions()) country_of_.push_back(region.country);
  by_indicator_.resize(catalogue.indicators().size());
  for (RuleIndex i = 0; i < rules.size(); ++i) {
    const Rule& rule = *rules[i];
    std::set<RegionId> countries;
    if (rule.countries) {
      for (const RegionId region : *rule.countries) {
        countries.insert(country_of_[static_cast<size_t>(region)]);
      }
    }
    std::set<IndicatorId> indicators;
    if (rule.indicators) indicators.insert(rule.indicators->begin(), rule.indicators->end());
    if (!rule.indicators && !rule.countries) everywhere_.push_back(i);
    if (rule.indicators && !rule.countries) {
      for (const IndicatorId id : indicators) by_indicator_[static_cast<size_t>(id)].push_back(i);
    }
    if (!rule.indicators && rule.countries) {
      for (const RegionId id : countries) any_indicator_[static_cast<uint64_t>(id)].push_back(i);
    }
    if (rule.indicators && rule.countries) {
      for (const IndicatorId indicator : indicators) {
        for (const RegionId country : countries) both_[pair_key(indicator, country)].push_back(i);
      }
    }
  }
}

}  // namespace tocsin::rules
