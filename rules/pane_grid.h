#pragma once

#include <cstdint>

#include "rules/cel/clock.h"
#include "rules/model/time.h"

namespace tocsin::rules {

// How a rule cuts time into panes; evaluations ("ticks") fall on their starts.
//
// Panes of exact length are aligned to the epoch. Those in months begin at midnight of the first of
// a month in a time zone; quarters and years are those of the calendar.
// Thread-safety: immutable after construction.
class PaneGrid {
 public:
  PaneGrid() = default;
  explicit PaneGrid(Span every, cel::Zone zone = {}) : every_(every), zone_(zone) {}

  // Start of the pane that holds `t`.
  EventTime start_of(EventTime t) const {
    return every_.is_calendar() ? calendar_start(t) : exact_start(t);
  }
  // Start of the pane that lies `panes` after the one that starts at `start`, before it when
  // negative.
  EventTime step(EventTime start, int64_t panes) const {
    return every_.is_calendar() ? calendar_step(start, panes) : start + every_.exact * panes;
  }
  // The first tick strictly after `t`.
  EventTime next_tick(EventTime t) const { return step(start_of(t), 1); }
  // The first tick at or after `t`.
  EventTime tick_from(EventTime t) const {
    const EventTime start = start_of(t);
    return start == t ? t : step(start, 1);
  }
  Span every() const { return every_; }

 private:
  EventTime exact_start(EventTime t) const {
    const int64_t rest = to_ms(t) % every_.exact.count();
    return t - Milliseconds(rest < 0 ? rest + every_.exact.count() : rest);
  }
  EventTime calendar_start(EventTime t) const;
  EventTime calendar_step(EventTime start, int64_t panes) const;

  Span every_{.exact = Milliseconds{1}};
  cel::Zone zone_;
};

}  // namespace tocsin::rules
