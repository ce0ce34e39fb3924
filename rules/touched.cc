#include "rules/touched.h"

#include <algorithm>

#include "rules/alert_board.h"
#include "rules/cel/program.h"
#include "rules/detector.h"
#include "rules/group_key.h"
#include "rules/key_map.h"

namespace tocsin::rules {

Touched::Touched(const Bundle& bundle)
    : bundle_(&bundle), watchers_(watchers_of(bundle)), by_event_(*bundle.catalogue, watchers_) {
  for (const Signal& signal : bundle.signals) signals_[signal.key] = &signal.rule;
  for (const Rule& rule : bundle.rules) {
    by_identity_[rule.identity] = &rule;
    has_rules_over_alerts_ = has_rules_over_alerts_ || is_over_alerts(rule.kind());
    const auto* spillover = std::get_if<SpilloverDetect>(&rule.detect);
    if (spillover != nullptr) hops_ = std::max(hops_, spillover->hops);
  }
}

void Touched::add(const Event& event, JournalSeq cause) {
  if (first_cause_ == 0) first_cause_ = cause;
  oldest_ = std::min(oldest_, event.time);
  countries_.insert(bundle_->catalogue->region(event.region).country);
  for (const auto& list : by_event_.candidates(event.indicator, event.region)) {
    for (const RuleIndex number : list) add_keys(*watchers_[number], event, cause);
  }
}

void Touched::add_beginning(SourceId source, JournalSeq cause) {
  const Catalogue& catalogue = *bundle_->catalogue;
  for (const Rule& rule : bundle_->rules) {
    const auto* absence = std::get_if<AbsenceDetect>(&rule.detect);
    if (absence == nullptr || absence->roster.empty()) continue;
    const std::vector<SourceId> feeds = own_sources(catalogue, rule);
    if (std::find(feeds.begin(), feeds.end(), source) == feeds.end()) continue;
    const GroupKeyer keyer(catalogue, rule.by, rule.missing_key);
    for (const std::string& name : absence->roster) {
      keys_[rule.identity].try_emplace({name}, cause);
      const auto region = keyer.region({name});
      if (region) countries_.insert(catalogue.region(*region).country);
    }
  }
}

void Touched::add_keys(const Rule& rule, const Event& event, JournalSeq cause) {
  GroupKeyer keyer(*bundle_->catalogue, rule.by, rule.missing_key);
  Keys& keys = keys_[rule.identity];
  arena_.reset();
  const std::string_view none;
  const std::span<const std::string_view> whole(&none, 1);
  for (const std::string_view text : rule.each ? each_of(rule, event, arena_).texts : whole) {
    keyer.set_each(text);
    if (keyer.hash(event)) keys.try_emplace(keyer.texts(event), cause);
  }
}

std::optional<RegionId> Touched::country_of(const Rule& rule,
                                            const std::vector<std::string>& key) const {
  const GroupKeyer keyer(*bundle_->catalogue, rule.by, rule.missing_key);
  const auto region = keyer.region(key);
  if (!region) return std::nullopt;
  return bundle_->catalogue->region(*region).country;
}

std::set<RegionId> Touched::near(uint32_t hops) const {
  std::set<RegionId> reached = countries_;
  std::set<RegionId> edge = countries_;
  for (; hops > 0; --hops) {
    std::set<RegionId> next;
    for (const RegionId country : edge) {
      for (const RegionId neighbour : bundle_->catalogue->neighbours(country)) {
        if (reached.insert(neighbour).second) next.insert(neighbour);
      }
    }
    edge = std::move(next);
  }
  return reached;
}

void Touched::leave_out(const std::function<bool(const Rule&)>& which) {
  for (const Rule& rule : bundle_->rules) {
    if (which(rule)) left_out_.insert(rule.identity);
  }
}

bool Touched::contains(const Rule& rule, const std::vector<std::string>& key) const {
  if (left_out_.contains(rule.identity)) return false;
  if (is_over_alerts(rule.kind())) {
    const auto country = country_of(rule, key);
    return country && near(hops_).contains(*country);
  }
  const auto own = keys_.find(rule.identity);
  if (own != keys_.end()) {
    if (own->second.contains(key)) return true;
    const auto* terms = std::get_if<NewTermDetect>(&rule.detect);
    if (terms != nullptr && terms->also_new_to_country) {
      const auto country = country_of(rule, key);
      if (country && countries_.contains(*country)) return true;
    }
  }
  return reads_touched(rule, key);
}

bool Touched::contains(const GroupName& group) const {
  const auto rule = by_identity_.find(group.rule);
  return rule != by_identity_.end() && contains(*rule->second, group.key);
}

JournalSeq Touched::cause_of(const GroupName& group) const {
  const auto rule = keys_.find(group.rule);
  if (rule == keys_.end()) return first_cause_;
  const auto found = rule->second.find(group.key);
  return found == rule->second.end() ? first_cause_ : found->second;
}

bool Touched::reads_touched(const Rule& rule, const std::vector<std::string>& key) const {
  if (rule.signals.empty() && rule.arming == nullptr) return false;
  const Catalogue& catalogue = *bundle_->catalogue;
  Group group;
  group.key = key;
  group.region = GroupKeyer(catalogue, rule.by, rule.missing_key).region(key);
  std::vector<std::string> theirs;
  const auto is_touched = [&](const Rule& read) {
    return KeyMap(rule.by, read.by).apply(catalogue, group, theirs) && contains(read, theirs);
  };
  for (const SignalUse& use : rule.signals) {
    for (const std::string& name : use.signals) {
      if (is_touched(*signals_.at(name))) return true;
    }
  }
  return rule.arming != nullptr && is_touched(rule.arming->rule);
}

bool Touched::rests_on_no_region(const Rule& rule) const {
  if (is_over_alerts(rule.kind())) return false;
  if (!groups_by_region(rule)) return true;
  for (const SignalUse& use : rule.signals) {
    for (const std::string& name : use.signals) {
      if (rests_on_no_region(*signals_.at(name))) return true;
    }
  }
  return rule.arming != nullptr && rests_on_no_region(rule.arming->rule);
}

Scope Touched::scope() const {
  const Catalogue& catalogue = *bundle_->catalogue;
  Scope scope;
  scope.others = std::any_of(watchers_.begin(), watchers_.end(), [&](const Rule* rule) {
    return (has_rules_over_alerts_ || keys_.contains(rule->identity)) && rests_on_no_region(*rule);
  });
  scope.regions.assign(catalogue.regions().size(), scope.others);
  if (scope.others) return scope;
  // What is decided of a country rests on the alerts of those that may press on it.
  const std::set<RegionId> countries = near(2 * hops_);
  for (size_t i = 0; i < scope.regions.size(); ++i) {
    scope.regions[i] = countries.contains(catalogue.regions()[i].country);
  }
  return scope;
}

}  // namespace tocsin::rules
