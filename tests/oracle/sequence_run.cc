#include "tests/oracle/sequence_run.h"

#include <algorithm>

#include "tests/oracle/world.h"

namespace tocsin::rules::oracle {

namespace {

// From when to when it may have been.
std::pair<EventTime, EventTime> extent(const Event& event) {
  const TimePrecision precision = event.time_precision;
  if (precision == TimePrecision::kExact || precision == TimePrecision::kDay) {
    return {event.time, event.time};
  }
  if (event.has_time_end) return {event.told_time(), event.time_end};
  const int days = precision == TimePrecision::kWeek    ? 7
                   : precision == TimePrecision::kMonth ? 31
                                                        : 366;
  return {event.time - days * kDay / 2, event.time + days * kDay / 2};
}

}  // namespace

bool RunFinder::has_taken(const Run& run, size_t wanted) const {
  return std::any_of(run.taken.begin(), run.taken.end(),
                     [&](const auto& taken) { return taken.first == wanted; });
}

void RunFinder::end(Run& run, Moment moment, bool is_complete) const {
  run.over = moment;
  run.is_complete = is_complete;
}

// Optional steps before it may be left out.
std::optional<size_t> RunFinder::waiting_step(const Run& run) const {
  if (!detect().strict_order) return std::nullopt;
  for (size_t i = run.next; i < detect().steps.size(); ++i) {
    if (step(i).negated) return i;
    if (!step(i).optional) return std::nullopt;
  }
  return std::nullopt;
}

bool RunFinder::has_all(const Run& run) const {
  for (size_t i = 0; i < detect().steps.size(); ++i) {
    const bool is_done = detect().strict_order ? i < run.next : has_taken(run, i);
    if (!is_done && !step(i).optional) return false;
  }
  return true;
}

bool RunFinder::pass_waits(Run& run, EventTime until) const {
  while (const auto waits = waiting_step(run)) {
    const EventTime over = add(run.last, step(*waits).wait);
    if (over > until) return true;
    if (!detect().span.is_zero() && over > add(start(run), detect().span)) {
      end(run, {over, 0}, false);
      return false;
    }
    run.last = over;
    run.next = *waits + 1;
    if (has_all(run)) {
      end(run, {over, 0}, true);
      return false;
    }
  }
  return true;
}

// Nothing at `at` or later can go on with it.
bool RunFinder::is_expired(const Run& run, EventTime at) const {
  if (!detect().span.is_zero() && at > add(start(run), detect().span)) return true;
  if (!detect().strict_order) return false;
  for (size_t i = run.next; i < detect().steps.size() && !step(i).negated; ++i) {
    if (step(i).optional) continue;
    return !step(i).within.is_zero() && at > add(run.last, step(i).within);
  }
  return false;
}

std::vector<size_t> RunFinder::steps_open(const Run& run, EventTime at) const {
  std::vector<size_t> open;
  const bool is_first = run.taken.empty();
  const auto is_in_time = [&](size_t i) {
    return is_first || step(i).within.is_zero() || at <= add(run.last, step(i).within);
  };
  if (!detect().strict_order) {
    for (size_t i = 0; i < detect().steps.size(); ++i) {
      if (!has_taken(run, i) && is_in_time(i)) open.push_back(i);
    }
    return open;
  }
  for (size_t i = run.next; i < detect().steps.size() && !step(i).negated; ++i) {
    if (is_in_time(i)) open.push_back(i);
    if (!step(i).optional) break;
  }
  return open;
}

// Whether it is known which of the two came first: in order as they are, unless one of them is a
// matter of weeks.
bool RunFinder::is_ordered(const Run& run, size_t event) const {
  if (run.taken.empty() || !detect().strict_order) return true;
  const auto before = extent(*events_[run.taken.back().second].event);
  const auto now = extent(*events_[event].event);
  const bool both_moments = before.first == before.second && now.first == now.second;
  return both_moments || now.first > before.second;
}

// What armed the rule when the run began does not hold any more, or something else does: events
// count from then on.
bool RunFinder::is_armed_anew(const Run& run, EventTime at) const {
  if (reading_.is_always_armed()) return false;
  return reading_.armed_by(key_, at) != reading_.armed_by(key_, start(run));
}

void RunFinder::fill(Variables& variables, const Run& run) const {
  for (const auto& [taken, event] : run.taken) {
    variables.set_event(step(taken).name, *events_[event].event, of_.catalogue());
  }
}

bool RunFinder::take(Run& run, size_t event) const {
  const Event& now = *events_[event].event;
  const Moment moment{now.time, event + 1};
  Variables variables(rule_);
  fill(variables, run);
  reading_.fill(variables, key_, now.time);
  const auto fits = [&](size_t i) { return variables.truth(step(i).select, &now) == true; };
  if (!run.taken.empty() && detect().until && variables.truth(*detect().until, &now) == true) {
    end(run, moment, false);
    return false;
  }
  if (const auto waits = waiting_step(run); waits && fits(*waits) && is_ordered(run, event)) {
    end(run, moment, false);
    return false;
  }
  for (const size_t i : steps_open(run, now.time)) {
    if (!fits(i)) continue;
    if (!is_ordered(run, event)) return true;
    run.taken.emplace_back(i, event);
    run.last = now.time;
    if (detect().strict_order) run.next = i + 1;
    if (!has_all(run)) return true;
    end(run, moment, true);
    return false;
  }
  return true;
}

std::optional<Run> RunFinder::follow_from(size_t first) const {
  if (!reading_.is_always_armed() && reading_.armed_by(key_, time(first)) == nullptr) {
    return std::nullopt;
  }
  Run run;
  take(run, first);
  if (run.taken.empty()) return std::nullopt;
  for (size_t i = first + 1; i < events_.size() && run.over.at == kMaxEventTime; ++i) {
    if (!pass_waits(run, time(i))) break;
    if (is_expired(run, time(i)) || is_armed_anew(run, time(i))) {
      end(run, {time(i), 0}, false);
      break;
    }
    take(run, i);
  }
  if (run.over.at == kMaxEventTime) pass_waits(run, of_.end);
  if (run.is_complete && is_armed_anew(run, run.over.at)) run.is_complete = false;
  return run;
}

}  // namespace tocsin::rules::oracle
