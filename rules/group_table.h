#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "rules/detector.h"
#include "rules/in_order.h"
#include "rules/inspection.h"

namespace tocsin::rules {

// What stays in memory of a group that is cold: on the disk alone, read back when it is needed.
struct ColdGroup {
  std::string key_text;
  EventTime due = kNever;
  EventTime later = kNever;
  size_t counted_bytes = 0;
  bool was_due = false;

  size_t bytes() const {
    constexpr size_t kAllocated = 32;  // what the allocator adds, and the timer
    return kTableBytes + sizeof *this + key_text.size() + kAllocated;
  }
};

// A detector with its groups: finding, limits, timers, saving. `G` derives from Group.
//
// A group is in memory or cold, and counts the same. Cold ones have an idle alert, are saved as
// they are, and come back with the first access (awake()).
//
// Kinds say what a group holds (write_group, read_group, bytes_of), what a timer does (on_due), and
// what an open alert says when it is ended from outside (finding_of).
template <typename G>
class GroupedDetector : public Detector {
 public:
  using Detector::Detector;

  void on_timer(uint32_t index, EventTime due) override {
    if (index >= groups_.size() || due_of(index) != due) return;
    G* group = awake(index);
    if (group == nullptr) return;
    group->due = std::exchange(group->later, kNever);
    group->was_due = true;
    touch(*group);
    on_due(*group, due);
    if (groups_[index]) account(*groups_[index]);  // perhaps another
  }

  void end(std::string_view condition, EventTime at) override {
    for (const auto& group : groups_) {
      if (!group || !group->alert.is_open()) continue;
      // What it last stood on: a tick that was decided on arrival lies ahead of the watermark.
      const AlertState& alert = group->alert;
      Finding finding = finding_of(*group, std::max({at, alert.last_at, alert.provisional_at}));
      finding.condition = condition;
      resolve(*group, at, std::move(finding));
    }
  }

  void save(std::string_view prefix, const PutState& put) override {
    for (const std::string& key : removed_) put(std::string(prefix) + key, {});
    removed_.clear();
    for (const uint32_t index : dirty_) {
      is_listed_[index] = false;
      if (index >= groups_.size() || !groups_[index] || !groups_[index]->is_dirty) continue;
      G& group = *groups_[index];
      group.is_dirty = false;
      group.is_saved = true;
      put(std::string(prefix) + key_text(group), encoded(group));
    }
    dirty_.clear();
  }

  bool restore(std::string_view bytes) override {
    ByteReader from(bytes);
    if (from.u8() != kStateVersion || from.hash() != rule().shape ||
        from.u64() != around_.catalogue_print) {
      return false;
    }
    std::vector<std::string> key(from.count());
    for (std::string& part : key) part = from.text();
    const auto hash = keyer_.hash(key);
    if (!from.ok() || !hash) return false;
    if (has(*hash)) {  // from the start, see prepare()
      G* known = find(*hash);
      if (known == nullptr) return false;
      remove(*known);
    }
    G& group = create(*hash, std::move(key));
    const EventTime due = from.time();
    const EventTime later = from.time();
    count_new(group, from.time());
    group.was_due = from.u8() != 0;
    group.alert = read_alert_state(from);
    read_group(from, group);
    if (!from.at_end()) {
      remove(group);
      return false;
    }
    group.is_dirty = false;
    account(group);
    if (later != kNever) schedule(group, later);
    schedule(group, due);
    group.later = later;
    group.is_dirty = false;
    group.is_saved = true;
    group.was_used = false;
    on_restore(group);
    return true;
  }

  // The clock: a group that was used since the hand came by last is passed over.
  size_t cool(size_t bytes) override {
    size_t freed = 0;
    for (size_t left = groups_.size(); left > 0 && freed < bytes; --left, ++hand_) {
      if (hand_ >= groups_.size()) hand_ = 0;
      G* group = groups_[hand_].get();
      if (group == nullptr || std::exchange(group->was_used, false) || !may_cool(*group)) continue;
      freed += put_away(*group);
    }
    return freed;
  }

  void take_over(Detector& rebuilt, const std::function<bool(const Group&)>& touched) override {
    auto& other = static_cast<GroupedDetector<G>&>(rebuilt);
    for (uint32_t i = 0; i < groups_.size(); ++i) {
      if (!is_touched(i, touched)) continue;
      G* group = awake(i);
      if (group != nullptr && other.find(group->key) == nullptr) remove(*group);
    }
    for (const auto& group : other.groups_) {
      if (!group || !touched(*group)) continue;
      // At a limit only those whose alert is told.
      const bool may_come_in = has(group->hash) || !limit_reached();
      if (!may_come_in && group->alert.is_idle()) continue;
      restore(other.encoded(*group));
      if (G* taken = find(group->key)) touch(*taken);
    }
  }

