#include "rules/kinds/overflow.h"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::rules {

namespace {

constexpr uint64_t kTellEvery = 100;  // times as many

std::string joined(const std::vector<std::string>& key) {
  return fmt::format("{}", fmt::join(key, " / "));
}

std::string text_of(Limit limit, const Rule& rule) {
  switch (limit) {
    case Limit::kGroups:
      return fmt::format("groups: {}", rule.max_groups);
    case Limit::kState:
      return fmt::format("state: {}KiB", rule.max_state_bytes >> 10);
    case Limit::kNewGroups:
      return fmt::format("new_groups_per_hour: {}", rule.max_new_groups);
  }
  return {};
}

constexpr Limit kLimits[] = {Limit::kGroups, Limit::kState, Limit::kNewGroups};
uint8_t bit_of(Limit limit) { return static_cast<uint8_t>(1U << static_cast<unsigned>(limit)); }

}  // namespace

OverflowDetector::OverflowDetector(Surroundings& around, const Rule& rule, RuleIndex index,
                                   Timeline::ClassId time_class)
    : EpisodeDetector(around, rule, index, time_class) {
  list_watchers();
}

void OverflowDetector::list_watchers() {
  hashes_.clear();
  for (const Rule* watcher : around_.watchers) {
    hashes_.push_back(*keyer_.hash(std::vector<std::string>{watcher->identity}));
  }
}

// What is not there any more refuses nothing.
void OverflowDetector::on_rebind() {
  list_watchers();
  for (uint32_t i = 0; i < groups().size(); ++i) {
    if (!groups()[i] || watcher_of(*groups()[i]) != nullptr) continue;
    OverflowGroup& group = *groups()[i];
    if (group.alert.is_open()) {
      const EventTime at = std::max(watermark(), group.alert.last_at);
      Finding finding = finding_of(group, at);
      finding.condition = "rule removed";
      resolve(group, at, std::move(finding));
    }
    remove(group);
  }
}

const Rule* OverflowDetector::watcher_of(const OverflowGroup& group) const {
  for (size_t i = 0; i < hashes_.size(); ++i) {
    if (hashes_[i] == group.hash) return around_.watchers[i];
  }
  return nullptr;
}

// An event may be of several groups, and come here without its texts.
std::string OverflowDetector::name_of(const Refusal& refusal, const Event& event) {
  const Rule& rule = *around_.watchers[refusal.watcher];
  GroupKeyer keyer(*around_.catalogue, rule.by, rule.missing_key);
  if (!rule.each) return joined(keyer.texts(event));
  for (const std::string_view text : each_of(rule, event, around_.arena).texts) {
    keyer.set_each(text);
    if (keyer.hash(event) == refusal.group) return joined(keyer.texts(event));
  }
  return {};
}

void OverflowDetector::take(const Refusal& refusal, const Event* event, EventTime at,
                            const std::vector<std::string>* key) {
  const Hash128 hash = hashes_[refusal.watcher];
  OverflowGroup* group = find(hash);
  if (group == nullptr) {
    group = &create(hash, {around_.watchers[refusal.watcher]->identity});
  }
  touch(*group);
  std::string name;
  if (group->refused.is_new_in_sample(refusal.group)) {
    name = event == nullptr ? joined(*key) : name_of(refusal, *event);
  }
  const JournalSeq seq = event == nullptr ? 0 : refusal.seq;
  group->refused.add(refusal.group, event, seq, std::move(name));
  group->limits |= bit_of(refusal.limit);
  if (++group->matches == 1) group->tell_at = kTellEvery;
  AlertState& alert = group->alert;
  const EventTime now = watermark();
  at = std::max({at, now, alert.last_at});
  raise(*group, Level::kWarning, at, at, false);
  if (group->matches == group->tell_at) {
    group->tell_at *= kTellEvery;
    group->has_news = false;
    announce(*group, Action::kUpdate, alert.level, at, finding_of(*group, at));
  }
  account(*group);
  go_on(*group, now);
}

void OverflowDetector::on_due(OverflowGroup& group, EventTime due) {
  touch(group);
  let_pass(group, due);
  go_on(group, due);
}

void OverflowDetector::go_on(OverflowGroup& group, EventTime now) {
  const EventTime due = next_episode_due(group);
  if (due == kNever) {
    let_go(group, now);
  } else {
    schedule_by(group, due);
  }
}

Finding OverflowDetector::finding_of(OverflowGroup& group, EventTime at) {
  const RefusedGroups& refused = group.refused;
  const auto events = static_cast<int64_t>(refused.events());
  const auto groups = static_cast<int64_t>(refused.groups());
  Finding finding;
  set_common(group, group.alert.level, at, group.alert.is_open() ? group.alert.starts_at : at);
  own_variable(0) = cel::Value::of_int(events);
  own_variable(1) = cel::Value::of_int(groups);
  std::vector<std::string> names;
  for (const RefusedGroups::Sample& one : refused.sample()) {
    names.push_back(one.name);
    if (one.event.seq != 0) finding.evidence.add(one.event.seq, "refused", one.event.tlp);
  }
  std::vector<std::string> limits;
  const Rule* watcher = watcher_of(group);
  for (const Limit limit : kLimits) {
    if (watcher != nullptr && (group.limits & bit_of(limit)) != 0) {
      limits.push_back(text_of(limit, *watcher));
    }
  }
  const std::string reached = fmt::format("{}", fmt::join(limits, ", "));
  const std::string sample = fmt::format("{}", fmt::join(names, "; "));
  finding.values = {{"events", events}, {"groups", groups}, {"limit", reached}, {"sample", sample}};
  finding.condition =
      fmt::format("at its limit ({}) it refused {} events of about {} groups: {}{}", reached,
                  events, groups, sample, refused.groups() > names.size() ? "; …" : "");
  finding.events_counted = refused.events();
  finding.tlp = refused.tlp();
  return finding;
}

void OverflowDetector::forget(OverflowGroup& group) {
  EpisodeDetector::forget(group);
  group.refused.clear();
  group.limits = 0;
  group.tell_at = 0;
}

uint64_t OverflowDetector::refused_groups(size_t watcher) {
  const OverflowGroup* group = find(hashes_[watcher]);
  return group == nullptr ? 0 : group->refused.groups();
}

void OverflowDetector::write_group(ByteWriter& to, const OverflowGroup& group) {
  write_episode(to, group);
  group.refused.write(to);
  to.u8(group.limits);
  to.u64(group.tell_at);
}

void OverflowDetector::read_group(ByteReader& from, OverflowGroup& group) {
  read_episode(from, group);
  group.refused.read(from);
  group.limits = from.u8();
  group.tell_at = from.u64();
}

}  // namespace tocsin::rules
