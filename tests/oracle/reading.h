#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/oracle/group.h"
#include "tests/oracle/ticks.h"
#include "tests/oracle/variables.h"

namespace tocsin::rules::oracle {

// What a rule reads beside its own events: signals, and what armed it.
class Reading {
 public:
  Reading(const Case& of, const Rule& reader);

  // Of the group at the last tick of the signal up to `at`, as it was known at `decided`.
  std::optional<double> signal(size_t use, const Key& key, EventTime at, EventTime decided) const;
  // One figure for the pane: an indicator's mean over it, a declared signal's value at its end.
  std::optional<double> figure(size_t use, const Key& key, EventTime from, EventTime to,
                               EventTime decided) const;
  // Whether a signal of that use counts the event.
  bool is_counted(size_t use, const Event& event) const;

  // The event that holds the group armed at `at`; nullptr: none.
  const Event* armed_by(const Key& key, EventTime at) const;
  // Since when events count, for what an event armed.
  EventTime armed_from(const Event* by) const;
  bool is_always_armed() const { return reader_.arming == nullptr; }

  // Sets the variables of all that is read, and the time.
  void fill(Variables& variables, const Key& key, EventTime at) const;

 private:
  struct Counted {
    const Signal* signal = nullptr;
    Groups groups;
    Ticks ticks;
  };
  struct Use {
    const SignalUse* about = nullptr;
    std::vector<Counted> sources;  // the first that has a value is read
  };
  struct ArmingSeen {
    Seen seen;
    bool disarms = false;
  };

  std::vector<Use> uses_of(const Rule& rule) const;
  void note_arming();
  static std::vector<Seen> in_window(const Counted& counted, const Key& key, EventTime from,
                                     EventTime to, EventTime decided);
  std::optional<double> value_of(const Use& use, const std::vector<GroupKey>& by, const Key& key,
                                 EventTime at, EventTime decided) const;
  std::optional<double> value_at(const Use& use, const Counted& counted, const Key& key,
                                 EventTime at, EventTime decided) const;
  void fill_captures(Variables& variables, const Event& by) const;

  const Case& of_;
  const Rule& reader_;
  std::vector<Use> uses_;
  std::vector<Use> captured_;  // signals of captures
  std::map<Key, std::vector<ArmingSeen>> arming_;
};

}  // namespace tocsin::rules::oracle