  void pin(const std::string& identity, const std::map<GroupName, Pin>& pins,
           std::map<Hash128, Hash128>& renamed) override {
    for (auto at = pins.lower_bound({identity, {}}); at != pins.end() && at->first.rule == identity;
         ++at) {
      G* group = find(at->first.key);
      if (group == nullptr || !group->alert.is_open()) continue;
      renamed[group->alert.id] = at->second.alert;
      group->alert.id = at->second.alert;
      group->alert.seq = at->second.seq;
      group->alert.starts_at = at->second.starts_at;
      group->alert.last_at = std::max(group->alert.last_at, at->second.last_at);
      group->alert.tlp = std::max(group->alert.tlp, at->second.tlp);
      touch(*group);
    }
  }

  void forget_all(std::string_view prefix,
                  const std::function<void(std::string key)>& gone) override {
    for (const std::string& key : removed_) gone(std::string(prefix) + key);
    for (const auto& group : groups_) {
      if (group && group->is_saved) gone(std::string(prefix) + key_text(*group));
    }
    for (const auto& cold : cold_) {
      if (cold) gone(std::string(prefix) + cold->key_text);
    }
  }

  std::optional<GroupState> state_of(const std::vector<std::string>& key) override {
    if (!keyer_.hash(key)) return std::nullopt;
    const G* group = find(key);
    if (group != nullptr && group->alert.is_open()) return GroupState::kFiring;
    if (is_warming(group)) return GroupState::kWarming;
    const bool is_pending = group != nullptr && group->alert.phase == Phase::kPending;
    return is_pending ? GroupState::kPending : GroupState::kInactive;
  }

  bool has_group(const std::vector<std::string>& key) override { return find(key) != nullptr; }

  std::optional<Inspection> inspect(const std::vector<std::string>& key, EventTime at) override {
    G* group = find(key);
    if (group == nullptr) return std::nullopt;
    Inspection inspection;
    inspection.state = *state_of(key);
    inspection.level = group->alert.is_open() ? group->alert.level : Level::kNone;
    inspection.progress = progress(*group);
    if (has_finding(*group)) {
      Finding finding = finding_of(*group, at);
      inspection.condition = std::move(finding.condition);
      inspection.values = std::move(finding.values);
      inspection.evidence = finding.evidence.take();
      inspection.events_counted = finding.events_counted;
      add_readings(inspection, finding.event);
    }
    return inspection;
  }

  void reschedule() override {
    for (uint32_t i = 0; i < groups_.size(); ++i) {
      set_timer(i, due_of(i));
      set_timer(i, later_of(i));
    }
  }

 protected:
  virtual void on_due(G& group, EventTime due) = 0;
  virtual void write_group(ByteWriter& to, const G& group) = 0;
  virtual void read_group(ByteReader& from, G& group) = 0;
  virtual size_t bytes_of(const G& group) const = 0;
  virtual Finding finding_of(G& group, EventTime at) = 0;
  // Has too little history to judge; nullptr: a group that nothing is known of.
  virtual bool is_warming(const G* /*group*/) { return false; }
  // Whether there is anything to find at all: kinds of matches find nothing before the first.
  virtual bool has_finding(const G&) const { return true; }
  // What a group waits for, in words; "": nothing that has a name.
  virtual std::string progress(const G&) const { return {}; }
  // Whether all that the group remembers is saved and fits any levels, and nothing in it waits:
  // then it may go cold while its alert is idle.
  virtual bool is_at_rest(const G&) const { return true; }
  // Called once the group is as it was saved; not for one that was cold.
  virtual void on_restore(G&) {}
  // Called before the group goes.
  virtual void on_remove(G&) {}
  // Brings what the group remembers by level to the levels that the rule has now. True: it changed.
  virtual bool fit_levels(G&) { return false; }

  // nullptr: the event has no group here (a key is missing), the group was refused, or there is
  // none yet and it is not to be made.
  G* group_of(const Event& event, bool may_create = true) {
    const auto hash = keyer_.hash(event);
    if (!hash) {
      ++counters_.missing_key;
      return nullptr;
    }
    const auto found = index_of_.find(*hash);
    if (found != index_of_.end()) return awake(found->second);
    if (!may_create) return nullptr;
    const EventTime hour = counting_hour(event.time);
    if (const auto limit = limit_reached(hour)) {
      count_refused(event.time);
      around_.refuse(refusal_of(*hash, *limit));
      return nullptr;
    }
    G& group = create(*hash, keyer_.texts(event));
    count_new(group, hour);
    return &group;
  }

