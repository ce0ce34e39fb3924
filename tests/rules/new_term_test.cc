#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/sightings.h"

namespace tocsin::rules {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::StartsWith;

TEST(NewTerm, TheFirstIsToldAndTheSecondIsNot) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {rule_of(world, detect_of())});
  feed(h, {1, "north"});
  feed(h, {2, "north"});
  feed(h, {10, "south"});
  feed(h, {11, "north"});
  feed(h, {12, "north", "XA-2"});
  h.finish(day(30));
  EXPECT_THAT(h.lines(), ElementsAre("fire watch d1 XA-1", "resolve watch d4 XA-1",
                                     "fire watch d10 XA-1", "fire watch d12 XA-2",
                                     "resolve watch d13 XA-1", "resolve watch d15 XA-2"));
  EXPECT_EQ(h.log[2].condition, "south: not seen in 100d before");
  EXPECT_EQ(measured(h.log[2], "term"), "south");
  EXPECT_EQ(measured(h.log[2], "new_to"), "group");
  EXPECT_EQ(measured(h.log[2], "terms"), "2");
  EXPECT_THAT(h.log[2].evidence, ElementsAre(EvidenceRef{3, "first"}));
  EXPECT_EQ(h.log[2].events_counted, 1u);
}

TEST(NewTerm, TwoOfThemInTheHoldAreOneAlert) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {rule_of(world, detect_of())});
  feed(h, {1, "north"});
  feed(h, {3, "south"});
  h.finish(day(30));
  EXPECT_THAT(h.lines(),
              ElementsAre("fire watch d1 XA-1", "update watch d3 XA-1", "resolve watch d6 XA-1"));
  EXPECT_EQ(measured(h.log[1], "term"), "south");
  EXPECT_EQ(h.log[1].events_counted, 2u);
}

TEST(NewTerm, IsNewAgainOnceForgotten) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {rule_of(world, detect_of(10 * kDay))});
  for (const double at : {1.0, 11.0, 21.0, 31.1}) feed(h, {at, "north"});
  // Others keep the group itself alive.
  for (const double at : {5.0, 14.0, 23.0, 30.0}) feed(h, {at, "south"});
  h.finish(day(60));
  EXPECT_THAT(fires(h), ElementsAre("fire watch d1 XA-1", "fire watch d31.1 XA-1"))
      << "ten days after is still known";
}

TEST(NewTerm, CalendarHistoryReachesBackToTheBeginningOfTheDay) {
  const auto world = small_world(Milliseconds{0});
  NewTermDetect detect = detect_of();
  detect.history = {.exact = {}, .months = 1};
  EngineHarness h(world, {rule_of(world, detect)});
  feed(h, {0.2, "north"});   // January 1st
  feed(h, {31.9, "north"});  // February 1st
  feed(h, {62.1, "north"});  // March 3rd: since February 3rd
  h.finish(day(99));
  EXPECT_THAT(fires(h), ElementsAre("fire watch d0.2 XA-1", "fire watch d62.1 XA-1"));
}

TEST(NewTerm, AGroupSilentForMonthsLearnsAgainAtOnce) {
  const auto world = small_world(Milliseconds{0});
  NewTermDetect detect = detect_of();
  detect.history = {.exact = {}, .months = 1};
  detect.learn_events = 1;
  EngineHarness h(world, {rule_of(world, detect)});
  feed(h, {31.5, "north"});  // February 1st
  feed(h, {62.1, "south"});  // March 3rd: learned only
  feed(h, {63, "west"});
  h.finish(day(99));
  EXPECT_THAT(fires(h), ElementsAre("fire watch d63 XA-1"));
}

TEST(NewTerm, LearnsForATime) {
  const auto world = small_world(Milliseconds{0});
  NewTermDetect detect = detect_of();
  detect.learn_for = span_of(20 * kDay);
  EngineHarness h(world, {rule_of(world, detect)});
  EXPECT_EQ(h.engine->state_of(0, {"XA-1"}), GroupState::kWarming);
  feed(h, {1, "north"});
  feed(h, {20.9, "south"});
  EXPECT_EQ(h.engine->state_of(0, {"XA-1"}), GroupState::kWarming);
  EXPECT_EQ(h.engine->counters()[0].warming, 1u);
  feed(h, {21, "west"});
  feed(h, {22, "south"});
  feed(h, {30, "east", "XB-1"});
  EXPECT_EQ(h.engine->state_of(0, {"XA-1"}), GroupState::kInactive);
  EXPECT_EQ(h.engine->state_of(0, {"XB-1"}), GroupState::kWarming);
  h.finish(day(60));
  EXPECT_THAT(fires(h), ElementsAre("fire watch d21 XA-1"));
}

