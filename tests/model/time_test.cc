#include "rules/model/time.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

struct Reading {
  const char* text;
  const char* printed;  // nullptr: refused
};

class ParseTime : public testing::TestWithParam<Reading> {};

TEST_P(ParseTime, ReadsRfc3339AndRefusesTheRest) {
  const auto time = parse_time(GetParam().text);
  if (GetParam().printed == nullptr) {
    EXPECT_FALSE(time.has_value()) << GetParam().text;
  } else {
    ASSERT_TRUE(time.has_value()) << GetParam().text;
    EXPECT_EQ(format_time(*time), GetParam().printed);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, ParseTime,
    testing::Values(Reading{"2011-03-18T00:00:00Z", "2011-03-18T00:00:00Z"},
                    Reading{"2011-03-18", "2011-03-18T00:00:00Z"},
                    Reading{"2011-03-18T02:30:00+02:30", "2011-03-18T00:00:00Z"},
                    Reading{"2011-03-17T23:00:00-01:00", "2011-03-18T00:00:00Z"},
                    Reading{"2011-03-18T12:34:56.789123Z", "2011-03-18T12:34:56.789Z"},
                    Reading{"1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500Z"},
                    Reading{"2012-02-29", "2012-02-29T00:00:00Z"}, Reading{"2011-02-29", nullptr},
                    Reading{"2011-13-01", nullptr}, Reading{"2011-3-18", nullptr},
                    Reading{"2011-03-18T00:00:00", nullptr},
                    Reading{"2011-03-18T24:00:00Z", nullptr},
                    Reading{"2011-03-18T00:00:00Zx", nullptr}, Reading{"", nullptr},
                    Reading{"0000-01-01", nullptr}, Reading{"2011-03-18T00:00:00.Z", nullptr}));

TEST(Span, ReadsExactAndCalendarUnits) {
  EXPECT_EQ(parse_span("90s")->exact, std::chrono::seconds(90));
  EXPECT_EQ(parse_span("7d")->exact, std::chrono::hours(168));
  EXPECT_EQ(parse_span("18mo")->months, 18);
  EXPECT_EQ(parse_span("1q")->months, 3);
  EXPECT_EQ(parse_span("2y")->months, 24);
  for (const char* bad : {"", "7", "d", "-1d", "1.5d", "7 d", "201y", "1D", "7dd"}) {
    EXPECT_FALSE(parse_span(bad).has_value()) << bad;
  }
}

TEST(Span, PrintsWhatItReads) {
  for (const char* text : {"90s", "5m", "36h", "7d", "18mo", "2y", "250ms", "0s"}) {
    EXPECT_EQ(format_span(parse_span(text).value()), text);
  }
}

TEST(Span, MonthEndStaysInItsMonth) {
  const Span month = parse_span("1mo").value();
  EXPECT_EQ(format_date(add(parse_time("2011-01-31").value(), month)), "2011-02-28");
  EXPECT_EQ(format_date(add(parse_time("2012-01-31").value(), month)), "2012-02-29");
  EXPECT_EQ(format_time(subtract(parse_time("2011-03-31T06:00:00Z").value(), month)),
            "2011-02-28T06:00:00Z");
}

TEST(Duration, IsPrintedForPeople) {
  EXPECT_EQ(format_duration(std::chrono::hours(48)), "2 d");
  EXPECT_EQ(format_duration(std::chrono::hours(36)), "36 h");
  EXPECT_EQ(format_duration(std::chrono::minutes(5)), "5 min");
}

}  // namespace
}  // namespace tocsin