  // Of a key that comes up at `at`, made when there is none; nullptr as above.
  G* group_for(std::vector<std::string> key, EventTime at) {
    const auto hash = keyer_.hash(key);
    if (!hash) return nullptr;
    const auto found = index_of_.find(*hash);
    if (found != index_of_.end()) return awake(found->second);
    if (const auto limit = limit_reached()) {
      count_refused(at);
      around_.refuse(refusal_of(*hash, *limit), at, key);
      return nullptr;
    }
    return &create(*hash, std::move(key));
  }

  G* find(const std::vector<std::string>& key) {
    const auto hash = keyer_.hash(key);
    return hash ? find(*hash) : nullptr;
  }
  G* find(Hash128 hash) {
    const auto found = index_of_.find(hash);
    return found == index_of_.end() ? nullptr : awake(found->second);
  }
  // The group of that index, read back when it is cold. nullptr when there is none, or when it
  // cannot be read: that is noted, and nothing of what follows will be committed.
  G* awake(uint32_t index) {
    G* group = groups_[index].get();
    if (group == nullptr) [[unlikely]]
      return read_back(index);
    group->was_used = true;
    return group;
  }
  // Whether there is such a group, in memory or not.
  bool has(Hash128 hash) const { return index_of_.contains(hash); }
  // Whether a cold group is being read back, by read_group().
  bool is_reading_back() const { return is_reading_back_; }

  G& create(Hash128 hash, std::vector<std::string> key) {
    uint32_t index = 0;
    if (free_.empty()) {
      index = static_cast<uint32_t>(groups_.size());
      groups_.emplace_back();
      is_listed_.push_back(false);
    } else {
      index = free_.back();
      free_.pop_back();
    }
    groups_[index] = std::make_unique<G>();
    G& group = *groups_[index];
    group.hash = hash;
    group.region = keyer_.region(key);
    group.key = std::move(key);
    group.index = index;
    index_of_[hash] = index;
    ++counters_.groups;
    account(group);
    return group;
  }

  void remove(G& group) {
    on_remove(group);
    const uint32_t index = group.index;
    if (group.is_saved) removed_.push_back(key_text(group));
    index_of_.erase(group.hash);
    const auto new_groups = new_groups_.find(group.begun);
    if (new_groups != new_groups_.end() && --new_groups->second == 0) new_groups_.erase(new_groups);
    counters_.state_bytes -= group.counted_bytes;
    --counters_.groups;
    groups_[index].reset();
    free_.push_back(index);
  }

  // Nothing keeps the group any more but the turns of its alert, for as long as they count.
  void let_go(G& group, EventTime now) {
    const EventTime until = group.alert.calm_at();
    if (until <= now) {
      remove(group);
    } else {
      schedule_by(group, until);
    }
  }

  void touch(G& group) {
    if (group.is_dirty) return;
    group.is_dirty = true;
    if (is_listed_[group.index]) return;  // of a group that had the index before
    is_listed_[group.index] = true;
    dirty_.push_back(group.index);
  }

  // Wakes the group at `due` or before: a timer that was set for less stays and serves, so that a
  // deadline that every event moves on leaves no timers behind. What is woken too early finds
  // nothing to do and comes back here.
  void schedule_by(G& group, EventTime due) {
    if (due >= group.due) return;
    const EventTime later = group.due;
    schedule(group, due);
    group.later = later;
  }
  // Wakes the group at `due` and not before.
  void schedule(G& group, EventTime due) {
    touch(group);
    group.due = due;
    group.later = kNever;
    set_timer(group.index, due);
  }

  void account(G& group) {
    const size_t bytes = bytes_of(group) + sizeof(G) + kTableBytes + key_bytes(group);
    counters_.state_bytes += bytes;
    counters_.state_bytes -= group.counted_bytes;
    group.counted_bytes = bytes;
  }

  // Whether one more event may wait in the group: at the rule's limit few may in each. What is then
  // refused is counted.
  bool may_wait(size_t waiting) {
    const bool may = waiting < kFewPending || counters_.state_bytes < rule().max_state_bytes;
    if (!may) ++counters_.overflow;
    return may;
  }