TEST(NewTerm, LearnsForSoManyEventsAndEndsWithEither) {
  const auto world = small_world(Milliseconds{0});
  NewTermDetect detect = detect_of();
  detect.learn_events = 3;
  EngineHarness by_events(world, {rule_of(world, detect)});
  detect.learn_for = span_of(2 * kDay);
  EngineHarness by_either(world, {rule_of(world, detect)});
  for (EngineHarness* h : {&by_events, &by_either}) {
    feed(*h, {1, "north"});
    feed(*h, {2, "north"});
    feed(*h, {9, "south"});
    feed(*h, {10, "west"});
    feed(*h, {11, "north"});
    h->finish(day(12));
  }
  EXPECT_THAT(fires(by_events), ElementsAre("fire watch d10 XA-1"));
  EXPECT_THAT(fires(by_either), ElementsAre("fire watch d9 XA-1"));
}

TEST(NewTerm, AGroupSilentForItsHistoryIsGoneAndLearnsAgain) {
  const auto world = small_world(Milliseconds{0});
  NewTermDetect detect = detect_of(10 * kDay);
  detect.learn_events = 1;
  EngineHarness h(world, {rule_of(world, detect)});
  feed(h, {1, "north"});
  feed(h, {2, "south"});
  EXPECT_EQ(h.engine->counters()[0].groups, 1u);
  feed(h, {12.5, "north", "XB-1"});
  EXPECT_EQ(h.engine->counters()[0].groups, 1u) << "XB-1 alone";
  EXPECT_EQ(h.engine->state_of(0, {"XA-1"}), GroupState::kWarming);
  feed(h, {13, "west"});
  feed(h, {14, "east"});
  h.finish(day(60));
  EXPECT_THAT(fires(h), ElementsAre("fire watch d2 XA-1", "fire watch d14 XA-1"));
  EXPECT_EQ(h.engine->counters()[0].groups, 0u);
  EXPECT_EQ(h.engine->counters()[0].warming, 0u);
  EXPECT_EQ(h.engine->counters()[0].state_bytes, 0u);
}

TEST(NewTerm, AtTheLimitKnownTermsGoOnAndForgottenOnesMakeRoom) {
  const auto world = small_world(Milliseconds{0});
  NewTermDetect detect = detect_of(10 * kDay);
  detect.max_terms = 2;
  EngineHarness h(world, {rule_of(world, detect)});
  feed(h, {1, "north"});
  feed(h, {2, "south"});
  feed(h, {3, "west"});
  feed(h, {3.5, "west"});
  feed(h, {9, "south"});
  EXPECT_EQ(h.engine->counters()[0].overflow, 2u);
  feed(h, {12, "west"});
  feed(h, {13, "south"});
  h.finish(day(60));
  EXPECT_THAT(h.lines(),
              ElementsAre("fire watch d1 XA-1", "update watch d2 XA-1", "resolve watch d5 XA-1",
                          "fire watch d12 XA-1", "resolve watch d15 XA-1"));
  EXPECT_EQ(h.engine->counters()[0].overflow, 2u);
}

TEST(NewTerm, AnAbsentPartIsLeftOutOrATermOfItsOwn) {
  for (const bool is_term : {false, true}) {
    const auto world = small_world(Milliseconds{0});
    NewTermDetect detect = detect_of();
    detect.missing_is_term = is_term;
    EngineHarness h(world, {rule_of(world, detect)});
    feed(h, {1, ""});
    feed(h, {2, ""});
    h.finish(day(3));
    EXPECT_EQ(h.engine->counters()[0].skipped, is_term ? 0u : 2u);
    ASSERT_EQ(h.log.size(), is_term ? 1u : 0u);
    EXPECT_TRUE(!is_term || measured(h.log[0], "term") == "∅");
  }
}

TEST(NewTerm, SeveralPartsAreNewTogether) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {rule_of(world, detect_of(), {kSide, "e.source", "e.confidence"})});
  feed(h, {1, "north"});
  feed(h, {10, "north"});
  feed(h, {20, "north", "XA-1", "monitor"});
  feed(h, {29, "x"});
  h.finish(day(21));
  EXPECT_THAT(fires(h), ElementsAre("fire watch d1 XA-1", "fire watch d20 XA-1"));
  EXPECT_THAT(measured(h.log.back(), "term"), StartsWith("north, monitor, "));
}

TEST(NewTerm, TextsNameTheTermAndSinceWhenItWasNotSeen) {
  const auto world = small_world(Milliseconds{0});
  RuleBuilder builder = builder_of(world, detect_of());
  builder.level(Level::kWatch)
      .title("en",
             "First {{ term[0] }} by {{ e.source }} in {{ region.id }} since {{ history.start | "
             "date }}, "
             "{{ terms }} known, told of since {{ history.first | date }}");
  EngineHarness h(world, {builder.build()});
  feed(h, {0, "north"});
  feed(h, {10, "south"});
  h.finish(day(11));
  EXPECT_EQ(h.log.back().title.at("en"),
            "First south by desk in XA-1 since 2019-10-03, 2 known, told of since 2020-01-01");
}

