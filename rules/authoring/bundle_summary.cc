#include "rules/authoring/bundle_summary.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "rules/alert_board.h"
#include "rules/load/budget.h"

namespace tocsin::rules {

namespace {

// None when some rule looks at every event.
std::vector<std::string> unread_indicators(const Bundle& bundle) {
  std::set<IndicatorId> read;
  for (const Rule* watcher : watchers_of(bundle)) {
    if (is_over_alerts(watcher->kind())) continue;
    if (!watcher->indicators) return {};
    read.insert(watcher->indicators->begin(), watcher->indicators->end());
  }
  std::vector<std::string> unread;
  const auto& indicators = bundle.catalogue->indicators();
  for (size_t i = 0; i < indicators.size(); ++i) {
    if (!read.contains(static_cast<IndicatorId>(i))) unread.push_back(indicators[i].name);
  }
  return unread;
}

}  // namespace

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
  summary.unread = unread_indicators(bundle);
  return summary;
}

}  // namespace tocsin::rules
