#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "rules/group_table.h"

namespace tocsin::rules {

// When the last match of each level was.
using LastMatches = std::array<EventTime, 6>;
inline constexpr LastMatches kNoMatches = {kUnset, kUnset, kUnset, kUnset, kUnset, kUnset};

// Group of a rule whose alert fires at points in time and holds for a while after each.
struct EpisodeGroup : Group {
  LastMatches last_match = kNoMatches;
  EventTime matched_at = kUnset;  // the latest match: what is read beside it is of then
  uint64_t matches = 0;           // of this episode
  bool has_news = false;          // a match that no transition has told of yet
};

// The life of such alerts: the level at any time is the highest among the matches of the last
// `hold`; when none is left, the alert is resolved. One that flaps is held at its level. While all
// feeds are silent none of this is known: the level stays and is marked stale.
template <typename G>
class EpisodeDetector : public GroupedDetector<G> {
 public:
  using GroupedDetector<G>::GroupedDetector;

 protected:
  // Records a match at `at` and tells of it: fire, escalate, confirm, or an update now and then.
  //
  // `at` makes the identity of a new alert and never comes twice: an alert lives past its own `at`,
  // and the next one begins no earlier than it ended. `event_time`, which a late event shares with
  // alerts long over, is only what the alert starts at.
  void raise(G& group, Level level, EventTime at, EventTime event_time, bool is_early) {
    AlertState& alert = group.alert;
    const AlertPolicy& policy = this->rule().alert;
    EventTime& last = group.last_match[static_cast<size_t>(level)];
    last = std::max(last, at);
    const Level previous = alert.level;
    const bool is_new = !alert.is_open();
    if (level > (alert.is_flapping() ? alert.asked : alert.level)) rise(alert, policy, level, at);
    const bool was_stale = std::exchange(alert.stale, false);
    group.has_news = true;
    group.matched_at = std::max(group.matched_at, event_time);
    if (is_new) {
      mark(alert, is_early, at);
      // A late match has the moment of its decision from the watermark; that of a match in time may
      // be the same once this one has turned out to be of another time.
      const bool is_late = event_time < at;
      this->open(group, level, at, event_time, is_late ? event_time : kUnset);
      tell(group, Action::kFire, Level::kNone, at);
    } else if (alert.level > previous) {
      mark(alert, is_early, at);
      tell(group, Action::kEscalate, previous, at);
    } else if (alert.provisional && !is_early && at >= alert.provisional_at) {
      alert.provisional = false;
      tell(group, Action::kUpdate, previous, at);
    } else if (was_stale || add(alert.last_at, policy.update_every) <= at) {
      tell(group, Action::kUpdate, previous, at);
    }
    if (start_flapping(alert, policy)) tell(group, Action::kUpdate, alert.level, at);
  }

  // An early match after the hold is an episode of its own: the one before is over, as far as
  // anybody knows when the match comes. (The watermark would end it before it took the match.) A
  // straggler might still have prolonged it: its end is provisional.
  void end_if_over(G& group, EventTime at) {
    EventTime end = kUnset;
    for (const LevelSpec& spec : this->rule().levels) {
      end = std::max(end, held_until(group, spec.level));
    }
    AlertState& alert = group.alert;
    if (end > at || !alert.is_open()) return;
    const bool is_held = alert.is_flapping() && !is_calm(alert, this->rule().alert, at);
    if (!is_held) alert.provisional = true;
    while (alert.is_open() && next_end(group) <= at) pass(group, next_end(group), true);
  }

  // What time alone brings at `at`: end of hold or of flapping, updates that were held back, the
  // stale mark.
  void let_pass(G& group, EventTime at) {
    AlertState& alert = group.alert;
    if (!alert.is_open()) return;
    const EventTime end = next_end(group);
    if (end <= at && this->around_.timeline->is_stale(this->own_feeds(), end)) {
      if (!std::exchange(alert.stale, true)) tell(group, Action::kUpdate, alert.level, at);
      return;
    }
    pass(group, at, false);
  }

  // The match that raised the alert on arrival stands: nothing earlier can come any more.
  void confirm(G& group) {
    AlertState& alert = group.alert;
    alert.provisional = false;
    tell(group, Action::kUpdate, alert.level, alert.provisional_at);
  }

