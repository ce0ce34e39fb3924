#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/engine_harness.h"

namespace tocsin::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kAttacks = "e.indicator == \"violence.attack\"";

// Sum of 7 days: warning from 10, left below 5.
RuleBuilder deaths(const std::shared_ptr<const Catalogue>& catalogue) {
  RuleBuilder builder(catalogue, "deaths");
  builder.select(kAttacks)
      .measure("deaths", AggregateKind::kSum, "e.value", 7 * kDay, kDay)
      .threshold("deaths >= 10.0")
      .level(Level::kWarning, "", "deaths < 5.0");
  return builder;
}

TEST(Threshold, FiresAtTheFirstTickWhoseWindowReachesIt) {
  const auto world = small_world();
  EngineHarness h(world, {deaths(world).build()});
  h.feed(day(0.5), 6);
  h.feed(day(2.5), 4);
  h.feed(day(3.9), 0);
  EXPECT_THAT(h.lines(), IsEmpty()) << "lateness of a day: day 3 is not over";
  h.feed(day(4.0), 0);
  EXPECT_THAT(h.lines(), ElementsAre("fire warning d3 XA-1"));
  const AlertTransition& fire = h.log[0];
  EXPECT_EQ(fire.starts_at, day(3));
  EXPECT_EQ(fire.watermark, day(3));
  EXPECT_EQ(fire.condition, "deaths >= 10.0 (10 >= 10)");
  ASSERT_EQ(fire.values.size(), 1u);
  EXPECT_EQ(std::get<double>(fire.values[0].value), 10.0);
  EXPECT_THAT(fire.evidence, ElementsAre(EvidenceRef{1, "match"}, EvidenceRef{2, "match"}));
  EXPECT_EQ(fire.events_counted, 2u);
  EXPECT_EQ(fire.tlp, Tlp::kGreen);
  ASSERT_TRUE(fire.region.has_value());
  EXPECT_EQ(world->region(*fire.region).id, "XA-1");
}

TEST(Threshold, TextsCompareTheLevelByRank) {
  const auto world = small_world();
  RuleBuilder builder = deaths(world);
  builder.level(Level::kEmergency, "deaths >= 20.0")
      .title("en",
             "{{ level }}: {{ level >= level.alert ? \"call\" : \"write\" }} {{ level_rank }}");
  EngineHarness h(world, {builder.build()});
  h.feed(day(0.5), 10);
  h.feed(day(1.5), 10);
  h.feed(day(4), 0);
  ASSERT_EQ(h.log.size(), 2u);
  EXPECT_EQ(h.log[0].title.at("en"), "warning: write 3");
  EXPECT_EQ(h.log[1].title.at("en"), "emergency: call 5");
}

TEST(Threshold, WindowIsHalfOpen) {
  const auto world = small_world(Milliseconds{0});
  struct Row {
    const char* name;
    double second;
    bool fires;
  };
  for (const Row& row :
       {Row{"last moment of the window", 6.999, true}, Row{"the end is exclusive", 7.0, false}}) {
    EngineHarness h(world, {deaths(world).build()});
    h.feed(day(0), 6);  // in the windows of ticks 1 to 7
    h.feed(day(row.second), 6);
    h.feed(day(8), 0, "XB-1");
    EXPECT_EQ(!h.log.empty(), row.fires) << row.name;
  }
}

// "Quiet before, violent now": the condition comes to hold when something leaves the longest
// window, and does not wait for the next event.
TEST(Threshold, IsJudgedWhenAnEventLeavesTheLongestWindow) {
  const auto world = small_world(Milliseconds{0});
  RuleBuilder builder(world, "quiet-before");
  builder.select(kAttacks)
      .measure("recent", AggregateKind::kSum, "e.value", 2 * kDay, kDay)
      .measure("longer", AggregateKind::kSum, "e.value", 3 * kDay, kDay)
      .threshold("recent >= 5.0 && longer - recent < 3.0")
      .level(Level::kWatch);
  EngineHarness h(world, {builder.build()});
  h.feed(day(0.5), 4);
  h.feed(day(2.5), 5);
  h.finish(day(9));
  EXPECT_THAT(h.lines(), ElementsAre("fire watch d4 XA-1", "resolve watch d5 XA-1"));
}

