#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/engine_harness.h"

namespace tocsin::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Weekly, three days of grace.
AbsenceDetect weekly() {
  AbsenceDetect detect;
  detect.every = span_of(7 * kDay);
  detect.grace = span_of(3 * kDay);
  return detect;
}

RuleBuilder silence(const std::shared_ptr<const Catalogue>& world, AbsenceDetect detect) {
  RuleBuilder builder(world, "silence");
  builder.select("e.indicator == \"violence.attack\"")
      .absence(std::move(detect))
      .level(Level::kWatch, "missed >= 1")
      .level(Level::kWarning, "missed >= 3");
  builder.alert().update_every = span_of(100 * kDay);
  return builder;
}

TEST(Absence, FiresWhenAllIsSilentAndResolvesAtTheFirstReport) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {silence(world, weekly()).build()});
  h.feed(day(0));
  h.advance("desk", day(9.999));
  EXPECT_THAT(h.lines(), IsEmpty());
  h.advance("desk", day(10));
  ASSERT_THAT(h.lines(), ElementsAre("fire watch d10 XA-1"));
  EXPECT_THAT(h.log[0].evidence, ElementsAre(EvidenceRef{1, "last"}));
  EXPECT_EQ(h.log[0].condition,
            "no report since 2020-01-01T00:00:00Z, expected every 7d: missed = 1");
  h.advance("desk", day(24));
  h.feed(day(25));
  h.finish(day(26));
  EXPECT_THAT(h.lines(), ElementsAre("fire watch d10 XA-1", "escalate warning d24 XA-1",
                                     "resolve warning d25 XA-1"));
}

TEST(Absence, AReportBeforeTheDeadlineIsInTimeThoughItArrivesAfterOthers) {
  struct Row {
    const char* name;
    double report;
    bool fires;
  };
  for (const Row& row : {Row{"a second before", 10 - 1.0 / 86400, false}, Row{"at it", 10, true}}) {
    const auto world = small_world();
    EngineHarness h(world, {silence(world, weekly()).build()});
    h.feed(day(0));
    h.feed(day(10.9), 1, "XB-1");
    h.feed(day(row.report));
    h.finish(day(11));
    EXPECT_EQ(!h.log.empty(), row.fires) << row.name;
  }
}

TEST(Absence, RosterNamesWhoWasNeverHeardOf) {
  const auto world = small_world(Milliseconds{0});
  AbsenceDetect detect = weekly();
  detect.roster = {"XA-1", "XA-2"};
  EngineHarness h(world, {silence(world, detect).build()});
  h.feed(day(0), 1, "XA-1");
  h.feed(day(7), 1, "XA-1");
  h.feed(day(14), 1, "XA-1");
  EXPECT_THAT(h.lines(), ElementsAre("fire watch d10 XA-2"));
  EXPECT_THAT(h.log[0].condition, ::testing::HasSubstr("no report ever"));
}

TEST(Absence, LateReportsOfAKeyThatWouldBeForgottenTeachNothing) {
  const auto world = small_world(Milliseconds{0});
  AbsenceDetect detect = weekly();
  detect.learn = span_of(3 * kDay);
  EngineHarness h(world, {silence(world, detect).build()});
  h.feed(day(20), 1, "XB-1");
  h.feed(day(5));
  h.feed(day(9));  // had they come in time, the first would have been forgotten at day 8
  h.finish(day(22));
  EXPECT_THAT(h.lines(), IsEmpty());
}

TEST(Absence, LearnsAndForgets) {
  const auto world = small_world(Milliseconds{0});
  AbsenceDetect detect = weekly();
  detect.learn = span_of(14 * kDay);
  detect.forget = span_of(40 * kDay);
  EngineHarness h(world, {silence(world, detect).build()});
  h.feed(day(0), 1, "XB-1");  // once and never again: not learned
  for (int week = 0; week <= 2; ++week) h.feed(day(week * 7), 1, "XA-1");
  h.finish(day(60));
  EXPECT_THAT(h.lines(), ElementsAre("fire watch d24 XA-1", "escalate warning d38 XA-1",
                                     "resolve warning d54 XA-1"));
  EXPECT_THAT(h.log.back().condition, ::testing::StartsWith("no longer expected"));
  EXPECT_EQ(h.engine->counters()[0].groups, 0u);
}

// Whether the next report is there already when a key is forgotten is a matter of arrival.
TEST(Absence, AForgottenKeyCountsItsReportsAnew) {
  for (const bool is_there : {true, false}) {
    const auto world = small_world();
    AbsenceDetect detect = weekly();
    detect.forget = span_of(20 * kDay);
    EngineHarness h(world, {silence(world, detect).build()});
    h.feed(day(1), 1, "XA-1");
    if (is_there) h.feed(day(21.5), 1, "XA-1");
    h.feed(day(22.4), 1, "XB-1");
    if (!is_there) h.feed(day(21.5), 1, "XA-1");
    h.finish(day(33));
    const auto fire = std::find_if(h.log.rbegin(), h.log.rend(), [](const AlertTransition& t) {
      return t.action == Action::kFire && t.group[0].second == "XA-1";
    });
    ASSERT_NE(fire, h.log.rend());
    EXPECT_GT(fire->at, day(22)) << "of the second stay";
    EXPECT_EQ(fire->events_counted, 1u) << (is_there ? "there before" : "comes after");
  }
}

