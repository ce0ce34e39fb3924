#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "rules/model/arena.h"
#include "rules/rule.h"
#include "rules/rule_index.h"
#include "rules/shard.h"
#include "rules/told_alerts.h"

namespace tocsin::rules {

// Which groups some events may have a say in, whatever the conditions say of them: their own, those
// that read a signal or are armed by a group that is, and for rules over alerts all that lie near.
//
// Thread-safety: one thread at a time.
class Touched {
 public:
  explicit Touched(const Bundle& bundle);

  // `cause`: the event that has it looked at.
  void add(const Event& event, JournalSeq cause);
  // The source is now known further back: who is on a roster that it feeds is waited for since
  // then.
  void add_beginning(SourceId source, JournalSeq cause);
  bool empty() const { return keys_.empty(); }
  // The oldest of the events; kMaxEventTime before any.
  EventTime oldest() const { return oldest_; }
  // Takes the rules for which that holds out of it.
  void leave_out(const std::function<bool(const Rule&)>& which);
  // How many rules were.
  size_t left_out() const { return left_out_.size(); }
  // `rule`: one of the bundle, or what counts a signal or arms one of its rules.
  bool contains(const Rule& rule, const std::vector<std::string>& key) const;
  bool contains(const GroupName& group) const;
  // The event that touched the group itself; the first of all when it was reached by another way.
  JournalSeq cause_of(const GroupName& group) const;
  // What an engine must be given so that it decides of these groups as one that is given all.
  Scope scope() const;

 private:
  using Keys = std::map<std::vector<std::string>, JournalSeq>;  // with the cause

  void add_keys(const Rule& rule, const Event& event, JournalSeq cause);
  bool reads_touched(const Rule& rule, const std::vector<std::string>& key) const;
  std::optional<RegionId> country_of(const Rule& rule, const std::vector<std::string>& key) const;
  // The countries up to so many borders away.
  std::set<RegionId> near(uint32_t hops) const;
  bool rests_on_no_region(const Rule& rule) const;

  const Bundle* bundle_;
  Arena arena_;
  std::vector<const Rule*> watchers_;
  RuleIndexTable by_event_;
  std::map<std::string, const Rule*, std::less<>> by_identity_;  // rules alone
  std::map<std::string, const Rule*, std::less<>> signals_;      // by key
  std::map<std::string, Keys> keys_;                             // by identity
  std::set<RegionId> countries_;                                 // of the events
  JournalSeq first_cause_ = 0;
  EventTime oldest_ = kMaxEventTime;
  std::set<std::string, std::less<>> left_out_;  // by identity
  uint32_t hops_ = 0;                            // of the farthest-looking spillover
  bool has_rules_over_alerts_ = false;
};

}  // namespace tocsin::rules
