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

enum class Phase : uint8_t { kInactive = 0, kPending = 1, kFiring = 2, kRecovering = 3 };

// The alert of one group, from inactive over pending, firing and recovering to inactive again.
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
  Tlp tlp = Tlp::kClear;  // highest of the episode: what it told once stays as restricted
  uint64_t told = 0;      // fingerprint of what the last transition said

  bool is_open() const { return phase == Phase::kFiring || phase == Phase::kRecovering; }
  // Ends the episode.
  void close() { *this = AlertState{}; }
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

enum class Step : uint8_t { kNothing, kFire, kEscalate, kDeescalate, kResolve };

// Moves the state to tick `at`: pending, `for`, hold of levels, hysteresis, recovering. With
// `only_up` (input is missing) nothing goes down. The level in `state` is the new one afterwards,
// except after kResolve, where it is the last one held and the caller closes the state.
Step step(AlertState& state, const std::vector<LevelSpec>& levels, const AlertPolicy& policy,
          const Verdict& verdict, EventTime at, bool only_up);

// The level that a decision on arrival may raise the alert to now; nullopt: no decision.
std::optional<size_t> early_level(const AlertState& state, const std::vector<LevelSpec>& levels,
                                  const AlertPolicy& policy, const Verdict& verdict);

// When `for`, a level's hold or keep_firing_for run out next; kMaxEventTime: nothing runs.
EventTime next_deadline(const AlertState& state, const std::vector<LevelSpec>& levels,
                        const AlertPolicy& policy, EventTime now);

// Index of the level in `levels`; -1 for kNone.
int index_of(const std::vector<LevelSpec>& levels, Level level);

// What an alert of `level` becomes under other levels: the highest that is not above it, else the
// lowest. kNone stays.
Level fitting_level(const std::vector<LevelSpec>& levels, Level level);

}  // namespace tocsin::rules
