#pragma once

#include <map>
#include <utility>

#include "rules/group_table.h"
#include "rules/pane_grid.h"

namespace tocsin::rules {

// The life of alerts of rules that are judged at ticks: the condition holds at T or it does not.
//
// A tick T is judged once the watermark has reached T, in order. Of those that were judged while
// all feeds were silent, so that what fires went on, the last is judged again when a feed has told
// all up to it: what ended in the silence ends there, not at the tick after it.
template <typename G>
class TickedDetector : public GroupedDetector<G> {
 public:
  using GroupedDetector<G>::GroupedDetector;

 protected:
  // What the rule finds at `tick`, with the own variables and fingerprint set accordingly.
  virtual Verdict judge(G& group, EventTime tick) = 0;
  // What the last judge() rests on, for the alert. `is_end`: why it is over.
  virtual Finding find_at(G& group, EventTime tick, bool is_end) = 0;

  void on_return(uint32_t index, EventTime tick) override {
    if (!this->around_.timeline->is_told(this->time_class(), this->own_feeds(), tick)) return;
    G* group = this->awake(index);
    if (group == nullptr) return;
    this->touch(*group);
    decide(*group, tick);
    this->account(*group);
  }

  void on_remove(G& group) override { release(group); }

  void on_restore(G& group) override {
    if (group.alert.stale) hold(group, grid_.step(group.due, -1));
  }

  void decide(G& group, EventTime tick) {
    ++this->counters_.evaluations;
    AlertState& alert = group.alert;
    release(group);
    const bool is_stale =
        alert.is_open() && this->around_.timeline->is_stale(this->own_feeds(), tick);
    const uint64_t errors = this->counters_.evaluation_errors;
    const Verdict verdict = judge(group, tick);
    const bool is_error = this->counters_.evaluation_errors != errors;
    const AlertState before = alert;
    const AlertPolicy& policy = this->rule().alert;
    const Step done = step(alert, this->rule().levels, policy, verdict, tick, is_stale || is_error);
    alert.provisional = false;
    alert.provisional_at = kUnset;
    alert.stale = is_stale;
    alert.error = is_error && alert.is_open();
    if (is_stale && done != Step::kResolve) hold(group, tick);
    bool has_news = false;
    switch (done) {
      case Step::kFire:
        this->open(group, alert.level, tick, tick);
        say(group, Action::kFire, Level::kNone, tick, tick);
        break;
      case Step::kEscalate:
        say(group, Action::kEscalate, before.level, tick, tick);
        break;
      case Step::kDeescalate:
        say(group, Action::kDeescalate, before.level, tick, tick);
        break;
      case Step::kResolve:
        this->resolve(group, tick, find_at(group, tick, true));
        return;
      case Step::kCalm:
        has_news = true;
        break;
      case Step::kNothing:
        if (!alert.is_open()) return;
        has_news = is_news(before, alert, verdict, tick);
    }
    if (start_flapping(alert, policy) || has_news) {
      say(group, Action::kUpdate, alert.level, tick, tick);
    }
  }

  // Whether there is something to say of an alert whose level stays: a mark, that it is confirmed,
  // or other numbers when it is time for them.
  bool is_news(const AlertState& before, const AlertState& alert, const Verdict& verdict,
               EventTime tick) const {
    if (before.stale != alert.stale || before.error != alert.error) return true;
    if (alert.phase != Phase::kFiring) return false;
    if (before.provisional) return true;
    // -1: a level of rules that are gone
    const int held = index_of(this->rule().levels, alert.level);
    const bool is_unknown = held >= 0 && verdict.unknown[static_cast<size_t>(held)];
    return add(alert.last_at, this->rule().alert.update_every) <= tick && !alert.stale &&
           !alert.error && !is_unknown && fingerprint_ != alert.told;
  }

  void say(G& group, Action action, Level previous, EventTime at, EventTime tick) {
    group.alert.told = fingerprint_;
    this->announce(group, action, previous, at, find_at(group, tick, false));
  }

  Finding finding_of(G& group, EventTime at) override {
    judge(group, grid_.tick_from(at));
    return find_at(group, grid_.tick_from(at), false);
  }

  // Levels, numbers and what is read may be others after a reload: all look at the next tick, but
  // for those whose first event is still ahead of it.
  void reschedule() override {
    held_.clear();                              // the timeline has forgotten them
    for (const auto& group : this->groups()) {  // cold ones have no alert
      if (group && group->alert.stale) hold(*group, grid_.step(group->due, -1));
    }
    GroupedDetector<G>::reschedule();
    const EventTime now = this->watermark();
    if (now == kMinEventTime) return;
    this->schedule_all_by(grid_.next_tick(now));
  }

  // "; warning: slope <= -0.03 (…)": what the level that is held asks for, or asked for at its end.
  std::string level_condition(const G& group, bool is_end) {
    const int index = index_of(this->rule().levels, group.alert.level);
    if (index < 0) return {};
    const LevelSpec& level = this->rule().levels[static_cast<size_t>(index)];
    const auto& program = is_end && level.exit ? level.exit : level.when;
    if (!program) return {};
    return "; " + std::string(to_string(level.level)) + ": " +
           cel::explain(*program, nullptr, this->variables(), this->around_.arena);
  }

  void set_common_at(const G& group, EventTime tick) {
    const AlertState& alert = group.alert;
    this->set_common(group, alert.level, tick, alert.is_open() ? alert.starts_at : tick);
  }

  // The tick waits for a feed to come back, in place of the one before it.
  void hold(const G& group, EventTime tick) {
    held_[group.index] = tick;
    this->around_.timeline->hold(this->time_class(), {tick, this->index(), group.index});
  }
  void release(const G& group) {
    if (held_.empty()) return;
    const auto held = held_.find(group.index);
    if (held == held_.end()) return;
    this->around_.timeline->release(this->time_class(), {held->second, this->index(), group.index});
    held_.erase(held);
  }

  const PaneGrid& grid() const { return grid_; }

  PaneGrid grid_;
  uint64_t fingerprint_ = 0;  // of the measured numbers, set by judge()

 private:
  std::map<uint32_t, EventTime> held_;  // by group: the last tick that was judged in silence
};

}  // namespace tocsin::rules
