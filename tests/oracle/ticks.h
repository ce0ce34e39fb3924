#pragma once

#include <vector>

#include "rules/cel/clock.h"
#include "rules/model/time.h"

namespace tocsin::rules::oracle {

// The ticks of a rule, listed: whole multiples of an exact span since 1970, or midnights that begin
// a month, quarter or year of the calendar in a zone. A pane lies between two neighbours.
class Ticks {
 public:
  // All in [from, to], and as many before `from` as a window may reach back.
  Ticks(Span every, const cel::Zone& zone, EventTime from, EventTime to);

  // Place of the first tick at or after `t`, of the first after it, of the last at or before it.
  size_t from(EventTime t) const;
  size_t after(EventTime t) const;
  size_t up_to(EventTime t) const { return after(t) - 1; }
  EventTime operator[](size_t place) const { return ticks_.at(place); }
  size_t size() const { return ticks_.size(); }

 private:
  std::vector<EventTime> ticks_;
};

}  // namespace tocsin::rules::oracle
