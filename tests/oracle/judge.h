#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "tests/oracle/lifecycle.h"
#include "tests/oracle/reading.h"

namespace tocsin::rules::oracle {

// One group of a rule that is judged at ticks.
class Judge {
 public:
  Judge(const Case& of, const Rule& rule, const Reading& reading, Key key)
      : of_(of), rule_(rule), reading_(reading), key_(std::move(key)), variables_(rule) {}
  virtual ~Judge() = default;

  // What the rule finds at the tick.
  Judged judged_at(EventTime at);
  // Sets the numbers and events that it rests on; after judged_at() of the same tick.
  virtual void tell(Said& said) const = 0;
  const Key& key() const { return key_; }
  const Rule& rule() const { return rule_; }

 protected:
  // Sets the variables of the kind. Whether the rule's own condition holds; nullopt: unknown.
  virtual std::optional<bool> look(EventTime at) = 0;
  // Of those events, what is in [from, to) and known at `at`.
  static std::vector<Seen> between(const std::vector<Seen>& events, EventTime from, EventTime to,
                                   EventTime at);
  void tell_events(const std::vector<Seen>& events, Said& said) const;
  // Since when events count, as of the last tick.
  EventTime armed_from() const { return reading_.armed_from(armed_by_); }

  const Case& of_;
  const Rule& rule_;
  const Reading& reading_;
  Key key_;
  Variables variables_;

 private:
  const Event* armed_by_ = nullptr;
};

// What is said of a group at the ticks in [from, to], given that it was judged at each.
std::vector<Said> said_at_ticks(Judge& judge, const Ticks& ticks, size_t from, size_t to);

// The first tick that can tell of one of the events.
size_t first_tick(const Ticks& ticks, const std::vector<Seen>& events);

}  // namespace tocsin::rules::oracle
