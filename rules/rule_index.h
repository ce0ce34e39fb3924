#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "rules/model/alert.h"
#include "rules/model/event.h"
#include "rules/rule.h"

namespace tocsin::rules {

// Which rules can match an event at all, by its indicator and country.
//
// Invariant: a rule is in exactly one of the lists that candidates() hands out for an event that it
// can match, and in none for any other.
// Thread-safety: immutable after construction.
class RuleIndexTable {
 public:
  RuleIndexTable() = default;
  RuleIndexTable(const Catalogue& catalogue, std::span<const Rule* const> rules);

  using Lists = std::array<std::span<const RuleIndex>, 4>;
  Lists candidates(IndicatorId indicator, RegionId region) const {
    const RegionId country = country_of_[static_cast<size_t>(region)];
    return {everywhere_, by_indicator_[static_cast<size_t>(indicator)],
            find(any_indicator_, static_cast<uint64_t>(country)),
            find(both_, pair_key(indicator, country))};
  }

 private:
  using Map = absl::flat_hash_map<uint64_t, std::vector<RuleIndex>>;
  static uint64_t pair_key(IndicatorId indicator, RegionId country) {
    return static_cast<uint64_t>(indicator) << 32 | static_cast<uint64_t>(country);
  }
  static std::span<const RuleIndex> find(const Map& map, uint64_t key) {
    if (map.empty()) return {};
    const auto found = map.find(key);
    return found == map.end() ? std::span<const RuleIndex>() : found->second;
  }

  std::vector<RegionId> country_of_;
  std::vector<RuleIndex> everywhere_;                 // any indicator, any country
  std::vector<std::vector<RuleIndex>> by_indicator_;  // any country
  Map any_indicator_;                                 // by country
  Map both_;
};

}  // namespace tocsin::rules
