#include "rules/authoring/bundle_summary.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "rules/alert_board.h"

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
  BundleSummary summary;
  for (const Rule& rule : bundle.rules) {
    ++summary.by_status[rule.status];
    ++summary.by_driver[rule.driver];
  }
  std::vector<RuleCost> costs = rule_costs(bundle);
  for (const RuleCost& cost : costs) summary.state_bytes += cost.bytes();
  if (costs.size() > kDearest) costs.resize(kDearest);
  summary.dearest = std::move(costs);
  summary.unread = unread_indicators(bundle);
  return summary;
}

}  // namespace tocsin::rules
