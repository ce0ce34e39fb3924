#include "rules/kinds/windowed.h"

#include <algorithm>

namespace tocsin::rules {

namespace {
// Ticks at which a straggler is judged early; what it brings about at later ones is told by the
// watermark.
constexpr size_t kMostEarlyTicks = 32;
}  // namespace

WindowedDetector::WindowedDetector(Surroundings& around, const Rule& rule, RuleIndex index,
                                   Timeline::ClassId time_class)
    : TickedDetector(around, rule, index, time_class) {}

void WindowedDetector::on_rebind() { size_up(); }

void WindowedDetector::size_up() {
  grid_ = PaneGrid(measures().front().every, rule().zone);
  window_ = 0;
  for (const Measure& measure : measures()) window_ = std::max<int64_t>(window_, measure.panes);
  evidence_per_pane_ = evidence_per_pane(rule().alert.max_evidence, static_cast<size_t>(window_));
}

void WindowedDetector::on_event(const Event& event, JournalSeq seq) {
  if (!selects(event)) return;
  const EventTime now = watermark();
  const bool is_late = event.time < now;
  if (is_late) ++counters_.late;
  const EventTime pane = grid_.start_of(event.time);
  const EventTime upcoming = now == kMinEventTime ? kMinEventTime : grid_.next_tick(now);
  if (grid_.step(pane, reach()) < upcoming) return;  // no open window reaches back so far
  WindowGroup* group = group_of(event);
  if (group == nullptr) return;
  ++counters_.selected;
  const size_t before = group->panes.panes().size();
  count(*group, event, seq, pane);
  if (group->panes.panes().size() > before) account(*group);
  if (is_early() && !is_late) judge_early(*group, event, pane);
  schedule_by(*group, std::max(grid_.step(pane, 1), upcoming));
}

void WindowedDetector::count(WindowGroup& group, const Event& event, JournalSeq seq,
                             EventTime pane) {
  touch(group);
  group.first_pane = std::min(group.first_pane, pane);
  const size_t width = measures().size();
  const size_t index = group.panes.at(pane, lane_of(event.source), width);
  Pane& part = group.panes.pane(index);
  ++part.events;
  part.tlp = std::max(part.tlp, event.tlp);
  keep_best(part.evidence, evidence_item(event, seq), evidence_per_pane_);
  const auto cells = group.panes.cells(index, width);
  for (size_t i = 0; i < width; ++i) count_into(measures()[i], event, cells[i]);
}

void WindowedDetector::merge(const WindowGroup& group, size_t measure, EventTime from, EventTime to,
                             EventTime tick, Accumulator& into) const {
  const auto panes = group.panes.panes();
  const size_t width = measures().size();
  const AggregateKind kind = measures()[measure].aggregate;
  for (size_t i = group.panes.first_from(from); i < panes.size() && panes[i].start < to; ++i) {
    if (!counts_lane(panes[i].lane, tick)) continue;
    into.merge(group.panes.cells(i, width)[measure], kind);
  }
}

Tlp WindowedDetector::marking(const WindowGroup& group, EventTime from, EventTime to,
                              EventTime tick) const {
  Tlp highest = Tlp::kClear;
  const auto panes = group.panes.panes();
  for (size_t i = group.panes.first_from(from); i < panes.size() && panes[i].start < to; ++i) {
    if (counts_lane(panes[i].lane, tick)) highest = std::max(highest, panes[i].tlp);
  }
  return highest;
}

bool WindowedDetector::may_rise_early(const WindowGroup& group) const {
  if (!group.alert.is_open()) return rule().alert.pending.is_zero();
  return group.alert.level != rule().levels.back().level;
}

void WindowedDetector::judge_early(WindowGroup& group, const Event& event, EventTime pane) {
  if (!may_rise_early(group)) return;
  judge_early_at(group, event.time, grid_.step(pane, 1));
  // In the steady state this was the newest pane. An event that comes after later ones may complete
  // what began with it: a window holds more only at the end of a pane.
  const auto panes = group.panes.panes();
  if (panes.back().start <= pane) return;
  size_t left = kMostEarlyTicks;
  EventTime judged = pane;
  const EventTime last = grid_.step(pane, window_);
  for (size_t i = group.panes.first_from(grid_.step(pane, 1));
       i < panes.size() && panes[i].start < last && left > 0; ++i) {
    if (panes[i].start == judged) continue;  // another lane of it
    judged = panes[i].start;
    if (!may_rise_early(group)) return;
    judge_early_at(group, event.time, grid_.step(judged, 1));
    --left;
  }
}

// What had come already while the alert was as high as it could be: it would have been raised on
// arrival, had the end been known then.
void WindowedDetector::judge_upcoming(WindowGroup& group, EventTime tick) {
  const auto panes = group.panes.panes();
  size_t left = kMostEarlyTicks;
  for (size_t i = group.panes.first_from(tick); i < panes.size() && left > 0; --left) {
    const EventTime pane = panes[i].start;
    EventTime newest = pane;
    for (; i < panes.size() && panes[i].start == pane; ++i) {  // its lanes
      for (const EvidenceItem& item : panes[i].evidence) newest = std::max(newest, item.time);
    }
    if (!may_rise_early(group)) return;
    judge_early_at(group, newest, grid_.step(pane, 1));
  }
}

// Only up: what comes later may add, but not take away (the loader lets only monotone rules come
// here).
void WindowedDetector::judge_early_at(WindowGroup& group, EventTime newest, EventTime tick) {
  AlertState& alert = group.alert;
  const Verdict verdict = judge(group, tick);
  const auto index = early_level(alert, rule().levels, rule().alert, verdict);
  if (!index) return;
  const Level previous = alert.level;
  const Level level = rule().levels[*index].level;
  const bool is_new = !alert.is_open();
  // It has come to hold with the newest event of the window, which is in its last pane.
  const EventTime at = std::max(newest, grid_.step(tick, -1));
  rise(alert, rule().alert, level, at);
  if (is_new) open(group, level, tick, at);
  alert.provisional = true;
  alert.provisional_at = std::max(alert.provisional_at, tick);
  alert.stale = false;
  release(group);
  say(group, is_new ? Action::kFire : Action::kEscalate, previous, at, tick);
  if (start_flapping(alert, rule().alert)) say(group, Action::kUpdate, level, at, tick);
}

void WindowedDetector::on_due(WindowGroup& group, EventTime tick) {
  touch(group);
  if (is_only_remembered(group)) {
    remember_turns(group, tick);
    return;
  }
  // An alert raised on arrival waits for the tick that confirms it.
  if (!group.alert.provisional || tick >= group.alert.provisional_at) {
    const Level before = group.alert.level;
    decide(group, tick);
    if (is_early() && group.alert.level < before) judge_upcoming(group, tick);
  }
  // Those that leave with the next tick are still there: next_due() looks for them.
  group.panes.drop_before(grid_.step(tick, -reach()), measures().size());
  if (!group.alert.stale) group.panes.drop_evidence_before(grid_.step(tick, 1 - window_));
  if (forget_if_long_silent(group, tick)) return;
  schedule(group, next_due(group, tick));
}

// A group that nothing came to for twice its reach begins anew with the next event. Only panes
// before the tick count, all of which are in: events that came early must not keep it alive, or the
// order of arrival would show. True when the group is gone or its timer is set.
bool WindowedDetector::forget_if_long_silent(WindowGroup& group, EventTime tick) {
  const auto panes = group.panes.panes();
  const size_t ahead = group.panes.first_from(tick);
  if (ahead > 0) group.last_pane = panes[ahead - 1].start;
  if (ahead > 0 || !group.alert.is_idle()) return false;
  const EventTime forget = forget_at(group);
  if (tick < forget) {
    const bool sleeps = panes.empty() && !reads_others() && !names_time();
    schedule(group, sleeps ? forget : std::min(forget, next_due(group, tick)));
    return true;
  }
  if (!panes.empty()) {
    group.first_pane = panes.front().start;
    return false;
  }
  remember_turns(group, tick);
  return true;
}

// To the rule itself there is no such group any more.
void WindowedDetector::remember_turns(WindowGroup& group, EventTime tick) {
  const EventTime calm = group.alert.calm_at();
  if (calm <= tick) {
    remove(group);
  } else {
    group.first_pane = kNever;
    schedule(group, grid_.tick_from(calm));
  }
}

bool WindowedDetector::is_only_remembered(const WindowGroup& group) {
  return group.first_pane == kNever && group.panes.empty() && group.alert.is_idle();
}

EventTime WindowedDetector::forget_at(const WindowGroup& group) const {
  return grid_.step(group.last_pane, 1 + 2 * reach());
}

Finding WindowedDetector::find_at(WindowGroup& group, EventTime tick, bool is_end) {
  Finding finding;
  finding.condition = condition(group, is_end);
  finding.values = measured();
  const EventTime from = std::max(grid_.step(tick, -window_), counts_from());
  finding.tlp = std::max(marking(group, from, tick, tick), marking_before(group, tick));
  best_.clear();
  const auto panes = group.panes.panes();
  for (size_t i = group.panes.first_from(from); i < panes.size() && panes[i].start < tick; ++i) {
    if (!counts_lane(panes[i].lane, tick)) continue;
    finding.events_counted += panes[i].events;
    for (const EvidenceItem& item : panes[i].evidence) {
      keep_best(best_, item, rule().alert.max_evidence);
    }
  }
  finding.evidence = references(best_, "match");
  return finding;
}

EventTime WindowedDetector::next_change(const WindowGroup& group, EventTime tick) const {
  EventTime next = kNever;
  const auto panes = group.panes.panes();
  const size_t entering = group.panes.first_from(tick);
  if (entering < panes.size()) next = grid_.step(panes[entering].start, 1);
  for (const Measure& measure : measures()) {
    const size_t oldest = group.panes.first_from(grid_.step(tick, -int64_t{measure.panes}));
    if (oldest < entering) {
      next = std::min(next, grid_.step(panes[oldest].start, int64_t{measure.panes} + 1));
    }
  }
  return next;
}

EventTime WindowedDetector::next_due(const WindowGroup& group, EventTime tick) const {
  const AlertState& alert = group.alert;
  if (alert.provisional) return std::max(alert.provisional_at, grid_.step(tick, 1));
  if (alert.is_open()) return grid_.step(tick, 1);  // staleness and updates are looked at each tick
  EventTime next = next_change(group, tick);
  if (reads_others() || names_time()) next = grid_.step(tick, 1);
  const EventTime deadline = next_deadline(alert, rule().levels, rule().alert, tick);
  if (deadline != kMaxEventTime) next = std::min(next, grid_.tick_from(deadline));
  if (next != kNever) return next;
  // Nothing to judge: the panes left only wait to fall out of reach.
  return group.panes.empty() ? forget_at(group)
                             : grid_.step(group.panes.panes().front().start, reach() + 1);
}

void WindowedDetector::write_group(ByteWriter& to, const WindowGroup& group) {
  to.time(group.first_pane);
  to.time(group.last_pane);
  to.u8(group.is_warming ? 1 : 0);
  group.panes.write(to);
}

void WindowedDetector::read_group(ByteReader& from, WindowGroup& group) {
  group.first_pane = from.time();
  group.last_pane = from.time();
  group.is_warming = from.u8() != 0;
  group.panes.read(from, measures().size());
}

}  // namespace tocsin::rules
