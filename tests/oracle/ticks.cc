#include "tests/oracle/ticks.h"

#include <algorithm>

namespace tocsin::rules::oracle {

namespace {

constexpr int64_t kBefore = 150;  // panes

EventTime midnight_of_first(int64_t month, const cel::Zone& zone) {
  const std::chrono::year_month_day first(std::chrono::year(static_cast<int>(month / 12)),
                                          std::chrono::month(static_cast<unsigned>(month % 12) + 1),
                                          std::chrono::day(1));
  const std::chrono::sys_seconds local = std::chrono::sys_days(first);
  return EventTime(std::chrono::seconds(cel::utc_of(local.time_since_epoch().count(), zone)));
}

int64_t month_of(EventTime t) {
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(t));
  return int64_t{static_cast<int>(date.year())} * 12 + static_cast<unsigned>(date.month()) - 1;
}

}  // namespace

Ticks::Ticks(Span every, const cel::Zone& zone, EventTime from, EventTime to) {
  if (every.is_calendar()) {
    const int64_t first = month_of(from) / every.months - kBefore;
    for (int64_t n = first;; ++n) {
      const EventTime tick = midnight_of_first(n * every.months, zone);
      if (tick > to) return;
      ticks_.push_back(tick);
    }
  }
  const int64_t first = to_ms(from) / every.exact.count() - kBefore;
  for (int64_t n = first; from_ms(n * every.exact.count()) <= to; ++n) {
    ticks_.push_back(from_ms(n * every.exact.count()));
  }
}

size_t Ticks::from(EventTime t) const {
  return static_cast<size_t>(std::lower_bound(ticks_.begin(), ticks_.end(), t) - ticks_.begin());
}

size_t Ticks::after(EventTime t) const {
  return static_cast<size_t>(std::upper_bound(ticks_.begin(), ticks_.end(), t) - ticks_.begin());
}

}  // namespace tocsin::rules::oracle
