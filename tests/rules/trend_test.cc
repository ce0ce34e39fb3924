#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/engine_harness.h"

namespace tocsin::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Ten panes of a week, at least five of them with a value; falls by one a week or more.
TrendDetect falling() {
  TrendDetect detect;
  detect.series.every = span_of(7 * kDay);
  detect.series.panes = 10;
  detect.unit = detect.series.every;
  detect.is_falling = true;
  detect.slope = -1;
  detect.p = 0.05;
  detect.min_points = 5;
  return detect;
}

Rule rule_of(const std::shared_ptr<const Catalogue>& world, const TrendDetect& detect,
             AggregateKind kind = AggregateKind::kMean, const std::string& of = "e.value") {
  RuleBuilder builder(world, "trend");
  builder.trend(detect, kind, of).level(Level::kWatch).level(Level::kAlert, "slope <= -3.0");
  return builder.build();
}

double number(const AlertTransition& t, std::string_view name) {
  for (const Measured& value : t.values) {
    if (value.name != name) continue;
    if (const auto* whole = std::get_if<int64_t>(&value.value)) return static_cast<double>(*whole);
    return std::get<double>(value.value);
  }
  return -999;
}

constexpr double kWeek = 7;
// 2020-01-01 is a Wednesday; weeks of the epoch begin on Thursdays.
EventTime week(double n) { return day(1 + n * kWeek); }

TEST(Trend, FiresWhenAValueFallsSteadilyAndTellsTheSlope) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {rule_of(world, falling())});
  for (int i = 0; i < 5; ++i) h.feed(week(i + 0.5), 50 - 2 * i);
  EXPECT_THAT(h.lines(), IsEmpty()) << "the fifth week is not over";
  h.finish(week(5));
  ASSERT_THAT(h.lines(), ElementsAre("fire watch d36 XA-1"));
  EXPECT_EQ(number(h.log[0], "slope"), -2);
  EXPECT_EQ(number(h.log[0], "n"), 5);
  EXPECT_EQ(number(h.log[0], "first"), 50);
  EXPECT_EQ(number(h.log[0], "last"), 42);
  EXPECT_EQ(h.log[0].evidence.size(), 5u);
  EXPECT_EQ(h.log[0].condition,
            "slope -2 a 7d (<= -1), p 0.0275 (<= 0.05); from 50 to 42 over 5 values");
}

TEST(Trend, StaysSilentOn) {
  struct Row {
    const char* name;
    std::vector<double> values;
  };
  for (const Row& row :
       {Row{"too few values", {50, 40, 30, 20}}, Row{"a rise", {10, 20, 30, 40, 50, 60}},
        Row{"a slow fall", {50, 49.5, 49, 48.5, 48, 47.5}},
        Row{"one jump down", {50, 50, 50, 50, 10, 10}},
        Row{"up and down", {50, 10, 50, 10, 50, 10}}}) {
    const auto world = small_world(Milliseconds{0});
    EngineHarness h(world, {rule_of(world, falling())});
    for (size_t i = 0; i < row.values.size(); ++i) {
      h.feed(week(static_cast<double>(i) + 0.5), row.values[i]);
    }
    h.finish(week(static_cast<double>(row.values.size())));
    EXPECT_THAT(h.lines(), IsEmpty()) << row.name;
  }
}

TEST(Trend, LevelsFollowTheSlopeAndSilenceResolvesNothing) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {rule_of(world, falling())});
  for (int i = 0; i < 6; ++i) h.feed(week(i + 0.5), 50 - 2 * i);
  for (int i = 6; i < 12; ++i) h.feed(week(i + 0.5), 40 - 8 * (i - 5));
  h.feed(week(13), 0, "XA-2");  // time goes on, with nothing told of XA-1
  h.finish(week(30));
  const auto lines = h.lines();
  ASSERT_GE(lines.size(), 2u);
  EXPECT_EQ(lines[0], "fire watch d36 XA-1");
  EXPECT_THAT(lines, ::testing::Contains(::testing::StartsWith("escalate alert")));
  for (const std::string& line : lines) EXPECT_EQ(line.find("resolve"), std::string::npos) << line;
}

TEST(Trend, AnEmptyPaneIsNoPointOrTheLastValue) {
  for (const bool hold : {false, true}) {
    const auto world = small_world(Milliseconds{0});
    TrendDetect detect = falling();
    detect.hold = hold;
    detect.p.reset();
    EngineHarness h(world, {rule_of(world, detect)});
    for (const int i : {0, 1, 2, 4}) h.feed(week(i + 0.5), 50 - 2 * i);
    h.finish(week(5));
    ASSERT_EQ(h.log.size(), hold ? 1u : 0u);
    EXPECT_TRUE(!hold || number(h.log[0], "n") == 5);
  }
}

TEST(Trend, WeeksWithoutReportsCountAsNoneOnceThereWasOne) {
  const auto world = small_world(Milliseconds{0});
  TrendDetect detect = falling();
  detect.p.reset();
  EngineHarness h(world, {rule_of(world, detect, AggregateKind::kCount, "")});
  for (int i = 0; i < 4; ++i) {
    for (int n = 0; n < 12 - 4 * i; ++n) h.feed(week(i + 0.5) + Milliseconds(n));
  }
  h.feed(week(5.5), 1, "XA-2");
  h.finish(week(5));
  ASSERT_THAT(h.lines(), ElementsAre("fire alert d36 XA-1"));
  EXPECT_EQ(number(h.log[0], "last"), 0);
  EXPECT_EQ(number(h.log[0], "n"), 5) << "not those before the first report";
}

TEST(Trend, MonthsAreThoseOfTheRulesZone) {
  const auto world = small_world(Milliseconds{0});
  TrendDetect detect = falling();
  detect.series.every = detect.unit = {.months = 1};
  detect.p.reset();
  Rule rule = rule_of(world, detect);
  rule.timezone = "Africa/Tunis";  // an hour ahead
  rule.zone = *cel::find_zone(rule.timezone);
  EngineHarness h(world, {rule});
  for (int month = 1; month <= 5; ++month) {
    h.feed(*parse_time(fmt::format("2020-{:02}-15", month)), 50 - 2 * month);
  }
  // Already June in Tunis.
  h.feed(*parse_time("2020-05-31T23:30:00Z"), 0, "XA-2");
  ASSERT_EQ(h.log.size(), 1u);
  EXPECT_EQ(format_time(h.log[0].at), "2020-05-31T23:00:00Z");
  EXPECT_EQ(number(h.log[0], "slope"), -2);
}

TEST(Trend, GoesOnAfterARestart) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness whole(world, {rule_of(world, falling())});
  EngineHarness torn(world, {rule_of(world, falling())});
  for (int i = 0; i < 12; ++i) {
    for (EngineHarness* h : {&whole, &torn}) h->feed(week(i + 0.5), 50 - 2 * i);
    torn.restart();
  }
  for (EngineHarness* h : {&whole, &torn}) h->finish(week(12));
  EXPECT_EQ(torn.full_lines(), whole.full_lines());
  EXPECT_FALSE(whole.log.empty());
}

}  // namespace
}  // namespace tocsin::rules
