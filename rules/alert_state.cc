#include "rules/alert_state.h"

#include <algorithm>
#include <utility>

namespace tocsin::rules {

namespace {

EventTime& entered_at(AlertState& state, const LevelSpec& level) {
  return state.entered[static_cast<size_t>(level.level)];
}

void note_entries(AlertState& state, const std::vector<LevelSpec>& levels, const Verdict& verdict,
                  EventTime at) {
  for (size_t i = 0; i < levels.size(); ++i) {
    EventTime& since = entered_at(state, levels[i]);
    if (!verdict.enters[i]) {
      since = kUnset;
    } else if (since == kUnset) {
      since = at;
    }
  }
}

bool has_held(AlertState& state, const LevelSpec& level, EventTime at) {
  const EventTime since = entered_at(state, level);
  return since != kUnset && add(since, level.hold) <= at;
}

bool has_begun(const AlertState& state) {
  return state.phase == Phase::kFiring || state.phase == Phase::kRecovering;
}

void note_turn(AlertState& state, const AlertPolicy& policy, EventTime at) {
  state.has_fallen = false;
  if (!policy.holds_flapping) return;
  const EventTime latest = std::max(at, state.turns.front());
  std::shift_right(state.turns.begin(), state.turns.end(), 1);
  state.turns.front() = latest;
}

Step step_closed(AlertState& state, const std::vector<LevelSpec>& levels, const AlertPolicy& policy,
                 EventTime at) {
  const bool some = std::any_of(levels.begin(), levels.end(), [&](const LevelSpec& level) {
    return entered_at(state, level) != kUnset;
  });
  if (!some) {
    state.phase = Phase::kInactive;
    state.pending_since = kUnset;
    return Step::kNothing;
  }
  if (state.phase == Phase::kInactive) {
    state.phase = Phase::kPending;
    state.pending_since = at;
  }
  if (add(state.pending_since, policy.pending) > at) return Step::kNothing;
  for (size_t i = levels.size(); i-- > 0;) {
    if (!has_held(state, levels[i], at)) continue;
    state.phase = Phase::kFiring;
    state.level = levels[i].level;
    return Step::kFire;
  }
  return Step::kNothing;
}

int target_of(AlertState& state, const std::vector<LevelSpec>& levels, const AlertPolicy& policy,
              const Verdict& verdict, EventTime at, bool only_up) {
  const int current = index_of(levels, state.level);
  int target = -1;
  for (int i = 0; i < static_cast<int>(levels.size()); ++i) {
    const auto slot = static_cast<size_t>(i);
    const bool holds = i <= current ? verdict.stays[slot] || verdict.unknown[slot]
                                    : has_held(state, levels[slot], at);
    if (holds) target = i;
  }
  if (only_up) return std::max(target, current);
  if (policy.max_step_down == 0 || target >= current) return target;
  const EventTime last = state.stepped_down_at;
  if (last != kUnset && add(last, policy.step_down_every) > at) return current;
  return std::max(target, current - static_cast<int>(policy.max_step_down));
}

Step step_open(AlertState& state, const std::vector<LevelSpec>& levels, const AlertPolicy& policy,
               const Verdict& verdict, int target, EventTime at, bool only_up) {
  const int current = index_of(levels, state.level);
  if (target >= 0) {
    const bool is_known = !only_up && !verdict.unknown[static_cast<size_t>(target)];
    // A recovering alert stays as it is while nothing can be known.
    if (!is_known && target <= current && state.phase == Phase::kRecovering) return Step::kNothing;
    state.phase = Phase::kFiring;
    state.recovering_since = kUnset;
    if (target == current) return Step::kNothing;
    state.level = levels[static_cast<size_t>(target)].level;
    if (target < current) state.stepped_down_at = at;
    return target > current ? Step::kEscalate : Step::kDeescalate;
  }
  if (state.phase == Phase::kFiring) {
    state.phase = Phase::kRecovering;
    state.recovering_since = at;
  }
  return add(state.recovering_since, policy.keep_firing_for) <= at ? Step::kResolve
                                                                   : Step::kNothing;
}

// Whether it flaps or not.
Step step_by_itself(AlertState& state, const std::vector<LevelSpec>& levels,
                    const AlertPolicy& policy, const Verdict& verdict, EventTime at, bool only_up) {
  const Phase before = state.phase;
  Step done = Step::kNothing;
  if (has_begun(state)) {
    const int target = target_of(state, levels, policy, verdict, at, only_up);
    done = step_open(state, levels, policy, verdict, target, at, only_up);
  } else {
    done = step_closed(state, levels, policy, at);
  }
  const bool returns = before == Phase::kRecovering && state.phase == Phase::kFiring;
  const bool is_turn =
      returns || done == Step::kFire || (done == Step::kEscalate && state.has_fallen);
  if (is_turn) note_turn(state, policy, at);
  if (done == Step::kDeescalate) state.has_fallen = true;
  return done;
}

}  // namespace

void AlertState::close() {
  const auto kept = turns;
  *this = AlertState{};
  turns = kept;
}

int index_of(const std::vector<LevelSpec>& levels, Level level) {
  for (size_t i = 0; i < levels.size(); ++i) {
    if (levels[i].level == level) return static_cast<int>(i);
  }
  return -1;
}

Level fitting_level(const std::vector<LevelSpec>& levels, Level level) {
  if (level == Level::kNone) return level;
  Level fitting = levels.front().level;
  for (const LevelSpec& spec : levels) {
    if (spec.level <= level) fitting = spec.level;
  }
  return fitting;
}

Step step(AlertState& state, const std::vector<LevelSpec>& levels, const AlertPolicy& policy,
          const Verdict& verdict, EventTime at, bool only_up) {
  note_entries(state, levels, verdict, at);
  if (!state.is_flapping()) {
    return step_by_itself(state, levels, policy, verdict, at, only_up);
  }
  const Level held = std::exchange(state.level, state.asked);
  const Step done = step_by_itself(state, levels, policy, verdict, at, only_up);
  if (done == Step::kResolve) {
    fall(state, Level::kNone);
  } else {
    state.asked = state.level;
  }
  state.level = std::max(held, state.asked);
  const bool has_risen = state.level > held;
  const bool is_over = is_calm(state, policy, at) && !only_up;
  if (is_over) stop_flapping(state);
  if (has_risen) return Step::kEscalate;
  if (!is_over) return Step::kNothing;
  const Step next = step_by_itself(state, levels, policy, verdict, at, only_up);
  return next == Step::kNothing ? Step::kCalm : next;
}

void rise(AlertState& state, const AlertPolicy& policy, Level level, EventTime at) {
  const bool is_turn = state.phase != Phase::kFiring || state.has_fallen;
  state.phase = Phase::kFiring;
  state.recovering_since = kUnset;
  if (state.is_flapping()) state.asked = level;
  state.level = std::max(state.level, level);
  if (is_turn) note_turn(state, policy, at);
}

void fall(AlertState& state, Level asked) {
  state.asked = asked;
  state.has_fallen = asked != Level::kNone;
  if (asked != Level::kNone) return;
  state.phase = Phase::kInactive;
  state.pending_since = state.recovering_since = state.stepped_down_at = kUnset;
  state.entered.fill(kUnset);
}

bool start_flapping(AlertState& state, const AlertPolicy& policy) {
  if (!policy.holds_flapping || state.is_flapping() || !state.is_open()) return false;
  const EventTime oldest = state.turns.back();
  if (oldest == kUnset || state.turns.front() - oldest >= kCalmAfter) return false;
  state.flapping_since = state.turns.front();
  state.asked = state.level;
  return true;
}

bool is_calm(const AlertState& state, const AlertPolicy& policy, EventTime at) {
  return !policy.holds_flapping || state.calm_at() <= at;
}

void stop_flapping(AlertState& state) {
  state.flapping_since = kUnset;
  state.asked = Level::kNone;
  state.has_fallen = false;
  state.turns.fill(kUnset);
  state.phase = Phase::kFiring;
  state.pending_since = state.recovering_since = state.stepped_down_at = kUnset;
}

std::optional<size_t> early_level(const AlertState& state, const std::vector<LevelSpec>& levels,
                                  const AlertPolicy& policy, const Verdict& verdict) {
  if (!has_begun(state) && !policy.pending.is_zero()) return std::nullopt;
  const int current = index_of(levels, state.level);
  for (int i = static_cast<int>(levels.size()) - 1; i > current; --i) {
    const auto slot = static_cast<size_t>(i);
    if (verdict.enters[slot] && levels[slot].hold.is_zero()) return slot;
  }
  return std::nullopt;
}

EventTime next_deadline(const AlertState& state, const std::vector<LevelSpec>& levels,
                        const AlertPolicy& policy, EventTime now) {
  EventTime next = kMaxEventTime;
  const auto consider = [&](EventTime since, Span span) {
    if (since == kUnset) return;
    const EventTime due = add(since, span);
    if (due > now) next = std::min(next, due);
  };
  if (state.phase == Phase::kPending) consider(state.pending_since, policy.pending);
  if (state.phase == Phase::kRecovering) consider(state.recovering_since, policy.keep_firing_for);
  if (state.is_flapping()) consider(state.turns.front(), {.exact = kCalmAfter});
  for (const LevelSpec& level : levels) {
    consider(state.entered[static_cast<size_t>(level.level)], level.hold);
  }
  return next;
}

void write(ByteWriter& to, const AlertState& s) {
  to.u8(static_cast<uint8_t>(s.phase));
  to.u8(static_cast<uint8_t>(s.level));
  to.hash(s.id);
  to.u32(s.seq);
  for (const EventTime t : {s.starts_at, s.last_at, s.pending_since, s.recovering_since,
                            s.provisional_at, s.stepped_down_at}) {
    to.time(t);
  }
  for (const EventTime t : s.entered) to.time(t);
  to.u8(s.provisional ? 1 : 0);
  to.u8(s.stale ? 1 : 0);
  to.u8(s.error ? 1 : 0);
  to.time(s.flapping_since);
  to.u8(static_cast<uint8_t>(s.asked));
  to.u8(s.has_fallen ? 1 : 0);
  for (const EventTime t : s.turns) to.time(t);
  to.u8(static_cast<uint8_t>(s.tlp));
  to.u64(s.told);
}

AlertState read_alert_state(ByteReader& from) {
  AlertState s;
  s.phase = static_cast<Phase>(from.u8());
  s.level = static_cast<Level>(from.u8());
  s.id = from.hash();
  s.seq = from.u32();
  for (EventTime* t : {&s.starts_at, &s.last_at, &s.pending_since, &s.recovering_since,
                       &s.provisional_at, &s.stepped_down_at}) {
    *t = from.time();
  }
  for (EventTime& t : s.entered) t = from.time();
  s.provisional = from.u8() != 0;
  s.stale = from.u8() != 0;
  s.error = from.u8() != 0;
  s.flapping_since = from.time();
  s.asked = static_cast<Level>(from.u8());
  s.has_fallen = from.u8() != 0;
  for (EventTime& t : s.turns) t = from.time();
  s.tlp = static_cast<Tlp>(from.u8());
  s.told = from.u64();
  return s;
}

}  // namespace tocsin::rules
