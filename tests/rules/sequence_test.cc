#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/engine_harness.h"

namespace tocsin::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Step = RuleBuilder::Step;

constexpr const char* kKilled = "e.indicator == \"violence.attack\"";
constexpr const char* kInquiry = "e.indicator == \"justice.inquiry_opened\"";

RuleBuilder sequence(const std::shared_ptr<const Catalogue>& world, const std::vector<Step>& steps,
                     const std::string& until = "", bool strict = true, bool skip = true,
                     uint32_t max_open = 16) {
  RuleBuilder builder(world, "sequence");
  builder.sequence(steps, span_of(365 * kDay), until, strict, skip, max_open)
      .level(Level::kWarning);
  builder.alert().hold = span_of(30 * kDay);
  return builder;
}

// Killed, no inquiry in 60 days, killed again within 100.
std::vector<Step> impunity() {
  return {{.name = "first", .select = kKilled},
          {.name = "none", .select = kInquiry, .wait = span_of(60 * kDay)},
          {.name = "again", .select = kKilled, .within = span_of(100 * kDay)}};
}
std::vector<Step> unanswered() {
  return {{.name = "killed", .select = kKilled},
          {.name = "none", .select = kInquiry, .wait = span_of(90 * kDay)}};
}

TEST(Sequence, NegationAndRepeat) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {sequence(world, impunity()).build()});
  h.feed(day(0), 5);
  h.feed(day(70), 6);
  h.finish(day(71));
  ASSERT_THAT(h.lines(), ElementsAre("fire warning d70 XA-1"));
  EXPECT_THAT(h.log[0].evidence, ElementsAre(EvidenceRef{1, "first"}, EvidenceRef{2, "again"}));
  EXPECT_EQ(h.log[0].condition,
            "first on 2020-01-01T00:00:00Z; none: none in 60d; again on 2020-03-11T00:00:00Z");
}

TEST(Sequence, BoundariesOfTheNegatedStep) {
  struct Row {
    const char* name;
    double answer;
    bool fires;
  };
  for (const Row& row : {Row{"a second before the deadline", 90 - 1.0 / 86400, false},
                         Row{"at the deadline", 90, true}, Row{"at once", 0.001, false},
                         Row{"before the event", -0.001, true}}) {
    const auto world = small_world();
    EngineHarness h(world, {sequence(world, unanswered()).build()});
    h.feed(day(-0.002), 1, "XB-1");
    h.feed(day(0), 1);
    // The answer comes after an event of the deadline's own time: out of order, within lateness.
    h.feed(row.answer > 1 ? day(90.5) : day(0.5), 1, "XB-1");
    h.feed(day(row.answer), 1, "XA-1", "justice.inquiry_opened");
    h.finish(day(91));
    std::erase_if(h.log, [](const AlertTransition& t) { return t.group[0].second != "XA-1"; });
    EXPECT_EQ(!h.log.empty(), row.fires) << row.name;
    for (const AlertTransition& t : h.log) EXPECT_EQ(t.at, day(90)) << row.name;
  }
}

TEST(Sequence, NeverFiresBeforeTheWaitIsOver) {
  const auto world = small_world();
  EngineHarness h(world, {sequence(world, unanswered()).build()}, Emit::kEarly);
  h.feed(day(0), 1);
  h.feed(day(90.9), 1, "XB-1");
  EXPECT_THAT(h.lines(), IsEmpty());
  h.feed(day(91), 1, "XB-1");
  EXPECT_THAT(h.lines(), ElementsAre("fire warning d90 XA-1"));
}

TEST(Sequence, UntilEndsOpenMatches) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {sequence(world, impunity(), "e.value == 99.0").build()});
  h.feed(day(0), 5);
  h.feed(day(65), 99);
  h.feed(day(70), 5);
  h.finish(day(71));
  EXPECT_THAT(h.lines(), IsEmpty());
}