TEST(Threshold, IsJudgedAtEachTickWhenTheConditionAsksForTheTime) {
  const auto world = small_world(Milliseconds{0});
  RuleBuilder builder(world, "mondays");
  builder.select(kAttacks)
      .measure("n", AggregateKind::kCount, "", 9 * kDay, kDay)
      .threshold("n >= 1 && at.getDayOfWeek() == 1")
      .level(Level::kWatch);
  EngineHarness h(world, {builder.build()});
  h.feed(day(0.5));  // a Wednesday; day 5 is a Monday
  h.finish(day(20));
  EXPECT_THAT(h.lines(), ElementsAre("fire watch d5 XA-1", "resolve watch d6 XA-1"));
}

TEST(Threshold, SawToothBetweenExitAndEnterFiresOnce) {
  const auto world = small_world(Milliseconds{0});
  RuleBuilder builder(world, "daily");
  builder.select(kAttacks)
      .measure("deaths", AggregateKind::kSum, "e.value", kDay, kDay)
      .threshold("deaths >= 10.0")
      .level(Level::kWarning, "", "deaths < 5.0");
  EngineHarness h(world, {builder.build()});
  double at = 0.5;
  for (const double value : {10, 6, 11, 5, 12, 9, 10, 4, 4}) h.feed(day(at++), value);
  h.finish(day(9));
  std::erase_if(h.log, [](const AlertTransition& t) { return t.action == Action::kUpdate; });
  EXPECT_THAT(h.lines(), ElementsAre("fire warning d1 XA-1", "resolve warning d8 XA-1"));
}

TEST(Threshold, EarlyFireIsProvisionalAndThenConfirmed) {
  const auto world = small_world();
  EngineHarness h(world, {deaths(world).build()}, Emit::kEarly);
  h.feed(day(0.5), 6);
  h.feed(day(2.5), 4);
  EXPECT_THAT(h.lines(), ElementsAre("~fire warning d2.5 XA-1"));
  EXPECT_EQ(h.log[0].watermark, day(1.5));
  h.feed(day(3.0), 0, "XB-1");
  EXPECT_EQ(h.log.size(), 1u);
  h.feed(day(4.0), 0, "XB-1");
  EXPECT_THAT(h.lines(), ElementsAre("~fire warning d2.5 XA-1", "update warning d3 XA-1"));
  EXPECT_EQ(h.log[0].alert, h.log[1].alert);
}

TEST(Threshold, NonMonotoneRuleWaitsThoughTheEngineMayFireEarly) {
  const auto world = small_world();
  RuleBuilder builder = deaths(world);
  builder.rule().emit = Emit::kFinal;
  EngineHarness h(world, {builder.build()}, Emit::kEarly);
  h.feed(day(0.5), 60);
  EXPECT_THAT(h.lines(), IsEmpty());
}

TEST(Threshold, UndefinedMeanIsNotFalse) {
  const auto world = small_world(Milliseconds{0});
  RuleBuilder builder(world, "mean");
  builder.select(kAttacks)
      .measure("size", AggregateKind::kMean, "e.value", 2 * kDay, kDay, 2)
      .threshold("size >= 4.0")
      .level(Level::kWatch);
  EngineHarness h(world, {builder.build()});
  h.feed(day(0.1), 9);
  h.feed(day(1.1), 0, "XB-1");
  EXPECT_THAT(h.lines(), IsEmpty()) << "one value is too few";
  h.feed(day(1.2), 3);
  h.feed(day(2.1), 0, "XB-1");
  EXPECT_THAT(h.lines(), ElementsAre("fire watch d2 XA-1"));
  h.feed(day(9), 0, "XB-1");
  EXPECT_EQ(h.log.size(), 1u) << "no data is no reason to resolve";
  h.feed(day(9.1), 1);
  h.feed(day(9.2), 1);
  h.feed(day(10.1), 0, "XB-1");
  EXPECT_THAT(h.lines().back(), "resolve watch d10 XA-1");
  EXPECT_EQ(h.engine->counters()[0].evaluation_errors, 0u) << "too few values are no error";
}