TEST(NewTerm, WhenJudgesTheEventToo) {
  const auto world = small_world(Milliseconds{0});
  RuleBuilder builder = builder_of(world, detect_of());
  builder.level(Level::kWatch, "e.attrs.side != \"north\" && terms >= 2");
  EngineHarness h(world, {builder.build()});
  feed(h, {1, "north"});
  feed(h, {2, "south"});
  h.finish(day(3));
  ASSERT_THAT(h.lines(), ElementsAre("fire watch d2 XA-1"));
  EXPECT_THAT(h.log[0].condition, StartsWith("south: not seen in 100d before; watch: "));
}

TEST(NewTerm, IsNewToTheParentWhenNoOtherGroupOfTheCountryKnowsIt) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {rule_with_parent(world, detect_of(20 * kDay))});
  feed(h, {1, "north"});
  feed(h, {2, "north", "XA-2"});
  feed(h, {3, "north", "XB-1"});
  feed(h, {4, "south"});
  // Forgotten in XA-1 by then, not yet in XA-2.
  feed(h, {21.5, "north"});
  feed(h, {50, "north"});
  h.finish(day(60));
  EXPECT_THAT(fires(h), ElementsAre("fire warning d1 XA-1", "fire watch d2 XA-2",
                                    "fire warning d3 XB-1", "fire warning d4 XA-1",
                                    "fire watch d21.5 XA-1", "fire warning d50 XA-1"));
  EXPECT_EQ(measured(h.log[0], "new_to"), "parent");
}

// Known to the country for as long as to the group, whichever of them was heard of first.
TEST(NewTerm, AWholeHistoryLaterItIsStillKnownToTheParent) {
  for (const bool is_first : {false, true}) {
    const auto world = small_world(Milliseconds{0});
    EngineHarness h(world, {rule_with_parent(world, detect_of(20 * kDay))});
    if (!is_first) feed(h, {0.5, "south"});
    feed(h, {1, "north", "XA-2"});
    if (is_first) feed(h, {2, "south"});
    feed(h, {21, "north"});
    h.finish(day(22));
    EXPECT_THAT(fires(h), ::testing::Contains("fire watch d21 XA-1"))
        << (is_first ? "first" : "second");
  }
}

TEST(NewTerm, OtherKeysOfTheParentAreTheSame) {
  const auto world = small_world(Milliseconds{0});
  NewTermDetect detect = detect_of();
  detect.also_new_to_country = true;
  RuleBuilder builder = builder_of(world, detect, {"e.indicator"});
  builder.level(Level::kWatch).level(Level::kWarning, "new_to == \"parent\"");
  builder.by({{.kind = GroupKey::Kind::kRegion,
               .level = RegionLevel::kAdmin1,
               .attr = "",
               .name = "region"},
              {.kind = GroupKey::Kind::kAttr,
               .level = RegionLevel::kCountry,
               .attr = "side",
               .name = "side"}});
  EngineHarness h(world, {builder.build()});
  feed(h, {1, "north"});
  feed(h, {2, "south", "XA-2"});
  feed(h, {3, "north", "XA-2"});
  h.finish(day(4));
  EXPECT_THAT(fires(h), ElementsAre("fire warning d1 XA-1 north", "fire warning d2 XA-2 south",
                                    "fire watch d3 XA-2 north"));
}

TEST(NewTerm, AtTheSameMomentItIsNewToTheParentInBoth) {
  for (const bool is_swapped : {false, true}) {
    const auto world = small_world();
    EngineHarness h(world, {rule_with_parent(world, detect_of())});
    feed(h, {1, "north", is_swapped ? "XA-2" : "XA-1"});
    feed(h, {1, "north", is_swapped ? "XA-1" : "XA-2"});
    feed(h, {2, "north", "XA-2"});
    h.finish(day(3));
    std::vector<std::string> lines = fires(h);
    std::sort(lines.begin(), lines.end());
    EXPECT_THAT(lines, ElementsAre("fire warning d1 XA-1", "fire warning d1 XA-2"));
  }
}

TEST(NewTerm, SilenceOfAllFeedsEndsNothing) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {rule_of(world, detect_of(20 * kDay))});
  feed(h, {1, "north"});
  for (int i = 2; i <= 30; ++i) h.advance("desk", day(i));
  EXPECT_THAT(h.lines(), ElementsAre("fire watch d1 XA-1", "?update watch d4 XA-1"));
  feed(h, {31, "south", "XB-1"});
  EXPECT_THAT(h.lines(), Contains(StartsWith("resolve watch d30.")));
}

TEST(NewTerm, AReloadKeepsWhatWasLearned) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {rule_with_parent(world, detect_of())});
  feed(h, {1, "north"});
  feed(h, {1.5, "other"});
  h.engine->activate(bundle_of(world, {rule_of(world, detect_of())}), h.log, h.log);
  feed(h, {10, "north"});
  feed(h, {11, "south"});
  h.finish(day(12));
  EXPECT_THAT(h.lines(), Contains(StartsWith("deescalate watch d1")));
  EXPECT_THAT(fires(h), ElementsAre("fire warning d1 XA-1", "fire watch d11 XA-1"));
}

}  // namespace
}  // namespace tocsin::rules