TEST(Absence, UnlessExcuses) {
  const auto world = small_world(Milliseconds{0});
  RuleBuilder builder = silence(world, weekly());
  builder.unless("missed < 2");
  EngineHarness h(world, {builder.build()});
  h.feed(day(0));
  h.advance("desk", day(20));
  EXPECT_THAT(h.lines(), ElementsAre("fire watch d17 XA-1"));
}

TEST(Absence, CalendarMonths) {
  const auto world = small_world(Milliseconds{0});
  AbsenceDetect detect;
  detect.every = {.exact = Milliseconds{0}, .months = 1};
  EngineHarness h(world, {silence(world, detect).build()});
  h.feed(*parse_time("2020-01-31"));
  h.advance("desk", *parse_time("2020-04-30"));
  ASSERT_EQ(h.log.size(), 2u);
  EXPECT_EQ(h.log[0].at, *parse_time("2020-02-29"));
  EXPECT_EQ(h.log[1].at, *parse_time("2020-04-30"));
}

TEST(Absence, SeveralReportsAreExpected) {
  const auto world = small_world(Milliseconds{0});
  AbsenceDetect detect = weekly();
  detect.at_least = 2;
  EngineHarness h(world, {silence(world, detect).build()});
  h.feed(day(0));
  h.feed(day(1));
  h.feed(day(9));
  h.finish(day(12));
  EXPECT_THAT(h.lines(), ElementsAre("fire watch d11 XA-1"))
      << "the second last of day 1, every 7, grace 3";
}

TEST(Absence, WhoIsNotOnTheListIsNotExpected) {
  const auto world = small_world(Milliseconds{0});
  AbsenceDetect detect = weekly();
  detect.roster = {"XA-1"};
  EngineHarness h(world, {silence(world, detect).build()});
  h.feed(day(0), 1, "XA-1");
  h.feed(day(1), 1, "XB-1");
  h.feed(day(7), 1, "XA-1");
  h.finish(day(16));
  EXPECT_THAT(h.lines(), IsEmpty());
  EXPECT_EQ(h.engine->counters()[0].groups, 1u);
  EXPECT_EQ(h.engine->counters()[0].selected, 2u);
}

TEST(Absence, DeadlinesOfTheNeverHeardDoNotDependOnWhichSourceSpokeFirst) {
  std::vector<std::vector<std::string>> logs;
  for (const bool slow_first : {false, true}) {
    const auto world = small_world();
    AbsenceDetect detect = weekly();
    detect.roster = {"XA-1"};
    EngineHarness h(world, {silence(world, detect).build()});
    h.engine->expect_source(*world->find_source("desk"));
    h.engine->expect_source(*world->find_source("monitor"));
    const auto slow = [&] { h.feed(day(100), 1, "XB-1", "violence.attack", "monitor", "slow"); };
    if (slow_first) slow();
    h.feed(day(0), 1, "XB-1", "violence.attack", "desk", "one");
    h.feed(day(100), 1, "XB-1", "violence.attack", "desk", "two");
    if (!slow_first) slow();
    logs.push_back(h.full_lines());
    EXPECT_THAT(h.lines(), ElementsAre("fire watch d10 XA-1", "escalate warning d24 XA-1"))
        << "slow first: " << slow_first;
  }
  EXPECT_EQ(logs[0], logs[1]);
}

TEST(Absence, ReportsLeaveNoTimersBehind) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {silence(world, weekly()).build()});
  const auto report = [&h](int minute) {
    h.feed(day(0) + std::chrono::minutes(minute), 1, "XA-1", "violence.attack", "desk",
           fmt::format("{:05}", minute));
  };
  int minute = 0;
  while (minute < 100) report(minute++);
  const size_t before = h.engine->state_bytes();
  while (minute < 14'000) report(minute++);  // within ten days: no deadline has passed
  EXPECT_LE(h.engine->state_bytes(), before) << "one that waits for its deadline is enough";
  h.finish(day(20));
  EXPECT_THAT(h.lines(), ElementsAre(::testing::StartsWith("fire watch d19.7")));
}

TEST(Absence, AReportThatIsTooFewKeepsWhatIsPending) {
  const auto world = small_world(Milliseconds{0});
  AbsenceDetect detect = weekly();
  detect.at_least = 2;
  RuleBuilder builder = silence(world, detect);
  builder.alert().pending = span_of(5 * kDay);
  EngineHarness h(world, {builder.build()});
  h.feed(day(0));
  h.feed(day(1));
  h.feed(day(12));  // the second last is of day 1: missed since day 11
  h.finish(day(17));
  EXPECT_THAT(h.lines(), ElementsAre("fire watch d15 XA-1")) << "missed since day 10";
}

}  // namespace
}  // namespace tocsin::rules