TEST(Threshold, SilentSourcesMakeItStaleNotResolved) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {deaths(world).build()});
  h.feed(day(0.5), 20);
  h.feed(day(1.5), 0, "XB-1");
  h.advance("desk", day(30));
  EXPECT_THAT(h.lines(), ElementsAre("fire warning d1 XA-1", "?update warning d2 XA-1"));
  h.feed(day(31.5), 0, "XB-1");
  EXPECT_THAT(h.lines().back(), "resolve warning d30 XA-1") << "the feed is back and says nothing";
}

TEST(Threshold, AnEndedSourceIsCompleteNotSilent) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {deaths(world).build()});
  h.feed(day(0.5), 20);
  h.engine->end_source(*world->find_source("desk"), h.log);
  h.finish(day(30));
  EXPECT_THAT(h.lines(), ElementsAre("fire warning d1 XA-1", "resolve warning d8 XA-1"));
}

TEST(Threshold, WaitsForTheSlowestSource) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {deaths(world).build()});
  h.engine->expect_source(*world->find_source("monitor"));
  h.feed(day(0.5), 20);
  h.feed(day(5), 0);
  EXPECT_THAT(h.lines(), IsEmpty()) << "monitor was announced and has not spoken";
  h.feed(day(1.0), 0, "XB-1", "violence.attack", "monitor");
  EXPECT_THAT(h.lines(), ElementsAre("fire warning d1 XA-1"));
}

TEST(Threshold, GroupsAreApartAndDistinctCountsValues) {
  const auto world = small_world(Milliseconds{0});
  RuleBuilder builder(world, "sources");
  builder.select(kAttacks)
      .measure("sources", AggregateKind::kDistinct, "e.source", 7 * kDay, kDay)
      .threshold("sources >= 2")
      .level(Level::kWatch);
  EngineHarness h(world, {builder.build()});
  h.feed(day(0.1), 1, "XA-1");
  h.feed(day(0.2), 1, "XA-1");
  h.feed(day(0.3), 1, "XA-2", "violence.attack", "monitor");
  h.feed(day(0.4), 1, "XB-1");
  h.feed(day(0.5), 1, "XB-1", "violence.attack", "monitor");
  h.feed(day(0.6), 1, "XA", "violence.attack", "monitor");  // too coarse for admin1
  h.finish(day(1));
  EXPECT_THAT(h.lines(), ElementsAre("fire watch d1 XB-1"));
  EXPECT_EQ(std::get<int64_t>(h.log[0].values[0].value), 2);
  EXPECT_EQ(h.engine->counters()[0].missing_key, 1u);
  EXPECT_EQ(h.engine->counters()[0].groups, 3u);
}

TEST(Threshold, TitlesAreWrittenInEachLanguage) {
  const auto world = small_world(Milliseconds{0});
  RuleBuilder builder = deaths(world);
  builder.by({{.kind = GroupKey::Kind::kRegion,
               .level = RegionLevel::kCountry,
               .attr = "",
               .name = "region"}});
  builder.title("en", "{{ int(deaths) }} killed in {{ region.name }}")
      .title("fr", "{{ int(deaths) }} morts : {{ region.name }}");
  EngineHarness h(world, {builder.build()});
  h.feed(day(0.1), 12);
  h.finish(day(1));
  ASSERT_EQ(h.log.size(), 1u);
  EXPECT_EQ(h.log[0].title.at("en"), "12 killed in Aland");
  EXPECT_EQ(h.log[0].title.at("fr"), "12 morts : Alandie");
}

TEST(Threshold, EvidenceIsTheWorstFew) {
  const auto world = small_world(Milliseconds{0});
  RuleBuilder builder = deaths(world);
  builder.alert().max_evidence = 2;
  EngineHarness h(world, {builder.build()});
  for (const double value : {3.0, 9.0, 1.0, 9.0, 5.0}) h.feed(day(0.1), value);
  h.finish(day(1));
  ASSERT_EQ(h.log.size(), 1u);
  EXPECT_EQ(h.log[0].evidence.size(), 2u);
  EXPECT_EQ(h.log[0].events_counted, 5u);
  for (const EvidenceRef& ref : h.log[0].evidence) {
    EXPECT_EQ(h.events.events()[ref.seq - 1].value, 9.0);
  }
}

