#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/sightings.h"

namespace tocsin::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

TEST(NewTermEarly, EarlyIsConfirmedWhenNothingEarlierCanCome) {
  const auto world = small_world();
  EngineHarness h(world, {rule_of(world, detect_of())}, Emit::kEarly);
  feed(h, {1, "north"});
  EXPECT_THAT(h.lines(), ElementsAre("~fire watch d1 XA-1"));
  EXPECT_THAT(h.log[0].evidence, ElementsAre(EvidenceRef{1, "first"}));
  EXPECT_EQ(h.log[0].events_counted, 1u);
  feed(h, {1.5, "north"});
  feed(h, {2, "north"});
  EXPECT_EQ(h.log.size(), 1u) << "an event of the same moment may still come";
  feed(h, {2.1, "north"});
  EXPECT_THAT(h.lines(), ElementsAre("~fire watch d1 XA-1", "update watch d1 XA-1"));
  h.finish(day(9));
  EXPECT_THAT(h.lines(),
              ElementsAre("~fire watch d1 XA-1", "update watch d1 XA-1", "resolve watch d4 XA-1"));
  EXPECT_EQ(h.log.back().events_counted, 1u);
}

// The other source holds the watermark back in these.
TEST(NewTermEarly, AStragglerWithTheSameTermIsTheFirstOfTheSameEpisode) {
  const auto world = small_world();
  EngineHarness h(world, {rule_of(world, detect_of())}, Emit::kEarly);
  feed(h, {0.5, "", "XA-1", "monitor"});
  feed(h, {3, "north"});
  feed(h, {2.5, "north"});
  EXPECT_THAT(h.lines(), ElementsAre("~fire watch d3 XA-1"));
  feed(h, {5, "", "XA-1", "monitor"});
  feed(h, {6, "", "XA-1", "desk"});
  EXPECT_THAT(h.lines(), ElementsAre("~fire watch d3 XA-1", "update watch d3 XA-1"));
  EXPECT_EQ(h.log[1].alert, h.log[0].alert);
  EXPECT_EQ(h.log[1].starts_at, day(2.5));
  EXPECT_THAT(h.log[1].evidence, ElementsAre(EvidenceRef{3, "first"}));
  EXPECT_EQ(h.log[1].events_counted, 1u);
  h.finish(day(9));
  EXPECT_EQ(h.lines().back(), "resolve watch d5.5 XA-1") << "as of the first";
}

TEST(NewTermEarly, WhatWaitsTakesRoomToo) {
  const auto world = small_world();
  NewTermDetect detect = detect_of();
  detect.max_terms = 2;
  EngineHarness h(world, {rule_of(world, detect)}, Emit::kEarly);
  feed(h, {0.5, "", "XA-1", "monitor"});
  feed(h, {3, "north"});
  feed(h, {7, "south"});
  feed(h, {11, "west"});  // one too many, as when all is decided
  feed(h, {12, "east"});
  EXPECT_THAT(h.lines(),
              ElementsAre("~fire watch d3 XA-1", "~resolve watch d6 XA-1", "~fire watch d7 XA-1"));
  EXPECT_EQ(std::get<int64_t>(h.log[2].values[2].value), 2) << "north and south";
}

TEST(NewTermEarly, WhatHasNoRoomAfterAllSaysSo) {
  const auto world = small_world();
  NewTermDetect detect = detect_of();
  detect.learn_for = span_of(2 * kDay);
  detect.max_terms = 2;
  EngineHarness h(world, {rule_of(world, detect)}, Emit::kEarly);
  feed(h, {0.5, "other", "XA-1", "monitor"});
  feed(h, {3, "north"});
  feed(h, {2.4, "south"});  // still learning, takes the room
  h.finish(day(4));
  EXPECT_THAT(h.lines(), ElementsAre("~fire watch d3 XA-1", StartsWith("resolve watch d3")));
  EXPECT_EQ(h.log.back().condition, "north: one too many, the group knows 2 terms");
  EXPECT_EQ(h.log.back().events_counted, 0u);
}

