#include "daemon/told_in_force.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace tocsin::daemon {

std::map<Hash128, OpenTold> open_told(const rules::ToldAlerts& told, const rules::Bundle& bundle) {
  std::map<Hash128, OpenTold> open;
  told.for_each_group([&](const rules::GroupName& group) {
    const rules::Rule* rule = rule_of(bundle, group.rule);
    if (rule == nullptr) return;
    for (const rules::ToldAlert* one : told.of(group)) {
      if (!one->is_open()) continue;
      OpenTold& alert = open[one->last.alert] = {group, rule, *one};
      number_by(bundle, *rule, group, alert.told.last);
    }
  });
  return open;
}

const rules::Rule* rule_of(const rules::Bundle& bundle, std::string_view identity) {
  if (identity == bundle.overflow.identity) return &bundle.overflow;
  const auto found =
      std::find_if(bundle.rules.begin(), bundle.rules.end(),
                   [&](const rules::Rule& rule) { return rule.identity == identity; });
  return found == bundle.rules.end() ? nullptr : &*found;
}

void number_by(const rules::Bundle& bundle, const rules::Rule& rule, const rules::GroupName& group,
               AlertTransition& transition) {
  transition.rule = static_cast<RuleIndex>(&rule == &bundle.overflow
                                               ? bundle.rules.size()
                                               : static_cast<size_t>(&rule - bundle.rules.data()));
  transition.region.reset();
  for (size_t i = 0; i < group.key.size() && i < rule.by.size(); ++i) {
    if (rule.by[i].kind != rules::GroupKey::Kind::kRegion) continue;
    transition.region = bundle.catalogue->find_region(group.key[i]);
  }
}

void number_as_logged(const LoggedAlerts& logged, const rules::Bundle& bundle,
                      rules::ToldAlerts& told) {
  std::vector<std::pair<const rules::Rule*, rules::ToldAlert>> others;
  told.for_each_group([&](const rules::GroupName& group) {
    const rules::Rule* rule = rule_of(bundle, group.rule);
    for (const rules::ToldAlert* one : told.of(group)) {
      const auto known = logged.last_seq.find(one->last.alert);
      const bool is_same = known == logged.last_seq.end() || known->second == one->last.seq;
      if (is_same || rule == nullptr) continue;
      others.emplace_back(rule, *one);
      others.back().second.last.seq = known->second;
    }
  });
  for (const auto& [rule, one] : others) told.note(one.last, *rule, one.is_recorded_alone);
}

void forget_unlogged(const LoggedAlerts& logged, rules::ToldAlerts& told) {
  std::vector<std::pair<rules::GroupName, Hash128>> unlogged;
  told.for_each_group([&](const rules::GroupName& group) {
    for (const rules::ToldAlert* one : told.of(group)) {
      const Hash128 alert = one->last.alert;
      if (!one->is_open() && !logged.last_seq.contains(alert)) unlogged.emplace_back(group, alert);
    }
  });
  for (const auto& [group, alert] : unlogged) told.drop(group, alert);
}

}  // namespace tocsin::daemon