  // Wakes all groups that were due before at `due` or earlier, as schedule_by().
  void schedule_all_by(EventTime due) {
    for (uint32_t i = 0; i < groups_.size(); ++i) {
      const ColdGroup* cold = cold_at(i);
      const bool was_due = cold == nullptr ? groups_[i] && groups_[i]->was_due : cold->was_due;
      if (!was_due || due >= due_of(i)) continue;
      if (G* group = awake(i)) schedule_by(*group, due);
    }
  }

  // Those in memory; null for the others.
  const std::vector<std::unique_ptr<G>>& groups() const { return groups_; }

 private:
  // A level that the rule no longer has is told of at once: nobody could make sense of it later.
  void fit_alerts() override {
    for (const auto& group : groups_) {  // cold ones have no level
      if (!group) continue;
      if (fit_levels(*group)) touch(*group);
      AlertState& alert = group->alert;
      alert.asked = fitting_level(rule().levels, alert.asked);
      const Level fitting = fitting_level(rule().levels, alert.level);
      if (fitting == alert.level) continue;
      touch(*group);
      const Level previous = std::exchange(alert.level, fitting);
      const EventTime at = std::max(watermark(), alert.last_at);
      Finding finding = finding_of(*group, at);
      finding.condition = "rule changed: it has no level " + std::string(to_string(previous));
      announce(*group, fitting > previous ? Action::kEscalate : Action::kDeescalate, previous, at,
               std::move(finding));
    }
  }

  void set_timer(uint32_t group, EventTime due) {
    if (due != kNever) around_.timeline->schedule(time_class(), {due, index(), group});
  }

  const ColdGroup* cold_at(uint32_t index) const {
    return index < cold_.size() ? cold_[index].get() : nullptr;
  }
  EventTime due_of(uint32_t index) const {
    if (groups_[index]) return groups_[index]->due;
    const ColdGroup* cold = cold_at(index);
    return cold == nullptr ? kNever : cold->due;
  }
  EventTime later_of(uint32_t index) const {
    if (groups_[index]) return groups_[index]->later;
    const ColdGroup* cold = cold_at(index);
    return cold == nullptr ? kNever : cold->later;
  }
  bool is_touched(uint32_t index, const std::function<bool(const Group&)>& touched) {
    if (groups_[index]) return touched(*groups_[index]);
    const ColdGroup* cold = cold_at(index);
    if (cold == nullptr) return false;
    Group named;
    named.key = key_of(cold->key_text);
    if (named.key.size() != rule().by.size()) {  // a key has a zero byte in it
      const G* group = awake(index);
      return group != nullptr && touched(*group);
    }
    named.region = keyer_.region(named.key);
    return touched(named);
  }

  bool may_cool(const G& group) const {
    return group.is_saved && !group.is_dirty && group.alert.is_idle() &&
           group.alert.asked == Level::kNone && is_at_rest(group);
  }
  // Returns how many bytes are free now.
  size_t put_away(G& group) {
    const uint32_t index = group.index;
    auto cold = std::make_unique<ColdGroup>(ColdGroup{.key_text = key_text(group),
                                                      .due = group.due,
                                                      .later = group.later,
                                                      .counted_bytes = group.counted_bytes,
                                                      .was_due = group.was_due});
    cold->key_text.shrink_to_fit();
    const size_t freed = spared_by(*cold);
    ++counters_.cold_groups;
    counters_.cold_bytes += freed;
    if (cold_.size() <= index) cold_.resize(groups_.size());
    cold_[index] = std::move(cold);
    groups_[index].reset();
    return freed;
  }
  static size_t spared_by(const ColdGroup& cold) {
    return cold.counted_bytes - std::min(cold.counted_bytes, cold.bytes());
  }

  G* read_back(uint32_t index) {
    const ColdGroup* cold = cold_at(index);
    if (cold == nullptr) return nullptr;
    const std::optional<std::string> bytes = around_.read_back(rule(), cold->key_text);
    if (!bytes) return nullptr;
    std::unique_ptr<G> group = decoded(*bytes, index, *cold);
    if (group == nullptr) {
      around_.note_fault(rule(), cold->key_text, ErrorCode::kCorrupt,
                         "it is not what was saved last");
      return nullptr;
    }
    ++counters_.cold_reads;
    --counters_.cold_groups;
    counters_.cold_bytes -= spared_by(*cold);
    groups_[index] = std::move(group);
    cold_[index].reset();
    return groups_[index].get();
  }
  // The group as encoded() wrote it; nullptr when it is another one. Counts nothing: it has counted
  // all along.
  std::unique_ptr<G> decoded(std::string_view bytes, uint32_t index, const ColdGroup& cold) {
    ByteReader from(bytes);
    if (from.u8() != kStateVersion || from.hash() != rule().shape ||
        from.u64() != around_.catalogue_print) {
      return nullptr;
    }
    auto group = std::make_unique<G>();
    group->key.resize(from.count());
    for (std::string& part : group->key) part = from.text();
    const auto hash = keyer_.hash(group->key);
    const auto known = hash ? index_of_.find(*hash) : index_of_.end();
    if (known == index_of_.end() || known->second != index) return nullptr;
    group->hash = *hash;
    group->region = keyer_.region(group->key);
    group->index = index;
    group->due = from.time();
    group->later = from.time();
    group->begun = from.time();
    group->was_due = from.u8() != 0;
    group->is_saved = true;
    group->counted_bytes = cold.counted_bytes;
    group->alert = read_alert_state(from);
    const RuleCounters counted = counters_;
    is_reading_back_ = true;
    read_group(from, *group);
    is_reading_back_ = false;
    counters_ = counted;
    const bool is_same = group->due == cold.due && group->later == cold.later;
    return from.at_end() && is_same ? std::move(group) : nullptr;
  }