  EventTime next_episode_due(const G& group) {
    const AlertState& alert = group.alert;
    if (!alert.is_open()) return kNever;
    EventTime due = next_end(group);
    if (alert.stale) due = std::max(due, this->watermark()) + kLookAgain;
    if (group.has_news) due = std::min(due, add(alert.last_at, this->rule().alert.update_every));
    if (alert.provisional) due = std::min(due, alert.provisional_at + kMoment);
    return due;
  }

  void write_episode(ByteWriter& to, const G& group) const {
    for (const EventTime t : group.last_match) to.time(t);
    to.time(group.matched_at);
    to.u64(group.matches);
    to.u8(group.has_news ? 1 : 0);
  }
  void read_episode(ByteReader& from, G& group) const {
    for (EventTime& t : group.last_match) t = from.time();
    group.matched_at = from.time();
    group.matches = from.u64();
    group.has_news = from.u8() != 0;
  }

  bool has_finding(const G& group) const override { return group.alert.is_open(); }

  bool is_at_rest(const G& group) const override { return group.last_match == kNoMatches; }

  // Empties what belongs to the episode that ended.
  virtual void forget(G& group) {
    group.last_match.fill(kUnset);
    group.matched_at = kUnset;
    group.matches = 0;
    group.has_news = false;
  }

  bool fit_levels(G& group) override { return fit_matches(group.last_match); }

  bool fit_matches(LastMatches& matches) const {
    bool has_changed = false;
    for (size_t i = 1; i < matches.size(); ++i) {
      const Level fitting = fitting_level(this->rule().levels, static_cast<Level>(i));
      if (matches[i] == kUnset || fitting == static_cast<Level>(i)) continue;
      EventTime& last = matches[static_cast<size_t>(fitting)];
      last = std::max(last, std::exchange(matches[i], kUnset));
      has_changed = true;
    }
    return has_changed;
  }

 private:
  // How often a stale alert is looked at, in event time.
  static constexpr Milliseconds kLookAgain = std::chrono::hours(1);

  static void mark(AlertState& alert, bool is_early, EventTime at) {
    alert.provisional = is_early;
    alert.provisional_at = is_early ? std::max(alert.provisional_at, at) : kUnset;
  }

  // When time alone changes something next.
  EventTime next_end(const G& group) const {
    const AlertState& alert = group.alert;
    if (!alert.is_flapping()) return held_until(group, alert.level);
    if (alert.asked == Level::kNone) return alert.calm_at();
    return std::min(alert.calm_at(), held_until(group, alert.asked));
  }

  void pass(G& group, EventTime at, bool is_early) {
    AlertState& alert = group.alert;
    alert.stale = false;
    Level left = Level::kNone;
    for (const LevelSpec& spec : this->rule().levels) {
      if (held_until(group, spec.level) > at) left = spec.level;
    }
    bool is_calm_now = false;
    if (alert.is_flapping()) {
      if (left != alert.asked) fall(alert, left);
      is_calm_now = is_calm(alert, this->rule().alert, at);
      if (is_calm_now) {
        stop_flapping(alert);
      } else {
        left = alert.level;
      }
    }
    const bool is_due =
        group.has_news && !is_early && add(alert.last_at, this->rule().alert.update_every) <= at;
    if (left == Level::kNone) {
      this->read_as_of(group.matched_at);
      this->resolve(group, at, this->finding_of(group, at), is_early);
      this->read_as_of(std::nullopt);
      forget(group);
    } else if (left < alert.level) {
      const Level previous = std::exchange(alert.level, left);
      alert.has_fallen = true;
      tell(group, Action::kDeescalate, previous, at);
    } else if (is_calm_now || is_due) {
      tell(group, Action::kUpdate, alert.level, at);
    }
  }

  void tell(G& group, Action action, Level previous, EventTime at) {
    group.has_news = false;
    this->read_as_of(group.matched_at);
    this->announce(group, action, previous, at, this->finding_of(group, at));
    this->read_as_of(std::nullopt);
  }

  // At least a moment, so that an alert is over after the time of its match, not at it.
  EventTime held_until(const G& group, Level level) const {
    const EventTime last = group.last_match[static_cast<size_t>(level)];
    if (last == kUnset) return kUnset;
    return std::max(add(last, this->rule().alert.hold), last + kMoment);
  }
};

}  // namespace tocsin::rules
