#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
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

  bool is_open() const { return !is_withdrawn && !last.ends_at; }
};

// What has been told of every alert that a correction may still change: the open ones, and those
// that ended within the correction horizon. What is decided anew is told against it (reconcile.h).
// Thread-safety: one thread at a time.
class ToldAlerts {
 public:
  void note(const AlertTransition& transition, const Rule& rule);
  // Of one group, by when they started; pointers hold until the next call that changes something.
  std::vector<const ToldAlert*> of(const GroupName& group) const;
  // All groups that something was told of.
  const std::map<GroupName, std::map<Hash128, ToldAlert>>& groups() const { return groups_; }
  // Forgets what was over before `t`.
  void forget_before(EventTime t);

  // Calls put(key, value) for what changed since the last call; value empty: gone.
  template <typename Put>
  void save(Put&& put) {
    for (const auto& [alert, group] : changed_) put(to_hex(alert), written(group, alert));
    changed_.clear();
  }
  bool restore(std::string_view bytes);

 private:
  // "" when it is not there.
  std::string written(const GroupName& group, Hash128 alert) const;

  std::map<GroupName, std::map<Hash128, ToldAlert>> groups_;
  std::map<Hash128, GroupName> changed_;
};

}  // namespace tocsin::rules