TEST(Sequence, WithinAndGroupsAndOrder) {
  const std::vector<Step> two = {
      {.name = "small", .select = "e.value == 1.0"},
      {.name = "large", .select = "e.value == 2.0", .within = span_of(5 * kDay)}};
  struct Row {
    const char* name;
    double second;
    double value1, value2;
    const char* region;
    bool strict;
    bool fires;
  };
  for (const Row& row : {Row{"in order", 4, 1, 2, "XA-1", true, true},
                         Row{"at the end of within", 5, 1, 2, "XA-1", true, true},
                         Row{"just outside within", 5.0001, 1, 2, "XA-1", true, false},
                         Row{"another group", 4, 1, 2, "XA-2", true, false},
                         Row{"reversed", 4, 2, 1, "XA-1", true, false},
                         Row{"reversed, any order", 4, 2, 1, "XA-1", false, true}}) {
    const auto world = small_world(Milliseconds{0});
    EngineHarness h(world, {sequence(world, two, "", row.strict).build()});
    h.feed(day(0), row.value1);
    h.feed(day(row.second), row.value2, row.region);
    h.finish(day(9));
    EXPECT_EQ(!h.log.empty(), row.fires) << row.name;
  }
}

TEST(Sequence, OptionalStepAndReferenceToAnEarlierOne) {
  const std::vector<Step> steps = {
      {.name = "a", .select = "e.value == 1.0"},
      {.name = "b", .select = "e.value == 2.0", .optional = true},
      {.name = "c", .select = "e.value == 3.0 && e.source == a.source"}};
  for (const bool has_b : {false, true}) {
    const auto world = small_world(Milliseconds{0});
    EngineHarness h(world, {sequence(world, steps).build()});
    h.feed(day(0), 1);
    if (has_b) h.feed(day(1), 2);
    h.feed(day(2), 3, "XA-1", "violence.attack", "monitor");
    h.feed(day(3), 3);
    h.feed(day(3), 3, "XB-1", "violence.attack", "monitor");
    h.finish(day(4));
    ASSERT_THAT(h.lines(), ElementsAre("fire warning d3 XA-1"));
    EXPECT_THAT(h.log[0].evidence, SizeIs(has_b ? 3 : 2));
  }
}

TEST(Sequence, OverlapDecidesWhetherEventsServeTwice) {
  const std::vector<Step> pair = {{.name = "a", .select = kKilled},
                                  {.name = "b", .select = kKilled}};
  for (const bool skip : {true, false}) {
    const auto world = small_world(Milliseconds{0});
    RuleBuilder builder = sequence(world, pair, "", true, skip);
    builder.alert().hold = span_of(Milliseconds{1});
    EngineHarness h(world, {builder.build()});
    for (int i = 0; i < 4; ++i) h.feed(day(i), 1);
    h.finish(day(9));
    EXPECT_THAT(h.log, SizeIs(skip ? 4 : 6))
        << "fires and resolves of (0,1)(2,3), or (0,1)(1,2)(2,3)";
  }
}

// Each is a match of its own, and the alert as high as the highest: not what the oldest comes to.
TEST(Sequence, OneEventMayCompleteSeveralThatOverlap) {
  for (const bool skip : {true, false}) {
    const auto world = small_world(Milliseconds{0});
    RuleBuilder builder =
        sequence(world, {{.name = "a", .select = kKilled}, {.name = "b", .select = kInquiry}}, "",
                 true, skip);
    builder.level(Level::kAlert, "a.value >= 5.0");
    builder.alert().hold = span_of(kDay);
    EngineHarness h(world, {builder.build()});
    h.feed(day(0), 1);
    h.feed(day(1), 5);
    h.feed(day(2), 1, "XA-1", "justice.inquiry_opened");
    h.finish(day(9));
    ASSERT_FALSE(h.log.empty());
    const AlertTransition& end = h.log.back();
    EXPECT_EQ(end.level, skip ? Level::kWarning : Level::kAlert) << brief(end);
    EXPECT_EQ(end.events_counted, skip ? 2u : 4u);
  }
}

TEST(Sequence, AStreamOfBeginningsDoesNotPushOutTheOldest) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {sequence(world, unanswered(), "", true, true, 4).build()});
  for (int i = 0; i < 80; ++i) h.feed(day(i), 1);
  h.finish(day(90));
  EXPECT_THAT(h.lines(), ElementsAre("fire warning d90 XA-1"));
  EXPECT_EQ(h.engine->counters()[0].overflow, 76u);
}

