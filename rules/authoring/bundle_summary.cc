#include "rules/authoring/bundle_summary.h"

#include <algorithm>
#include <tuple>

#include "rules/load/budget.h"

namespace tocsin::rules {

BundleSummary summarize(const Bundle& bundle) {
  const Catalogue& catalogue = *bundle.catalogue;
  BundleSummary summary;
  std::vector<RuleCost> costs;
  for (const Rule& rule : bundle.rules) {
    ++summary.by_status[rule.status];
    ++summary.by_driver[rule.driver];
    costs.push_back({.rule = rule.id,
                     .groups = groups_of(catalogue, rule),
                     .bytes_per_group = bytes_per_group(catalogue, rule)});
    summary.state_bytes += costs.back().bytes();
  }
  const size_t shown = std::min(kDearest, costs.size());
  std::partial_sort(costs.begin(), costs.begin() + static_cast<std::ptrdiff_t>(shown), costs.end(),
                    [](const RuleCost& a, const RuleCost& b) {
                      return std::tuple(b.bytes(), a.rule) < std::tuple(a.bytes(), b.rule);
                    });
  costs.resize(shown);
  summary.dearest = std::move(costs);
  return summary;
}

}  // namespace tocsin::rules
