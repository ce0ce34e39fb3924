#include "rules/alert_state.h"

#include <algorithm>

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

}  // namespace

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
  if (!state.is_open()) return step_closed(state, levels, policy, at);
  const int target = target_of(state, levels, policy, verdict, at, only_up);
  return step_open(state, levels, policy, verdict, target, at, only_up);
}

std::optional<size_t> early_level(const AlertState& state, const std::vector<LevelSpec>& levels,
                                  const AlertPolicy& policy, const Verdict& verdict) {
  if (!state.is_open() && !policy.pending.is_zero()) return std::nullopt;
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
  s.tlp = static_cast<Tlp>(from.u8());
  s.told = from.u64();
  return s;
}

}  // namespace tocsin::rules
