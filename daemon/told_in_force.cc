#include "daemon/told_in_force.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace tocsin::daemon {

std::map<Hash128, OpenTold> open_told(const rules::ToldAlerts& told, const rules::Bundle& bundle,
                                      const std::function<bool(Hash128)>& is_wanted) {
  std::map<Hash128, OpenTold> open;
  told.for_each_group([&](const rules::GroupName& group) {
    const rules::Rule* rule = rule_of(bundle, group.rule);
    if (rule == nullptr) return;
    for (const rules::ToldAlert* one : told.of(group)) {
      if (!one->is_open() || (is_wanted && !is_wanted(one->last.alert))) continue;
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

std::set<Hash128> ids_of(const rules::ToldAlerts& told) {
  std::set<Hash128> ids;
  told.for_each_group([&](const rules::GroupName& group) {
    for (const rules::ToldAlert* one : told.of(group)) ids.insert(one->last.alert);
  });
  return ids;
}

void number_as_logged(const LoggedAlerts& logged, rules::ToldAlerts& told) {
  std::vector<std::pair<rules::GroupName, Hash128>> known;
  told.for_each_group([&](const rules::GroupName& group) {
    for (const rules::ToldAlert* one : told.of(group)) known.emplace_back(group, one->last.alert);
  });
  std::set<Hash128> ids;
  for (const auto& [group, alert] : known) {
    ids.insert(alert);
    const auto number = logged.last_seq.find(alert);
    if (number != logged.last_seq.end()) told.renumber(group, alert, number->second);
  }
  for (const auto& [alert, seq] : logged.last_seq) {
    if (!ids.contains(alert)) told.note_number(alert, seq);
  }
}

void forget_unlogged(const LoggedAlerts& logged, const std::set<Hash128>& told_before,
                     rules::ToldAlerts& told) {
  std::vector<std::pair<rules::GroupName, Hash128>> unlogged;
  told.for_each_group([&](const rules::GroupName& group) {
    for (const rules::ToldAlert* one : told.of(group)) {
      const Hash128 alert = one->last.alert;
      const bool was_told = logged.last_seq.contains(alert) || told_before.contains(alert);
      if (!one->is_open() && !was_told) unlogged.emplace_back(group, alert);
    }
  });
  for (const auto& [group, alert] : unlogged) told.drop(group, alert);
}

}  // namespace tocsin::daemon
