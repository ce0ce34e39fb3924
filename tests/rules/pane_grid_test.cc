#include "rules/pane_grid.h"

#include <gtest/gtest.h>

namespace tocsin::rules {
namespace {

constexpr Milliseconds kHour{3'600'000};

EventTime at(const char* text) { return *parse_time(text); }
PaneGrid months(int months, const char* zone = "UTC") {
  return PaneGrid({.months = months}, *cel::find_zone(zone));
}

TEST(PaneGrid, ExactPanesAreAlignedToTheEpochAlsoBeforeIt) {
  const PaneGrid grid(Span{.exact = kHour});
  EXPECT_EQ(grid.start_of(from_ms(0)), from_ms(0));
  EXPECT_EQ(grid.start_of(from_ms(3'599'999)), from_ms(0));
  EXPECT_EQ(grid.start_of(from_ms(-1)), from_ms(-3'600'000));
  EXPECT_EQ(grid.next_tick(from_ms(0)), from_ms(3'600'000));
  EXPECT_EQ(grid.tick_from(from_ms(0)), from_ms(0));
  EXPECT_EQ(grid.tick_from(from_ms(1)), from_ms(3'600'000));
  EXPECT_EQ(grid.step(from_ms(0), -3), from_ms(-3 * 3'600'000));
}

TEST(PaneGrid, QuartersAndYearsAreThoseOfTheCalendar) {
  EXPECT_EQ(months(3).start_of(at("2011-03-31T23:59:59Z")), at("2011-01-01"));
  EXPECT_EQ(months(3).start_of(at("2011-04-01")), at("2011-04-01"));
  EXPECT_EQ(months(12).start_of(at("1969-12-31T23:59:59.999Z")), at("1969-01-01"));
  EXPECT_EQ(months(1).step(at("2011-01-01"), 14), at("2012-03-01"));
  EXPECT_EQ(months(1).step(at("2011-01-01"), -1), at("2010-12-01"));
}

TEST(PaneGrid, MonthsBeginAtMidnightOfTheirZone) {
  // Tunis is an hour ahead, Paris another one in summer.
  EXPECT_EQ(months(1, "Africa/Tunis").start_of(at("2011-01-31T23:30:00Z")),
            at("2011-01-31T23:00:00Z"));
  EXPECT_EQ(months(1, "Europe/Paris").start_of(at("2011-07-15")), at("2011-06-30T22:00:00Z"));
  EXPECT_EQ(months(1, "Europe/Paris").step(at("2011-06-30T22:00:00Z"), 5),
            at("2011-11-30T23:00:00Z"));
}

// In 2018 Lebanon set its clocks forward at midnight of 25 March; Cuba does so at midnight too.
TEST(PaneGrid, AMonthThatBeginsInAHourLeftOutBeginsAtTheChange) {
  const PaneGrid grid = months(1, "America/Havana");
  const EventTime april = grid.start_of(at("2012-04-01T06:00:00Z"));
  EXPECT_EQ(april, at("2012-04-01T05:00:00Z"));
  EXPECT_EQ(grid.start_of(april), april);
  EXPECT_EQ(grid.step(grid.step(april, -1), 1), april);
}

// Seeded: every pane begins at its own start, ends where the next begins, and steps add up.
TEST(PaneGrid, CoversTimeWithoutGapsOrOverlaps) {
  uint64_t random = 20111217;
  for (const char* zone : {"UTC", "Africa/Cairo", "Asia/Damascus", "Asia/Gaza"}) {
    for (const int length : {1, 3, 12}) {
      const PaneGrid grid = months(length, zone);
      for (int i = 0; i < 500; ++i) {
        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
        const EventTime t = from_ms(static_cast<int64_t>(random >> 22U));  // 1970 to 2109
        const EventTime start = grid.start_of(t);
        ASSERT_LE(start, t) << zone << ' ' << format_time(t);
        ASSERT_GT(grid.step(start, 1), t) << zone << ' ' << format_time(t);
        ASSERT_EQ(grid.start_of(start), start) << zone << ' ' << format_time(t);
        ASSERT_EQ(grid.step(grid.step(start, 7), -7), start) << zone << ' ' << format_time(t);
      }
    }
  }
}

}  // namespace
}  // namespace tocsin::rules
