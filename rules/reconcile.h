#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "rules/model/alert.h"
#include "rules/rule.h"
#include "rules/told_alerts.h"

namespace tocsin::rules {

// Where the open alert of a group goes on: under the id that it was told by.
struct Pin {
  Hash128 alert;
  uint32_t seq = 0;  // of the next transition
  EventTime starts_at{};
  EventTime last_at{};
  Tlp tlp = Tlp::kClear;  // what it told once stays as restricted
};

// Whether an open alert may keep its level where it would not come to it: the level has an `exit`,
// or the alert flaps.
bool holds_itself(const AlertTransition& open, const Rule& rule);

struct Reconciled {
  std::vector<AlertTransition> tell;  // numbered by the bundle that `decided` is of
  std::map<GroupName, Pin> pins;      // of the groups whose alert is open
  // What became of their alerts rests on what is not known any more. Nothing is told of them, and
  // they go on as they are: with the state that they have, and not with the one that was decided.
  std::set<GroupName> undecided;
  bool knows_alerts = true;  // else one of a rule over events is among them

  // Whether the group goes on with the state that was decided. What rests on alerts does not while
  // one of these is not known.
  bool is_decided(const Rule& rule, const std::vector<std::string>& key) const;
  size_t undecided_rules() const;
};

// What must be told so that what was told becomes what is now decided.
//
// `decided`: all transitions of an engine that was fed what is now known, in order. Only groups
// that `touched` names are compared. An episode that was decided is the
// alert that was told under its id, or else one whose time meets its own; it keeps that one's id,
// whatever its start has become. Of those left, what was decided fires (`retroactive`), what was
// told is withdrawn. Each (rule, group) ends as decided:
//
//   told     decided      tell
//   open     open         escalate, deescalate, or update when anything else that is said differs
//   open     over         resolve
//   over     open         fire again
//   over     over         resolve anew when the end, level or anything said differs
//   nothing  open         fire
//   nothing  over         fire, resolve
//   open     nothing      withdraw
//   over     nothing      withdraw
//   withdrawn, then decided again: as nothing, under the id that it had
//
// `known_from`: before it, what is decided of a rule cannot be trusted, since the journal does not
// reach back so far. What was told to begin before keeps its start and its id. It is told what came
// to it since `settled`: that it ends, fires again or rises, and that it goes down when nothing but
// its windows holds a level. Else an open one stays as it was told, and is undecided where what is
// decided says otherwise; so is an open one that nothing was told of. `settled` is not before
// `known_from` where a group is touched.
// `settled`: nothing that is looked at happened before; what was over by then stays as it was told,
// which may have been forgotten, with `told.forgotten_before()`.
// `now`: the event time that such a decision is of when nothing else tells.
Reconciled reconcile(const ToldAlerts& told, const std::vector<AlertTransition>& decided,
                     const Bundle& bundle, const std::function<bool(const GroupName&)>& touched,
                     const std::function<EventTime(const Rule&)>& known_from, EventTime settled,
                     EventTime now);

}  // namespace tocsin::rules
