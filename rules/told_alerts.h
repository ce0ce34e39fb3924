#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/model/alert.h"
#include "rules/rule.h"

namespace tocsin::rules {

// A group of a rule, by what outlives reloads: the rule's identity and the key's texts.
struct GroupName {
  std::string rule;
  std::vector<std::string> key;  // in `by` order
  friend auto operator<=>(const GroupName&, const GroupName&) = default;
};

GroupName group_of(const AlertTransition& transition, const Rule& rule);

// An alert as it was last told.
struct ToldAlert {
  AlertTransition last;  // the region as text is in the group's key; `rule` is of the time
  bool is_withdrawn = false;
  bool is_recorded_alone = false;  // raised of a past that wakes nobody
  bool was_sent = false;           // while its rule was in production

  bool is_open() const { return !is_withdrawn && !last.ends_at; }
};

// What has been told of every alert that a correction may still change: the open ones, and those
// that ended within the correction horizon. What is decided anew is told against it (reconcile.h).
// Of all others it keeps the last number: rules that are put back may raise them once more.
//
// A function of what was noted before each forget(), not of its order or of when it was saved.
// Thread-safety: one thread at a time.
class ToldAlerts {
 public:
  void note(const AlertTransition& transition, const Rule& rule, bool is_recorded_alone);
  // As if it had never been told.
  void drop(const GroupName& group, Hash128 alert);
  // Alerts of the rule that were over for longer than `keep` when it decided last.
  void forget(const std::string& rule_identity, Milliseconds keep);
  // nullptr: none of that id is known. Until the next call that changes something.
  const ToldAlert* find(const AlertTransition& transition, const Rule& rule) const;
  // The number that the next transition of this alert has; 0: nothing was told of it.
  uint32_t next_seq(const AlertTransition& transition, const Rule& rule) const;
  // What comes next of that alert is numbered after `last_seq`: of one of the group that is known,
  // or of one that nothing else is known of.
  void renumber(const GroupName& group, Hash128 alert, uint32_t last_seq);
  void note_number(Hash128 alert, uint32_t last_seq);
  // Of one group, by when they started; pointers hold until the next call that changes something.
  std::vector<const ToldAlert*> of(const GroupName& group) const;
  // Calls each(name) for all groups that something was told of.
  template <typename Each>
  void for_each_group(Each&& each) const {
    for (const auto& [identity, rule] : rules_) {
      for (const auto& [key, alerts] : rule.groups) each(GroupName{identity, key});
    }
  }
  // What was over before may have been forgotten.
  EventTime forgotten_before(std::string_view rule_identity) const;

  // Calls put(key, value) for what changed since the last call; value empty: gone.
  template <typename Put>
  void save(Put&& put) {
    for (const auto& [alert, group] : changed_) put(to_hex(alert), written(group, alert));
    changed_.clear();
    for (auto& [identity, rule] : rules_) {
      if (std::exchange(rule.is_dirty, false)) put(kRulePrefix + identity, written(identity, rule));
    }
  }
  // False for bytes that were not saved under that key, or in another format.
  bool restore(std::string_view key, std::string_view value);

 private:
  struct OfRule {
    EventTime newest = kMinEventTime;  // decision
    EventTime forgotten_before = kMinEventTime;
    bool is_dirty = false;
    std::map<std::vector<std::string>, std::map<Hash128, ToldAlert>> groups;  // by key
  };
  static const std::string kRulePrefix;

  const ToldAlert* find(const GroupName& group, Hash128 alert) const;
  // "" when it is not there.
  std::string written(const GroupName& group, Hash128 alert) const;
  static std::string written(const std::string& identity, const OfRule& rule);

  std::map<std::string, OfRule, std::less<>> rules_;  // by identity
  absl::flat_hash_map<Hash128, uint32_t> numbers_;    // the last, of those that are not in `rules_`
  std::map<Hash128, GroupName> changed_;
};

}  // namespace tocsin::rules
