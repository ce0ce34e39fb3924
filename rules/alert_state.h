#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "rules/model/alert.h"
#include "rules/rule.h"
#include "rules/state_codec.h"

namespace tocsin::rules {

inline constexpr EventTime kUnset = kMinEventTime;

// An alert flaps that begins to fire more often than kMostTurns times within kCalmAfter, until it
// has not begun for kCalmAfter.
inline constexpr size_t kMostTurns = 4;
inline constexpr Milliseconds kCalmAfter = std::chrono::hours(24);

enum class Phase : uint8_t { kInactive = 0, kPending = 1, kFiring = 2, kRecovering = 3 };

// The alert of one group, from inactive over pending, firing and recovering to inactive again.
//
// A turn is a time at which it began to fire: a fire, a return from recovering, or an escalation
// after a de-escalation. While it flaps, `phase` and `asked` go on as they would, `level` only up.
struct AlertState {
  Phase phase = Phase::kInactive;
  Level level = Level::kNone;  // kNone unless open
  Hash128 id;
  uint32_t seq = 0;  // of the next transition
  EventTime starts_at = kUnset;
  EventTime last_at = kUnset;  // of the last transition
  EventTime pending_since = kUnset;
  EventTime recovering_since = kUnset;
  EventTime stepped_down_at = kUnset;
  std::array<EventTime, 6> entered = {kUnset, kUnset, kUnset, kUnset, kUnset, kUnset};  // by level
  bool provisional = false;
  EventTime provisional_at = kUnset;  // the tick that will confirm it
  bool stale = false;
  bool error = false;                 // an expression of the rule failed at the last decision
  EventTime flapping_since = kUnset;  // kUnset: it does not flap
  Level asked = Level::kNone;         // while it flaps: what the rule itself asks for
  bool has_fallen = false;            // de-escalated since the last turn
  std::array<EventTime, kMostTurns + 1> turns = {kUnset, kUnset, kUnset, kUnset,
                                                 kUnset};  // the latest first; outlive the episode
  Tlp tlp = Tlp::kClear;  // highest of the episode: what it told once stays as restricted
  uint64_t told = 0;      // fingerprint of what the last transition said

  bool is_flapping() const { return flapping_since != kUnset; }
  bool is_open() const {
    return is_flapping() || phase == Phase::kFiring || phase == Phase::kRecovering;
  }
  // Neither open nor about to be.
  bool is_idle() const { return phase == Phase::kInactive && !is_flapping(); }
  // When a turn will be no reason any more to take it for flapping; kUnset: there was none.
  EventTime calm_at() const {
    return turns.front() == kUnset ? kUnset : turns.front() + kCalmAfter;
  }
  // Ends the episode, or what was pending.
  void close();
};

void write(ByteWriter& to, const AlertState& state);
AlertState read_alert_state(ByteReader& from);

// What holds at a tick, per index in Rule::levels.
struct Verdict {
  std::array<bool, 5> enters{};
  std::array<bool, 5> stays{};
  // Whether it stays could not be told (mean of too few, error): an alert that holds this level
  // does not go below it because of that.
  std::array<bool, 5> unknown{};
};

// kCalm: it flaps no longer, and is otherwise as it was.
enum class Step : uint8_t { kNothing, kFire, kEscalate, kDeescalate, kResolve, kCalm };

// Moves the state to tick `at`: pending, `for`, hold of levels, hysteresis, recovering, the end of
// flapping. With `only_up` (input is missing, the rule is at fault) nothing goes down. The level in
// `state` is the new one afterwards, except after kResolve, where it is the last one held and the
// caller closes the state. What it told may be the turn too many: start_flapping() comes next.
Step step(AlertState& state, const std::vector<LevelSpec>& levels, const AlertPolicy& policy,
          const Verdict& verdict, EventTime at, bool only_up);

// The level that a decision on arrival may raise the alert to now; nullopt: no decision.
std::optional<size_t> early_level(const AlertState& state, const std::vector<LevelSpec>& levels,
                                  const AlertPolicy& policy, const Verdict& verdict);

// Raises it to a level above what the rule asked for, outside of step().
void rise(AlertState& state, const AlertPolicy& policy, Level level, EventTime at);

// While it flaps: the rule asks for less, kNone for nothing. The level is held.
void fall(AlertState& state, Level asked);

// Begins to hold the level if there were too many turns. True: there is that to tell.
bool start_flapping(AlertState& state, const AlertPolicy& policy);

// Whether one that flaps may go down again at `at`, and that it may.
bool is_calm(const AlertState& state, const AlertPolicy& policy, EventTime at);
void stop_flapping(AlertState& state);

// When `for`, a level's hold, keep_firing_for or flapping run out next; kMaxEventTime: nothing
// runs.
EventTime next_deadline(const AlertState& state, const std::vector<LevelSpec>& levels,
                        const AlertPolicy& policy, EventTime now);

// Index of the level in `levels`; -1 for kNone.
int index_of(const std::vector<LevelSpec>& levels, Level level);

// What an alert of `level` becomes under other levels: the highest that is not above it, else the
// lowest. kNone stays.
Level fitting_level(const std::vector<LevelSpec>& levels, Level level);

}  // namespace tocsin::rules