TEST(Threshold, RemovedRuleEndsItsAlertsAndSameShapeGoesOn) {
  const auto world = small_world(Milliseconds{0});
  RuleBuilder other(world, "other");
  other.select(kAttacks)
      .measure("n", AggregateKind::kCount, "", kDay, kDay)
      .threshold("n >= 1")
      .level(Level::kInfo);
  EngineHarness h(world, {deaths(world).build(), other.build()});
  h.feed(day(0.5), 20);
  h.feed(day(1.0), 0, "XB-1");
  ASSERT_THAT(h.lines(), ElementsAre("fire warning d1 XA-1", "fire info d1 XA-1"));
  h.engine->activate(bundle_of(world, {deaths(world).build()}), h.log, h.log);
  EXPECT_EQ(h.lines().back(), "resolve info d1 XA-1");
  EXPECT_EQ(h.log.back().condition, "rule removed");
  h.feed(day(20), 0, "XB-1");
  EXPECT_EQ(h.lines().back(), "resolve warning d8 XA-1");
  EXPECT_EQ(h.log.back().alert, h.log.front().alert);
}

TEST(Threshold, AnAlertThatEndsWithItsRuleKeepsItsNumbers) {
  const auto world = small_world();
  EngineHarness h(world, {deaths(world).build()}, Emit::kEarly);
  h.feed(day(5.0), 20);
  ASSERT_THAT(h.lines(), ElementsAre("~fire warning d5 XA-1")) << "the watermark is at day 4";
  const AlertTransition fire = h.log[0];
  h.engine->activate(bundle_of(world, {}), h.log, h.log);
  ASSERT_EQ(h.log.size(), 2U);
  EXPECT_EQ(h.log[1].condition, "rule removed");
  EXPECT_EQ(std::get<double>(h.log[1].values.at(0).value), 20.0);
  EXPECT_EQ(h.log[1].events_counted, 1U);
  EXPECT_EQ(h.log[1].evidence, fire.evidence);
}

TEST(Threshold, AChangedShapeBeginsAnotherAlertAtTheSameMoment) {
  const auto world = small_world(Milliseconds{0});
  RuleBuilder changed = deaths(world);
  changed.rule().shape = hash128("changed");
  EngineHarness h(world, {deaths(world).build()}, Emit::kEarly);
  h.feed(day(0.5), 20);
  h.engine->activate(bundle_of(world, {changed.build()}), h.log, h.log);
  h.feed(day(0.5), 20);
  EXPECT_THAT(h.lines(), ElementsAre("~fire warning d0.5 XA-1", "resolve warning d0.5 XA-1",
                                     "~fire warning d0.5 XA-1"));
  EXPECT_EQ(h.log[1].alert, h.log[0].alert);
  EXPECT_NE(h.log[2].alert, h.log[0].alert);
}

TEST(Threshold, AnUndefinedExitOfALevelAboveKeepsNothing) {
  const auto world = small_world(Milliseconds{0});
  RuleBuilder builder(world, "mean");
  builder.select(kAttacks)
      .measure("n", AggregateKind::kCount, "", kDay, kDay)
      .measure("size", AggregateKind::kMean, "e.value", kDay, kDay, 2)
      .threshold("n >= 1")
      .level(Level::kWatch)
      .level(Level::kWarning, "size >= 4.0", "size < 3.0");
  EngineHarness h(world, {builder.build()});
  h.feed(day(0.5), 9);
  h.feed(day(2.5), 0, "XB-1");
  EXPECT_THAT(h.lines(), ElementsAre("fire watch d1 XA-1", "resolve watch d2 XA-1"));
}

