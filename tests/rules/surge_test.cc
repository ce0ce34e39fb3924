#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/engine_harness.h"

namespace tocsin::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

RuleBuilder surge_rule(const std::shared_ptr<const Catalogue>& world, SurgeDetect detect) {
  RuleBuilder builder(world, "surge");
  builder.select("e.indicator == \"violence.attack\"")
      .surge(std::move(detect), AggregateKind::kCount, "", 7 * kDay, kDay)
      .level(Level::kWatch);
  return builder;
}

SurgeDetect ten_weeks() {
  SurgeDetect detect;
  detect.history = 10;
  detect.min_history = 8;
  detect.method = SurgeMethod::kPoisson;
  detect.at_least = 3.0;
  detect.floor = 4;
  return detect;
}

double number(const AlertTransition& t, std::string_view name) {
  for (const Measured& value : t.values) {
    if (value.name == name && std::holds_alternative<double>(value.value)) {
      return std::get<double>(value.value);
    }
  }
  return std::nan("");
}

TEST(Surge, FiresFarAboveItsOwnPast) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {surge_rule(world, ten_weeks()).build()});
  for (int week = 0; week < 11; ++week) h.feed(day(week * 7 + 0.5));
  EXPECT_THAT(h.lines(), IsEmpty());
  for (int i = 0; i < 9; ++i) h.feed(day(77.1 + 0.01 * i));
  h.finish(day(78));
  // Tick 78: window [71, 78) has the nine and not week 10 (day 70.5); ten windows of one each:
  // P(X >= 9), r = 10.5, p = 10/11, by direct summation with mpmath: surprise 4.89449
  ASSERT_EQ(h.log.size(), 1u);
  EXPECT_EQ(brief(h.log[0]), "fire watch d78 XA-1");
  EXPECT_EQ(number(h.log[0], "k"), 9.0);
  EXPECT_EQ(number(h.log[0], "baseline.mean"), 1.0);
  EXPECT_EQ(number(h.log[0], "ratio"), 5.0);
  EXPECT_NEAR(number(h.log[0], "surprise"), 4.89449732026302, 1e-9);
}

TEST(Surge, WarmsUpBeforeItJudges) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {surge_rule(world, ten_weeks()).build()});
  for (int week = 0; week < 8; ++week) h.feed(day(week * 7 + 0.5));
  for (int i = 0; i < 30; ++i) h.feed(day(57.1));
  h.finish(day(58));
  EXPECT_THAT(h.lines(), IsEmpty()) << "seven whole windows before [51, 58)";
  EXPECT_EQ(h.engine->counters()[0].warming, 1u);
  h.restart();
  EXPECT_EQ(h.engine->counters()[0].warming, 1u) << "also after a restart";
  h.feed(day(59), 1, "XB-1");
  h.finish(day(300));
  EXPECT_EQ(h.engine->counters()[0].warming, 0u);
}

TEST(Surge, EmptyWindowsOfAKnownGroupAreZeros) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {surge_rule(world, ten_weeks()).build()});
  h.feed(day(0.5));
  for (int i = 0; i < 4; ++i) h.feed(day(77.1));
  h.finish(day(78));
  ASSERT_EQ(h.log.size(), 1u);
  EXPECT_NEAR(number(h.log[0], "baseline.mean"), 0.0, 1e-12) << "the first report is before them";
}

TEST(Surge, FloorAndConfirmHoldItBack) {
  const auto world = small_world(Milliseconds{0});
  SurgeDetect low_floor = ten_weeks();
  low_floor.floor = 5;
  SurgeDetect confirmed = ten_weeks();
  confirmed.confirm = SurgeMethod::kRatio;
  confirmed.confirm_at_least = 6.0;  // (4 + 1) / (0 + 1) is 5
  for (const SurgeDetect& detect : {low_floor, confirmed}) {
    EngineHarness h(world, {surge_rule(world, detect).build()});
    h.feed(day(0.5));
    for (int i = 0; i < 4; ++i) h.feed(day(77.1));
    h.finish(day(78));
    EXPECT_THAT(h.lines(), IsEmpty());
  }
}

TEST(Surge, GapKeepsASlowRiseOutOfTheBaseline) {
  const auto world = small_world(Milliseconds{0});
  SurgeDetect detect = ten_weeks();
  detect.gap = 14;
  EngineHarness h(world, {surge_rule(world, detect).build()});
  h.feed(day(0.5));
  for (int i = 0; i < 3; ++i) h.feed(day(80.5));
  for (int i = 0; i < 6; ++i) h.feed(day(90.5));
  h.finish(day(91));
  ASSERT_EQ(h.log.size(), 1u);
  EXPECT_EQ(number(h.log[0], "baseline.mean"), 0.1) << "[84, 91) against [0, 70)";
}

TEST(Surge, ANewSourceIsNoEscalationWhenSourcesAreStable) {
  const auto world = testing::CatalogueBuilder()
                         .indicator("violence.attack")
                         .source("old", Milliseconds{0}, {"violence.attack"})
                         .source("new", Milliseconds{0}, {"violence.attack"}, day(60))
                         .country("XA")
                         .admin1("XA-1", "XA")
                         .build();
  for (const bool stable : {false, true}) {
    SurgeDetect detect = ten_weeks();
    detect.stable_sources = stable;
    EngineHarness h(world, {surge_rule(world, detect).build()});
    for (int week = 0; week < 11; ++week) {
      h.feed(day(week * 7 + 0.5), 1, "XA-1", "violence.attack", "old");
    }
    for (int i = 0; i < 9; ++i) h.feed(day(77.1), 1, "XA-1", "violence.attack", "new");
    h.finish(day(78));
    EXPECT_EQ(h.log.size(), stable ? 0u : 1u);
  }
}

// What it told is in the window, and begins to count when the baseline begins after it did.
TEST(Surge, IsJudgedWhenASourceComesToCount) {
  const auto world = testing::CatalogueBuilder()
                         .indicator("violence.attack")
                         .source("old", Milliseconds{0}, {"violence.attack"})
                         .source("new", Milliseconds{0}, {"violence.attack"}, day(5))
                         .country("XA")
                         .admin1("XA-1", "XA")
                         .build();
  SurgeDetect detect = ten_weeks();
  detect.stable_sources = true;
  EngineHarness h(world, {surge_rule(world, detect).build()});
  h.feed(day(0.5), 1, "XA-1", "violence.attack", "old");
  for (int i = 0; i < 9; ++i) h.feed(day(79.1), 1, "XA-1", "violence.attack", "new");
  h.finish(day(90));
  EXPECT_THAT(h.lines(), ElementsAre("fire watch d82 XA-1", "resolve watch d87 XA-1"))
      << "77 days are looked at";
}

TEST(Surge, FiresOnArrivalWhenItMay) {
  const auto world = small_world();
  EngineHarness h(world, {surge_rule(world, ten_weeks()).build()}, Emit::kEarly);
  h.feed(day(0.5));
  for (int i = 0; i < 4; ++i) h.feed(day(77.1 + 0.1 * i));
  EXPECT_THAT(h.lines(), ElementsAre("~fire watch d77.4 XA-1"));
  h.finish(day(78));
  EXPECT_THAT(h.lines(), ElementsAre("~fire watch d77.4 XA-1", "update watch d78 XA-1"));
}

}  // namespace
}  // namespace tocsin::rules