  // Which limit keeps a new group out, of which that hour would count.
  std::optional<Limit> limit_reached(EventTime hour = kMinEventTime) const {
    if (counters_.groups >= rule().max_groups) return Limit::kGroups;
    if (counters_.state_bytes >= rule().max_state_bytes) return Limit::kState;
    const auto begun = new_groups_.find(hour);
    const bool is_storm = begun != new_groups_.end() && begun->second >= rule().max_new_groups;
    return is_storm ? std::optional(Limit::kNewGroups) : std::nullopt;
  }

  // That counts a group which begins at `at`; kMinEventTime: none does.
  EventTime counting_hour(EventTime at) {
    const EventTime hour = std::chrono::floor<std::chrono::hours>(std::max(at, watermark()));
    return counts_new_groups(hour) ? hour : kMinEventTime;
  }
  void count_new(G& group, EventTime hour) {
    group.begun = hour;
    if (hour == kMinEventTime) return;
    ++new_groups_[hour];
    // In hours that are over none begins any more.
    const EventTime now = std::chrono::floor<std::chrono::hours>(watermark());
    new_groups_.erase(new_groups_.begin(), new_groups_.lower_bound(now));
  }

  void count_refused(EventTime at) {
    ++counters_.overflow;
    ++counters_.refused;
    refused_at = std::max(refused_at, at);
  }
  Refusal refusal_of(Hash128 group, Limit limit) const {
    return {.seq = around_.seq, .watcher = index(), .group = group, .limit = limit};
  }

  std::string encoded(const G& group) {
    std::string bytes;
    ByteWriter to(bytes);
    to.u8(kStateVersion);
    to.hash(rule().shape);
    to.u64(around_.catalogue_print);
    to.u32(static_cast<uint32_t>(group.key.size()));
    for (const std::string& part : group.key) to.text(part);
    to.time(group.due);
    to.time(group.later);
    to.time(group.begun);
    to.u8(group.was_due ? 1 : 0);
    write(to, group.alert);
    write_group(to, group);
    return bytes;
  }

  static size_t key_bytes(const Group& group) {
    constexpr size_t kInside = 15;  // as much text lies in the string itself
    size_t sum = group.key.size() * sizeof(std::string);
    for (const std::string& part : group.key) {
      if (part.size() > kInside) sum += part.size() + 1;
    }
    return sum;
  }

  static std::string key_text(const Group& group) {
    std::string text;
    for (const std::string& part : group.key) {
      text += part;
      text += '\0';
    }
    return text;
  }
  static std::vector<std::string> key_of(std::string_view key_text) {
    std::vector<std::string> key;
    for (size_t end = 0; !key_text.empty(); key_text.remove_prefix(end + 1)) {
      end = key_text.find('\0');
      key.emplace_back(key_text.substr(0, end));
    }
    return key;
  }

  absl::flat_hash_map<Hash128, uint32_t> index_of_;
  std::vector<std::unique_ptr<G>> groups_;        // by index; null: free or cold
  std::vector<std::unique_ptr<ColdGroup>> cold_;  // by index, as far as any was cold
  size_t hand_ = 0;                               // of the clock, an index
  bool is_reading_back_ = false;
  std::vector<uint32_t> free_;
  std::vector<uint32_t> dirty_;               // each once, however long nobody saves
  std::vector<bool> is_listed_;               // by index: in dirty_
  std::vector<std::string> removed_;          // key texts, since the last save
  std::map<EventTime, uint32_t> new_groups_;  // by hour, of those not over; in none when it is 0
};

}  // namespace tocsin::rules