TEST(Sequence, PositiveStepsMayFireOnArrival) {
  const std::vector<Step> two = {{.name = "a", .select = "e.value == 1.0"},
                                 {.name = "b", .select = "e.value == 2.0"}};
  const auto world = small_world();
  EngineHarness h(world, {sequence(world, two).build()}, Emit::kEarly);
  h.feed(day(1), 2);
  h.feed(day(0.5), 1);  // out of order, within lateness
  EXPECT_THAT(h.lines(), ElementsAre("~fire warning d1 XA-1"));
  h.finish(day(2));
  EXPECT_THAT(h.lines(), ElementsAre("~fire warning d1 XA-1", "update warning d1 XA-1"));
}

TEST(Sequence, AnEarlyMatchAfterTheHoldIsAnAlertOfItsOwn) {
  const std::vector<Step> two = {{.name = "a", .select = "e.value == 1.0"},
                                 {.name = "b", .select = "e.value == 2.0"}};
  const auto world = small_world();
  RuleBuilder builder = sequence(world, two);
  builder.alert().hold = span_of(3 * kDay);
  EngineHarness h(world, {builder.build()}, Emit::kEarly);
  h.feed(day(0), 0, "XA-1", "violence.attack", "monitor");  // holds the watermark back
  h.feed(day(1), 1);
  h.feed(day(2), 2);
  h.feed(day(9), 1);
  h.feed(day(10), 2);
  EXPECT_THAT(h.lines(), ElementsAre("~fire warning d2 XA-1", "~resolve warning d5 XA-1",
                                     "~fire warning d10 XA-1"));
  EXPECT_NE(h.log[0].alert, h.log[2].alert);
  h.feed(day(12), 0, "XA-1", "violence.attack", "monitor");
  h.finish(day(30));
  EXPECT_THAT(h.lines().back(), "resolve warning d13 XA-1");
  EXPECT_EQ(h.log.back().alert, h.log[2].alert);
}

TEST(Sequence, AStragglerDoesNotUndoWhatWasTold) {
  const std::vector<Step> two = {{.name = "a", .select = "e.value == 1.0"},
                                 {.name = "b", .select = "e.value == 2.0"}};
  for (const bool restarts : {false, true}) {
    const auto world = small_world(7 * kDay);
    EngineHarness h(world, {sequence(world, two).build()}, Emit::kEarly);
    h.feed(day(1), 1);
    h.feed(day(5), 2);
    if (restarts) h.restart();
    h.feed(day(3), 2);
    h.feed(day(6), 0);
    EXPECT_THAT(h.lines(), ElementsAre("~fire warning d5 XA-1"));
    h.finish(day(5.5));
    ASSERT_THAT(h.lines(), ElementsAre("~fire warning d5 XA-1", "update warning d5 XA-1"));
    EXPECT_EQ(h.log[0].alert, h.log[1].alert);
  }
}

// The event that completed the match completes a graver one with a straggler.
TEST(Sequence, AStragglerMayRaiseTheLevelOfWhatWasTold) {
  const std::vector<Step> two = {{.name = "a", .select = "e.value >= 1.0 && e.value != 2.0"},
                                 {.name = "b", .select = "e.value == 2.0"}};
  struct Row {
    const char* name;
    double first;  // value of the one that comes in time
    std::vector<std::string> lines;
  };
  for (const Row& row :
       {Row{"nothing was told", 0, {"~fire alert d5 XA-1"}},
        Row{"less was told", 10, {"~fire warning d5 XA-1", "~escalate alert d5 XA-1"}},
        Row{"as much was told", 100, {"~fire alert d5 XA-1"}}}) {
    for (const bool restarts : {false, true}) {
      SCOPED_TRACE(row.name);
      const auto world = small_world(7 * kDay);
      RuleBuilder builder(world, "sequence");
      builder.sequence(two, span_of(365 * kDay), "", true, true, 16)
          .level(Level::kWarning, "a.value >= 10.0")
          .level(Level::kAlert, "a.value >= 100.0");
      builder.alert().hold = span_of(30 * kDay);
      EngineHarness h(world, {builder.build()}, Emit::kEarly);
      h.feed(day(3), row.first == 0 ? 1 : row.first);
      h.feed(day(5), 2);
      if (restarts) h.restart();
      h.feed(day(2), 500);
      EXPECT_THAT(h.lines(), ::testing::ElementsAreArray(row.lines));
      h.finish(day(6));
      EXPECT_EQ(h.log.back().action, Action::kUpdate) << "confirmed";
      EXPECT_EQ(h.log.size(), row.lines.size() + 1);
    }
  }
}