TEST(Threshold, AnAbsentFieldIsSkippedAndAFaultIsAnError) {
  const auto world = small_world(Milliseconds{0});
  RuleBuilder builder(world, "share");
  builder.select(kAttacks)
      .measure("share", AggregateKind::kSum, "12 / int(e.value)", kDay, kDay)
      .threshold("share >= 1.0")
      .level(Level::kWatch);
  EngineHarness h(world, {builder.build()});
  h.feed(day(0.1), std::nan(""));
  EXPECT_EQ(h.engine->counters()[0].skipped, 1u);
  EXPECT_EQ(h.engine->counters()[0].evaluation_errors, 0u);
  h.feed(day(0.2), 0.0);
  EXPECT_EQ(h.engine->counters()[0].skipped, 1u);
  EXPECT_EQ(h.engine->counters()[0].evaluation_errors, 1u);
  h.feed(day(0.3), 4.0);
  h.finish(day(1));
  ASSERT_EQ(h.log.size(), 1u);
  EXPECT_EQ(std::get<double>(h.log[0].values[0].value), 3.0);
}

TEST(Threshold, AStragglerThatCompletesALaterWindowFiresOnArrival) {
  const auto world = small_world(7 * kDay);
  EngineHarness h(world, {deaths(world).build()}, Emit::kEarly);
  h.feed(day(5.5), 4);
  h.feed(day(6.5), 3);
  h.feed(day(7.5), 3);
  EXPECT_EQ(h.log.size(), 1u);
  h.log.clear();
  h.feed(day(5.4), 4, "XA-2");
  h.feed(day(6.5), 3, "XA-2");
  h.feed(day(1.5), 3, "XA-2");
  ASSERT_THAT(h.lines(), ElementsAre("~fire warning d6 XA-2"))
      << "[0, 7) has the three, no window before it";
  h.finish(day(7));
  EXPECT_EQ(h.log.back().alert, h.log.front().alert);
  EXPECT_EQ(brief(h.log.back()), "update warning d7 XA-2");
}

TEST(Threshold, AReloadWithoutTheHeldLevelTellsTheNextOneDown) {
  const auto world = small_world(Milliseconds{0});
  const auto rule = [&](std::vector<Level> levels) {
    RuleBuilder builder(world, "deaths");
    builder.select(kAttacks)
        .measure("deaths", AggregateKind::kSum, "e.value", 7 * kDay, kDay)
        .threshold("deaths >= 10.0");
    for (const Level level : levels) builder.level(level, "", "deaths < 5.0");
    return builder.build();
  };
  struct Row {
    const char* name;
    std::vector<Level> levels;
    const char* told;
  };
  for (const Row& row :
       {Row{"the next one down", {Level::kInfo, Level::kWatch}, "deescalate watch"},
        Row{"else the lowest", {Level::kAlert, Level::kEmergency}, "escalate alert"}}) {
    EngineHarness h(world, {rule({Level::kWarning})});
    h.feed(day(0.5), 20);
    h.feed(day(1.5), 0, "XB-1");
    ASSERT_THAT(h.lines(), ElementsAre("fire warning d1 XA-1"));
    h.engine->activate(bundle_of(world, {rule(row.levels)}), h.log, h.log);
    ASSERT_EQ(h.log.size(), 2u) << row.name;
    EXPECT_THAT(brief(h.log[1]), ::testing::StartsWith(row.told)) << row.name;
    EXPECT_EQ(h.log[1].previous, Level::kWarning) << row.name;
  }
}

TEST(Threshold, YearsOfTicksInOneCallTakeNoMoreMemoryThanOne) {
  const auto world = small_world(Milliseconds{0});
  RuleBuilder builder(world, "for-ever");
  builder.select(kAttacks)
      .measure("n", AggregateKind::kCount, "", kDay, kDay)
      .threshold("n >= 1")
      .level(Level::kWatch, "", "n < 0 && region.id == \"XA-1\" && by.region == region.id");
  EngineHarness h(world, {builder.build()});
  h.feed(day(0.5));
  h.finish(day(50'000));
  EXPECT_THAT(h.lines(), ::testing::Contains("fire watch d1 XA-1"));
  EXPECT_GE(h.engine->counters()[0].evaluations, 50'000u);
  EXPECT_LT(h.engine->state_bytes(), 1u << 20);
}

}  // namespace
}  // namespace tocsin::rules
