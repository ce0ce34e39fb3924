#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/engine_harness.h"

namespace tocsin::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

RuleBuilder lethal(const std::shared_ptr<const Catalogue>& world) {
  RuleBuilder builder(world, "lethal");
  builder.select("e.indicator == \"violence.attack\"")
      .event()
      .level(Level::kWatch, "e.value >= 1.0")
      .level(Level::kAlert, "e.value >= 10.0");
  builder.alert().hold = span_of(3 * kDay);
  return builder;
}

TEST(EventRule, FiresHoldsAndResolves) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {lethal(world).build()});
  h.feed(day(0.5), 0.0);
  h.feed(day(1), 1);
  h.feed(day(2), 2);
  h.finish(day(9));
  EXPECT_THAT(h.lines(),
              ElementsAre("fire watch d1 XA-1", "update watch d2 XA-1", "resolve watch d5 XA-1"));
  EXPECT_EQ(h.log[0].condition, "e.value >= 1.0 (1 >= 1)");
  EXPECT_EQ(h.log[2].events_counted, 2u);
}

// Whatever the ids of the two alerts, which are hashes.
TEST(EventRule, AnAlertEndsBeforeTheNextBeginsAtTheSameMoment) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {lethal(world).build()});
  for (int i = 0; i < 20; ++i) h.feed(day(3.0 * i), 1);
  h.finish(day(100));
  ASSERT_EQ(h.log.size(), 40U);
  for (size_t i = 0; i < h.log.size(); ++i) {
    EXPECT_EQ(h.log[i].action, i % 2 == 0 ? Action::kFire : Action::kResolve) << i;
  }
}

TEST(EventRule, LevelIsTheHighestOfTheHold) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {lethal(world).build()});
  h.feed(day(0), 1);
  h.feed(day(1), 10);
  h.feed(day(3.5), 1);
  h.finish(day(9));
  EXPECT_THAT(h.lines(),
              ElementsAre("fire watch d0 XA-1", "escalate alert d1 XA-1", "update alert d3.5 XA-1",
                          "deescalate watch d4 XA-1", "resolve watch d6.5 XA-1"));
}

TEST(EventRule, ManyMatchesAreOneFireAndFewUpdates) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {lethal(world).build()}, Emit::kEarly);
  for (int i = 0; i < 10'000; ++i) h.feed(day(1) + Milliseconds(i * 360), 1);
  h.finish(day(9));
  EXPECT_THAT(h.lines(),
              ElementsAre("~fire watch d1 XA-1", "update watch d1 XA-1", "update watch d2 XA-1",
                          ::testing::StartsWith("resolve watch d4.04")));
  EXPECT_EQ(h.log.back().events_counted, 10'000u);
  EXPECT_EQ(h.log.back().evidence.size(), 20u);
}

TEST(EventRule, EarlyIsConfirmedWhenNothingEarlierCanCome) {
  const auto world = small_world();
  EngineHarness h(world, {lethal(world).build()}, Emit::kEarly);
  h.feed(day(1), 1);
  EXPECT_THAT(h.lines(), ElementsAre("~fire watch d1 XA-1"));
  h.feed(day(2), 0);
  EXPECT_EQ(h.log.size(), 1u) << "an event of the same moment may still come";
  h.feed(day(2.1), 0);
  EXPECT_THAT(h.lines(), ElementsAre("~fire watch d1 XA-1", "update watch d1 XA-1"));
  EXPECT_FALSE(h.log[1].provisional);
}

TEST(EventRule, AnEarlyMatchAfterTheHoldIsAnAlertOfItsOwn) {
  const auto world = small_world();
  EngineHarness h(world, {lethal(world).build()}, Emit::kEarly);
  // The other source holds the watermark back.
  h.feed(day(0.5), 0, "XA-1", "violence.attack", "monitor");
  h.feed(day(1), 10);
  h.feed(day(2), 1);
  h.feed(day(8), 1);
  EXPECT_THAT(h.lines(), ElementsAre("~fire alert d1 XA-1", "~update alert d2 XA-1",
                                     "~deescalate watch d4 XA-1", "~resolve watch d5 XA-1",
                                     "~fire watch d8 XA-1"));
  EXPECT_EQ(h.log[3].watermark, day(-0.5)) << "a straggler may still have prolonged it";
  const AlertTransition second = h.log[4];
  EXPECT_NE(h.log[0].alert, second.alert);
  EXPECT_EQ(second.starts_at, day(8));
  EXPECT_EQ(second.events_counted, 1u);
  h.feed(day(10), 0, "XA-1", "violence.attack", "monitor");
  h.finish(day(20));
  EXPECT_EQ(h.log.back().alert, second.alert);
  EXPECT_THAT(h.lines().back(), "resolve watch d11 XA-1");
}

TEST(EventRule, ALateEventFiresAtTheWatermark) {
  const auto world = small_world();
  EngineHarness h(world, {lethal(world).build()});
  h.feed(day(20), 0);
  h.feed(day(5), 10);
  h.feed(day(30), 0);
  EXPECT_THAT(h.lines(), ElementsAre("fire alert d19 XA-1", "resolve alert d22 XA-1"));
  EXPECT_EQ(h.log[0].starts_at, day(5));
  EXPECT_EQ(h.engine->counters()[0].late, 1u);
}

TEST(EventRule, GroupsByAttr) {
  const auto world = small_world(Milliseconds{0});
  RuleBuilder builder = lethal(world);
  builder.by({{.kind = GroupKey::Kind::kAttr,
               .level = RegionLevel::kCountry,
               .attr = "side",
               .name = "side"}});
  EngineHarness h(world, {builder.build()});
  h.send(h.events.with_attr(h.events.make(day(1), 1), "side", "north"));
  h.send(h.events.with_attr(h.events.make(day(1), 1), "side", "south"));
  h.send(h.events.make(day(1), 1));
  h.finish(day(2));
  EXPECT_EQ(h.log.size(), 2u);
  EXPECT_EQ(h.engine->counters()[0].missing_key, 1u);
}

TEST(EventRule, CorrectionsAreOnlyTime) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {lethal(world).build()});
  Event& event = h.events.make(day(1), 10);
  event.op = Operation::kCorrect;
  h.send(event);
  h.finish(day(2));
  EXPECT_THAT(h.lines(), IsEmpty());
}

