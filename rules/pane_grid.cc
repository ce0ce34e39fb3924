#include "rules/pane_grid.h"

namespace tocsin::rules {

namespace {

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// Months since the year 0, in the zone.
int64_t month_of(EventTime t, const cel::Zone& zone) {
  const int64_t seconds = floor_div(to_ms(t), 1000);
  const std::chrono::sys_seconds local{std::chrono::seconds(cel::local_of(seconds, zone))};
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(local)};
  return int64_t{static_cast<int>(day.year())} * 12 + static_cast<unsigned>(day.month()) - 1;
}

EventTime start_of_month(int64_t month, const cel::Zone& zone) {
  const int64_t year = floor_div(month, 12);
  const std::chrono::year_month_day first{
      std::chrono::year(static_cast<int>(year)),
      std::chrono::month(static_cast<unsigned>(month - year * 12 + 1)), std::chrono::day(1)};
  const std::chrono::sys_seconds midnight{std::chrono::sys_days(first)};
  return from_ms(cel::utc_of(midnight.time_since_epoch().count(), zone) * 1000);
}

}  // namespace

EventTime PaneGrid::calendar_start(EventTime t) const {
  return start_of_month(floor_div(month_of(t, zone_), every_.months) * every_.months, zone_);
}

EventTime PaneGrid::calendar_step(EventTime start, int64_t panes) const {
  return start_of_month(month_of(start, zone_) + panes * every_.months, zone_);
}

}  // namespace tocsin::rules