TEST(Sequence, TellsAMatchOnceHoweverManyEventsWaitWithIt) {
  const std::vector<Step> two = {{.name = "a", .select = "e.value == 1.0"},
                                 {.name = "b", .select = "e.value == 2.0"}};
  const auto world = small_world(7 * kDay);
  RuleBuilder builder = sequence(world, two);
  builder.alert().update_every = span_of(Milliseconds{1});
  EngineHarness h(world, {builder.build()}, Emit::kEarly);
  h.feed(day(1), 1);
  h.feed(day(2), 2);
  for (int i = 0; i < 300; ++i) h.feed(day(2.5) + Milliseconds(i), 1);
  h.feed(day(2.1), 1);
  EXPECT_THAT(h.lines(), ElementsAre("~fire warning d2 XA-1"));
  EXPECT_EQ(h.log[0].events_counted, 2u);
}

TEST(Sequence, SilenceOfAllFeedsEndsNothing) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {sequence(world, unanswered()).build()});
  h.feed(day(0), 1);
  h.feed(day(91), 0, "XB-1", "justice.inquiry_opened");
  h.advance("desk", day(200));
  EXPECT_THAT(h.lines(), ElementsAre("fire warning d90 XA-1", "?update warning d120 XA-1"));
  h.feed(day(201), 0, "XB-1", "justice.inquiry_opened");
  EXPECT_EQ(h.log.back().action, Action::kResolve);
  EXPECT_FALSE(h.log.back().stale);
}

TEST(Sequence, TimesTooCoarseForTheOrderTakeNoStep) {
  const std::vector<Step> two = {{.name = "a", .select = "e.value == 1.0"},
                                 {.name = "b", .select = "e.value == 2.0"}};
  struct Row {
    const char* name;
    TimePrecision first, second;
    double at;     // of the second; the first is of day 10
    double until;  // its time_end; 0: none
    bool strict, fires;
  };
  const TimePrecision exact = TimePrecision::kExact;
  const TimePrecision week = TimePrecision::kWeek;
  for (const Row& row :
       {Row{"both exact", exact, exact, 11, 0, true, true},
        Row{"the week of the first reaches it", week, exact, 13, 0, true, false},
        Row{"after the week of the first", week, exact, 14, 0, true, true},
        Row{"its own week reaches back", exact, week, 13, 0, true, false},
        Row{"its own week is later", exact, week, 14, 0, true, true},
        Row{"two weeks overlap", week, week, 16, 0, true, false},
        Row{"a span that is told", exact, week, 11, 18, true, true},
        Row{"a span that is told, from the same moment", exact, week, 10, 17, true, false},
        Row{"order does not count", week, exact, 13, 0, false, true},
        Row{"days are in order", TimePrecision::kDay, TimePrecision::kDay, 10, 0, true, true}}) {
    const auto world = small_world(Milliseconds{0});
    EngineHarness h(world, {sequence(world, two, "", row.strict).build()});
    Event& first = h.events.make(day(10), 1);
    first.time_precision = row.first;
    h.send(first);
    Event& second = h.events.make(day(row.at), 2);
    second.time_precision = row.second;
    second.has_time_end = row.until != 0;
    if (second.has_time_end) second.time_end = day(row.until);
    place_in_the_middle(second);
    h.send(second);
    h.finish(day(30));
    EXPECT_EQ(!h.log.empty(), row.fires) << row.name;
    EXPECT_EQ(h.engine->counters()[0].skipped, row.fires ? 0u : 1u) << row.name;
  }
}

}  // namespace
}  // namespace tocsin::rules