// Fires, is over, and then an event of the same time comes late, and again.
TEST(EventRule, ALateEventOfAnOldTimeBeginsAnAlertOfItsOwn) {
  for (const Emit emit : {Emit::kFinal, Emit::kEarly}) {
    const auto world = small_world();
    EngineHarness h(world, {lethal(world).build()}, emit);
    h.feed(day(1), 1);
    for (const double newest : {20.0, 40.0}) {
      h.feed(day(newest), 0);
      h.feed(day(1), 1);
      h.feed(day(1), 1);
    }
    h.finish(day(60));
    std::vector<AlertTransition> fires;
    for (const AlertTransition& t : h.log) {
      if (t.action == Action::kFire) fires.push_back(t);
    }
    ASSERT_EQ(fires.size(), 3u) << "two late events at one watermark are one alert";
    for (const AlertTransition& fire : fires) EXPECT_EQ(fire.starts_at, day(1));
    EXPECT_NE(fires[0].alert, fires[1].alert);
    EXPECT_NE(fires[0].alert, fires[2].alert);
    EXPECT_NE(fires[1].alert, fires[2].alert);
  }
}

TEST(EventRule, SilenceOfAllFeedsEndsNothing) {
  for (const Emit emit : {Emit::kFinal, Emit::kEarly}) {
    const auto world = small_world(Milliseconds{0});
    EngineHarness h(world, {lethal(world).build()}, emit);
    h.feed(day(1), 10);
    h.feed(day(2), 1);
    for (int i = 3; i <= 30; ++i) {
      h.advance("desk", day(i));
      h.restart();
    }
    std::erase_if(h.log, [](const AlertTransition& t) { return t.at < day(3); });
    EXPECT_THAT(h.lines(), ElementsAre("?update alert d4 XA-1")) << "told once, and kept";
    h.feed(day(31), 0, "XB-1");
    EXPECT_THAT(h.lines(),
                ElementsAre("?update alert d4 XA-1", ::testing::StartsWith("resolve alert d30.04")))
        << "the feed is back and says nothing";
  }
}

TEST(EventRule, AMatchAfterSilenceIsAnAlertOfItsOwn) {
  for (const Emit emit : {Emit::kFinal, Emit::kEarly}) {
    const auto world = small_world(Milliseconds{0});
    EngineHarness h(world, {lethal(world).build()}, emit);
    h.feed(day(1), 1);
    h.advance("desk", day(30));
    h.feed(day(31), 1);
    h.finish(day(32));
    std::vector<Action> actions;
    for (const AlertTransition& t : h.log) {
      if (t.action != Action::kUpdate || t.stale) actions.push_back(t.action);
    }
    EXPECT_THAT(actions,
                ElementsAre(Action::kFire, Action::kUpdate, Action::kResolve, Action::kFire));
    EXPECT_NE(h.log.front().alert, h.log.back().alert);
  }
}

TEST(EventRule, ALateMatchGivesAStaleAlertLifeAgain) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {lethal(world).build()});
  h.feed(day(1), 1);
  h.advance("desk", day(5));
  h.feed(day(3), 1);
  EXPECT_THAT(h.lines(),
              ElementsAre("fire watch d1 XA-1", "?update watch d4 XA-1", "update watch d5 XA-1"));
}

TEST(EventRule, AnEndedSourceIsCompleteNotSilent) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {lethal(world).build()});
  h.feed(day(1), 1);
  h.engine->end_source(*world->find_source("desk"), h.log);
  h.finish(day(30));
  EXPECT_THAT(h.lines(), ElementsAre("fire watch d1 XA-1", "resolve watch d4 XA-1"));
}

TEST(EventRule, AReloadWithoutTheHeldLevelTellsTheNextOneDownAndHoldsOn) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {lethal(world).build()});
  h.feed(day(1), 10);
  h.feed(day(2), 0);
  RuleBuilder lower(world, "lethal");
  lower.select("e.indicator == \"violence.attack\"").event().level(Level::kWatch);
  lower.alert().hold = span_of(3 * kDay);
  h.engine->activate(bundle_of(world, {lower.build()}), h.log, h.log);
  h.feed(day(3), 0, "XB-1", "justice.inquiry_opened");
  h.finish(day(9));
  EXPECT_THAT(h.lines(), ElementsAre("fire alert d1 XA-1", "deescalate watch d2 XA-1",
                                     "resolve watch d4 XA-1"));
  EXPECT_EQ(h.log[1].previous, Level::kAlert);
  EXPECT_EQ(h.log[1].condition, "rule changed: it has no level alert");
}

}  // namespace
}  // namespace tocsin::rules
