#include "rules/told_alerts.h"

#include <algorithm>

#include "rules/state_codec.h"

namespace tocsin::rules {

namespace {

constexpr uint8_t kToldVersion = 5;    // 3: sealed; 5: was_sent
constexpr uint8_t kNumberVersion = 4;  // the last number alone
// Looking for what can be forgotten costs a walk over all that is kept of the rule.
constexpr Milliseconds kBetweenForgetting = std::chrono::hours(24);

void write(ByteWriter& to, const std::map<std::string, std::string>& texts) {
  to.u32(static_cast<uint32_t>(texts.size()));
  for (const auto& [language, text] : texts) {
    to.text(language);
    to.text(text);
  }
}

void read(ByteReader& from, std::map<std::string, std::string>& texts) {
  for (uint32_t left = from.count(); left > 0 && from.ok(); --left) {
    std::string language(from.text());
    texts[std::move(language)] = from.text();
  }
}

void write(ByteWriter& to, const Measured& value) {
  to.text(value.name);
  to.u8(static_cast<uint8_t>(value.value.index()));
  if (const auto* i = std::get_if<int64_t>(&value.value)) to.i64(*i);
  if (const auto* d = std::get_if<double>(&value.value)) to.f64(*d);
  if (const auto* s = std::get_if<std::string>(&value.value)) to.text(*s);
}

void read(ByteReader& from, Measured& value) {
  value.name = from.text();
  switch (from.u8()) {
    case 0:
      value.value = from.i64();
      break;
    case 1:
      value.value = from.f64();
      break;
    default:
      value.value = std::string(from.text());
  }
}

// Without `rule` and `region`, which are numbers of one bundle.
void write(ByteWriter& to, const AlertTransition& t) {
  to.hash(t.alert);
  to.u32(t.seq);
  to.u8(static_cast<uint8_t>(t.action));
  to.u8(static_cast<uint8_t>(t.level));
  to.u8(static_cast<uint8_t>(t.previous));
  to.u32(static_cast<uint32_t>(t.group.size()));
  for (const auto& [name, value] : t.group) {
    to.text(name);
    to.text(value);
  }
  for (const EventTime time : {t.starts_at, t.at, t.ends_at.value_or(kMinEventTime), t.watermark}) {
    to.time(time);
  }
  to.u8(t.ends_at ? 1 : 0);
  to.u8(t.provisional ? 1 : 0);
  to.u8(static_cast<uint8_t>(t.tlp));
  to.u8(t.stale ? 1 : 0);
  to.u8(t.error ? 1 : 0);
  to.u8(t.flapping_since ? 1 : 0);
  to.time(t.flapping_since.value_or(kMinEventTime));
  write(to, t.title);
  write(to, t.summary);
  to.u32(static_cast<uint32_t>(t.values.size()));
  for (const Measured& value : t.values) write(to, value);
  to.text(t.condition);
  to.u32(static_cast<uint32_t>(t.evidence.size()));
  for (const EvidenceRef& ref : t.evidence) {
    to.u64(ref.seq);
    to.text(ref.role);
  }
  to.u64(t.events_counted);
}

AlertTransition read_transition(ByteReader& from) {
  AlertTransition t;
  t.alert = from.hash();
  t.seq = from.u32();
  t.action = static_cast<Action>(from.u8());
  t.level = static_cast<Level>(from.u8());
  t.previous = static_cast<Level>(from.u8());
  t.group.resize(from.count());
  for (auto& [name, value] : t.group) {
    name = from.text();
    value = from.text();
  }
  t.starts_at = from.time();
  t.at = from.time();
  const EventTime ends_at = from.time();
  t.watermark = from.time();
  if (from.u8() != 0) t.ends_at = ends_at;
  t.provisional = from.u8() != 0;
  t.tlp = static_cast<Tlp>(from.u8());
  t.stale = from.u8() != 0;
  t.error = from.u8() != 0;
  const bool is_flapping = from.u8() != 0;
  const EventTime flapping_since = from.time();
  if (is_flapping) t.flapping_since = flapping_since;
  read(from, t.title);
  read(from, t.summary);
  t.values.resize(from.count());
  for (Measured& value : t.values) read(from, value);
  t.condition = from.text();
  t.evidence.resize(from.count());
  for (EvidenceRef& ref : t.evidence) {
    ref.seq = from.u64();
    ref.role = from.text();
  }
  t.events_counted = from.u64();
  return t;
}

}  // namespace

GroupName group_of(const AlertTransition& transition, const Rule& rule) {
  GroupName group{rule.identity, {}};
  for (const auto& [name, value] : transition.group) group.key.push_back(value);
  return group;
}

const std::string ToldAlerts::kRulePrefix = "rule ";

void ToldAlerts::note(const AlertTransition& transition, const Rule& rule, bool is_recorded_alone) {
  GroupName group = group_of(transition, rule);
  OfRule& of_rule = rules_[group.rule];
  ToldAlert& told = of_rule.groups[group.key][transition.alert];
  told.last = transition;
  told.is_withdrawn = transition.action == Action::kWithdraw;
  told.is_recorded_alone = is_recorded_alone;
  told.was_sent |= rule.status == RuleStatus::kProduction && !is_recorded_alone;
  numbers_.erase(transition.alert);
  // What is told of the past may be of the time of the telling, ahead of the rule's.
  if (transition.at > of_rule.newest && !transition.retroactive) {
    of_rule.newest = transition.at;
    of_rule.is_dirty = true;
  }
  changed_[transition.alert] = std::move(group);
}

void ToldAlerts::drop(const GroupName& group, Hash128 alert) {
  const auto rule = rules_.find(group.rule);
  if (rule == rules_.end()) return;
  const auto alerts = rule->second.groups.find(group.key);
  if (alerts == rule->second.groups.end() || alerts->second.erase(alert) == 0) return;
  if (alerts->second.empty()) rule->second.groups.erase(alerts);
  changed_[alert] = group;
}

uint32_t ToldAlerts::next_seq(const AlertTransition& transition, const Rule& rule) const {
  if (const ToldAlert* told = find(transition, rule)) return told->last.seq + 1;
  const auto number = numbers_.find(transition.alert);
  return number == numbers_.end() ? 0 : number->second + 1;
}

void ToldAlerts::renumber(const GroupName& group, Hash128 alert, uint32_t last_seq) {
  const auto rule = rules_.find(group.rule);
  if (rule == rules_.end()) return;
  const auto alerts = rule->second.groups.find(group.key);
  if (alerts == rule->second.groups.end()) return;
  const auto told = alerts->second.find(alert);
  if (told == alerts->second.end() || told->second.last.seq == last_seq) return;
  told->second.last.seq = last_seq;
  changed_[alert] = group;
}

void ToldAlerts::note_number(Hash128 alert, uint32_t last_seq) {
  numbers_[alert] = last_seq;
  changed_[alert] = {};
}

const ToldAlert* ToldAlerts::find(const AlertTransition& transition, const Rule& rule) const {
  return find(group_of(transition, rule), transition.alert);
}

const ToldAlert* ToldAlerts::find(const GroupName& group, Hash128 alert) const {
  const auto of_rule = rules_.find(group.rule);
  if (of_rule == rules_.end()) return nullptr;
  const auto of_group = of_rule->second.groups.find(group.key);
  if (of_group == of_rule->second.groups.end()) return nullptr;
  const auto told = of_group->second.find(alert);
  return told == of_group->second.end() ? nullptr : &told->second;
}

std::vector<const ToldAlert*> ToldAlerts::of(const GroupName& group) const {
  std::vector<const ToldAlert*> alerts;
  const auto rule = rules_.find(group.rule);
  if (rule == rules_.end()) return alerts;
  const auto found = rule->second.groups.find(group.key);
  if (found == rule->second.groups.end()) return alerts;
  for (const auto& [id, alert] : found->second) alerts.push_back(&alert);
  std::stable_sort(alerts.begin(), alerts.end(), [](const ToldAlert* a, const ToldAlert* b) {
    return a->last.starts_at < b->last.starts_at;
  });
  return alerts;
}

EventTime ToldAlerts::forgotten_before(std::string_view rule_identity) const {
  const auto rule = rules_.find(rule_identity);
  return rule == rules_.end() ? kMinEventTime : rule->second.forgotten_before;
}

void ToldAlerts::forget(const std::string& identity, Milliseconds keep) {
  const auto found = rules_.find(identity);
  if (found == rules_.end()) return;
  OfRule& rule = found->second;
  const EventTime before = rule.newest - keep;
  if (before < rule.forgotten_before + kBetweenForgetting) return;
  rule.forgotten_before = before;
  rule.is_dirty = true;
  for (auto group = rule.groups.begin(); group != rule.groups.end();) {
    auto& alerts = group->second;
    for (auto alert = alerts.begin(); alert != alerts.end();) {
      const ToldAlert& told = alert->second;
      if (told.is_open() || told.last.at >= before) {
        ++alert;
        continue;
      }
      note_number(alert->first, told.last.seq);
      alert = alerts.erase(alert);
    }
    group = alerts.empty() ? rule.groups.erase(group) : std::next(group);
  }
}

std::string ToldAlerts::written(const GroupName& group, Hash128 alert) const {
  const ToldAlert* told = find(group, alert);
  const auto number = numbers_.find(alert);
  std::string bytes;
  ByteWriter to(bytes);
  if (told == nullptr && number == numbers_.end()) return bytes;
  if (told == nullptr) {
    to.u8(kNumberVersion);
    to.hash(alert);
    to.u32(number->second);
    sealed(to_hex(alert), bytes);
    return bytes;
  }
  to.u8(kToldVersion);
  to.text(group.rule);
  to.u32(static_cast<uint32_t>(group.key.size()));
  for (const std::string& part : group.key) to.text(part);
  to.u8(told->is_withdrawn ? 1 : 0);
  to.u8(told->is_recorded_alone ? 1 : 0);
  to.u8(told->was_sent ? 1 : 0);
  write(to, told->last);
  sealed(to_hex(alert), bytes);
  return bytes;
}

std::string ToldAlerts::written(const std::string& identity, const OfRule& rule) {
  std::string bytes;
  ByteWriter to(bytes);
  to.u8(kToldVersion);
  to.time(rule.newest);
  to.time(rule.forgotten_before);
  sealed(kRulePrefix + identity, bytes);
  return bytes;
}

bool ToldAlerts::restore(std::string_view key, std::string_view value) {
  if (!unseal(key, value)) return false;
  ByteReader from(value);
  const uint8_t version = from.u8();
  if (version == kNumberVersion) {
    const Hash128 alert = from.hash();
    numbers_[alert] = from.u32();
    return from.at_end();
  }
  if (version != kToldVersion) return false;
  if (key.starts_with(kRulePrefix)) {
    OfRule& rule = rules_[std::string(key.substr(kRulePrefix.size()))];
    rule.newest = from.time();
    rule.forgotten_before = from.time();
    return from.at_end();
  }
  const std::string identity(from.text());
  std::vector<std::string> group(from.count());
  for (std::string& part : group) part = from.text();
  ToldAlert told;
  told.is_withdrawn = from.u8() != 0;
  told.is_recorded_alone = from.u8() != 0;
  told.was_sent = from.u8() != 0;
  told.last = read_transition(from);
  if (!from.at_end()) return false;
  rules_[identity].groups[std::move(group)].insert_or_assign(told.last.alert, std::move(told));
  return true;
}

}  // namespace tocsin::rules