TEST(NewTermEarly, WhatWasSeenBeforeAfterAllIsEnded) {
  const auto world = small_world();
  NewTermDetect detect = detect_of();
  detect.learn_for = span_of(2 * kDay);
  EngineHarness h(world, {rule_of(world, detect)}, Emit::kEarly);
  feed(h, {0.5, "other", "XA-1", "monitor"});
  feed(h, {3, "north"});
  feed(h, {2.4, "north"});  // still learning
  EXPECT_THAT(h.lines(), ElementsAre("~fire watch d3 XA-1"));
  feed(h, {4.1, "other", "XA-1", "monitor"});
  feed(h, {4.2, "other"});
  EXPECT_THAT(h.lines(), ElementsAre("~fire watch d3 XA-1", StartsWith("resolve watch d3")));
  EXPECT_EQ(h.log[1].condition, "north: seen before after all");
  EXPECT_FALSE(h.log[1].provisional);
  EXPECT_EQ(measured(h.log[1], "term"), "north");
  h.finish(day(30));
  EXPECT_EQ(h.log.size(), 2u);
}

TEST(NewTermEarly, AStragglerElsewhereLowersTheLevel) {
  const auto world = small_world();
  EngineHarness h(world, {rule_with_parent(world, detect_of())}, Emit::kEarly);
  feed(h, {0.5, "other", "XB-1", "monitor"});
  feed(h, {3, "north", "XA-1"});
  feed(h, {2.5, "north", "XA-2"});
  feed(h, {2.7, "north", "XA-2"});
  h.finish(day(20));
  std::vector<std::string> first;
  std::vector<std::string> second;
  for (const AlertTransition& t : h.log) {
    if (t.group[0].second == "XA-1") first.push_back(brief(t));
    if (t.group[0].second == "XA-2") second.push_back(brief(t));
  }
  EXPECT_THAT(first, ElementsAre("~fire warning d3 XA-1", StartsWith("deescalate watch d3"),
                                 "resolve watch d6 XA-1"));
  EXPECT_THAT(second, ElementsAre("~fire warning d2.5 XA-2", "update warning d2.5 XA-2",
                                  "resolve warning d5.5 XA-2"));
}

TEST(NewTermEarly, AnEarlyTermAfterTheHoldIsAnAlertOfItsOwn) {
  const auto world = small_world();
  EngineHarness h(world, {rule_of(world, detect_of())}, Emit::kEarly);
  feed(h, {0.5, "", "XA-1", "monitor"});
  feed(h, {1, "north"});
  feed(h, {8, "south"});
  EXPECT_THAT(h.lines(),
              ElementsAre("~fire watch d1 XA-1", "~resolve watch d4 XA-1", "~fire watch d8 XA-1"));
  h.finish(day(30));
  EXPECT_THAT(h.lines(),
              ElementsAre("~fire watch d1 XA-1", "~resolve watch d4 XA-1", "~fire watch d8 XA-1",
                          "update watch d8 XA-1", "resolve watch d11 XA-1"))
      << "north is not told again";
  EXPECT_NE(h.log[0].alert, h.log[2].alert);
  EXPECT_EQ(h.log[3].events_counted, 1u);
}

TEST(NewTermEarly, ALateEventIsDecidedAsOfNow) {
  for (const Emit emit : {Emit::kFinal, Emit::kEarly}) {
    const auto world = small_world();
    EngineHarness h(world, {rule_of(world, detect_of())}, emit);
    feed(h, {20, "north"});
    feed(h, {22, "north"});
    h.log.clear();
    feed(h, {5, "north"});
    EXPECT_THAT(h.lines(), IsEmpty()) << "it was seen later, and that was told";
    feed(h, {5, "south"});
    ASSERT_THAT(h.lines(), ElementsAre(Not(StartsWith("~"))));
    EXPECT_EQ(h.log[0].events_counted, 2u) << "in the alert that is open";
    EXPECT_EQ(measured(h.log[0], "term"), "south");
    EXPECT_EQ(h.engine->counters()[0].late, 2u);
    feed(h, {60, "north"});
    h.log.clear();
    feed(h, {6, "west"});
    EXPECT_THAT(h.lines(), ElementsAre("fire watch d59 XA-1"));
    EXPECT_EQ(h.log[0].starts_at, day(6));
  }
}

}  // namespace
}  // namespace tocsin::rules
