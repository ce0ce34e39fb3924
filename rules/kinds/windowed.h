#pragma once

#include <string>
#include <vector>

#include "rules/kinds/ticked.h"
#include "rules/window.h"

namespace tocsin::rules {

struct WindowGroup : Group {
  PaneStore panes;
  EventTime first_pane = kNever;        // of the oldest event ever met
  EventTime last_pane = kMinEventTime;  // newest before the last judged tick
  bool is_warming = false;              // of surge: too little past to judge by
};

// What threshold, surge and trend rules share: events go into panes; at each tick the window that
// ends at T is judged.
//
// Ticks at which a group cannot change are left out. A rule that may fire early is also judged on
// arrival, at the first tick that contains the event and, when later events are there already, at
// the ticks that contain those too; it can only go up then.
class WindowedDetector : public TickedDetector<WindowGroup> {
 public:
  WindowedDetector(Surroundings& around, const Rule& rule, RuleIndex index,
                   Timeline::ClassId time_class);

  void on_event(const Event& event, JournalSeq seq) override;

 protected:
  virtual const std::vector<Measure>& measures() const = 0;
  // Panes from the oldest that matters to the tick.
  virtual int64_t reach() const = 0;
  // The pane part that events of this source go to.
  virtual uint32_t lane_of(SourceId) const { return 0; }
  virtual bool counts_lane(uint32_t, EventTime /*tick*/) const { return true; }
  // What of the window came before it does not count.
  virtual EventTime counts_from() const { return kMinEventTime; }
  // The first tick after `tick` at which an inactive group could change.
  virtual EventTime next_change(const WindowGroup& group, EventTime tick) const;
  // Of the events before the window that the last judge() rests on.
  virtual Tlp marking_before(const WindowGroup&, EventTime /*tick*/) const { return Tlp::kClear; }
  // As the last judge() found it.
  virtual std::vector<Measured> measured() const = 0;
  virtual std::string condition(const WindowGroup& group, bool is_end) = 0;

  Finding find_at(WindowGroup& group, EventTime tick, bool is_end) override;
  void on_due(WindowGroup& group, EventTime tick) override;
  void write_group(ByteWriter& to, const WindowGroup& group) override;
  void read_group(ByteReader& from, WindowGroup& group) override;
  size_t bytes_of(const WindowGroup& group) const override { return group.panes.bytes(); }
  void on_rebind() override;

  // Merges one measure over [from, to).
  void merge(const WindowGroup& group, size_t measure, EventTime from, EventTime to, EventTime tick,
             Accumulator& into) const;

  // The highest of what counts in [from, to).
  Tlp marking(const WindowGroup& group, EventTime from, EventTime to, EventTime tick) const;

 private:
  void count(WindowGroup& group, const Event& event, JournalSeq seq, EventTime pane);
  // At the ticks that may hold now and did not before the event, which lies in `pane`.
  void judge_early(WindowGroup& group, const Event& event, EventTime pane);
  void judge_early_at(WindowGroup& group, EventTime newest, EventTime tick);
  void judge_upcoming(WindowGroup& group, EventTime tick);
  bool may_rise_early(const WindowGroup& group) const;
  EventTime next_due(const WindowGroup& group, EventTime tick) const;
  bool forget_if_long_silent(WindowGroup& group, EventTime tick);
  // Keeps the group for the turns of its alert alone, while they count.
  void remember_turns(WindowGroup& group, EventTime tick);
  static bool is_only_remembered(const WindowGroup& group);
  EventTime forget_at(const WindowGroup& group) const;
  void size_up();

  int64_t window_ = 0;  // panes of the widest
  size_t evidence_per_pane_ = 0;
  std::vector<EvidenceItem> best_;
};

}  // namespace tocsin::rules
