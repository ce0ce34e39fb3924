#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/written_rules.h"
#include "tests/support/catalogue_builder.h"

// Ways in which what is read beside a rule's events could be wrong, one test each.
namespace tocsin::rules {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using tocsin::testing::CatalogueBuilder;

// Attacks from `a`, meetings from `b`, arrests from `c`: a feed each.
std::shared_ptr<const Catalogue> three_feeds() {
  return CatalogueBuilder()
      .indicator("violence.attack")
      .indicator("peace.meeting")
      .indicator("rights.arrest")
      .source("a", kDay, {"violence.attack"})
      .source("b", kDay, {"peace.meeting"})
      .source("c", kDay, {"rights.arrest"})
      .country("XA")
      .country("XB")
      .admin1("XA-1", "XA")
      .admin1("XA-2", "XA")
      .admin1("XB-1", "XB")
      .build();
}

const std::string kMeetings =
    "signals:\n  meetings: {select: 'e.indicator == \"peace.meeting\"', by: [region@country], "
    "measure: {agg: count, window: 10d, every: 1d}}\n";

std::string rule(const std::string& name, const std::string& select, const std::string& when,
                 const std::string& more = {}) {
  return "  - {rule: " + name + ", kind: threshold, " + kHead + ", select: '" + select +
         "', by: [region@admin1], detect: {measures: {n: {agg: count, window: 5d, every: 1d}}, "
         "when: '" +
         when + "'}, severity: watch" + more + "}\n";
}

const std::string kAttacks = "e.indicator == \"violence.attack\"";

void attack(EngineHarness& harness, EventTime at, const std::string& region = "XA-1") {
  harness.feed(at, 1, region, "violence.attack", "a");
}
void meeting(EngineHarness& harness, EventTime at) {
  harness.feed(at, 1, "XA-1", "peace.meeting", "b");
}

TEST(Reading, WaitsForTheReaderThatLagsFurthest) {
  // `two` waits for a feed that is far ahead of the backlog that `one` is still to be told.
  const auto bundle = written(
      three_feeds(), kMeetings + "rules:\n" +
                         rule("one", kAttacks, "n >= 1 && signal(\"meetings\") == 0.0") +
                         rule("two", "e.indicator in [\"violence.attack\", \"rights.arrest\"]",
                              "n >= 100 && signal(\"meetings\") == 0.0"));
  EngineHarness harness(bundle);
  harness.feed(day(300), 1, "XB-1", "rights.arrest", "c");
  for (int i = 0; i < 9; ++i) meeting(harness, day(i + 0.5));
  attack(harness, day(9.7));
  meeting(harness, day(400));
  attack(harness, day(400));
  harness.finish(day(401));
  for (const std::string& line : harness.lines()) EXPECT_EQ(line.find(" d10 "), std::string::npos);
}

TEST(Reading, OfASignalThatCameWithAReloadIsNotZero) {
  EngineHarness harness(written(three_feeds(), "rules:\n" + rule("one", kAttacks, "n >= 100")));
  for (int i = 0; i < 9; ++i) meeting(harness, day(i + 0.5));
  attack(harness, day(8));
  const auto after =
      written(three_feeds(), kMeetings + "rules:\n" +
                                 rule("one", kAttacks, "n >= 1 && signal(\"meetings\") == 0.0"));
  Engine::Transitions ended;
  harness.engine->activate(after, ended, harness.log);
  attack(harness, day(9.2));
  meeting(harness, day(12));
  attack(harness, day(12));
  EXPECT_THAT(harness.lines(), IsEmpty());
  EXPECT_EQ(harness.engine->counters().front().evaluation_errors, 0U);
}

// Also when nothing at all goes on over the reload, and for what came ahead of the watermark.
TEST(Reading, OfASignalThatBeginsAnewIsNotZeroThoughNoRuleIsKept) {
  const auto bundle = [](const std::string& days, const std::string& select) {
    std::string signal = kMeetings;
    signal.replace(signal.find("10d"), 3, days);
    return written(three_feeds(), signal + "rules:\n" +
                                      rule("one", select, "n >= 1 && signal(\"meetings\") == 0.0"));
  };
  EngineHarness harness(bundle("2d", kAttacks));
  attack(harness, day(1));
  meeting(harness, day(8.5));
  Engine::Transitions ended;
  harness.engine->activate(bundle("3d", kAttacks + " && e.value > 0.0"), ended, harness.log);
  harness.log.clear();
  attack(harness, day(9.2));
  meeting(harness, day(11.4));
  attack(harness, day(11.4));
  EXPECT_THAT(harness.lines(), IsEmpty()) << "a meeting on d8.5 was told before the reload";
  attack(harness, day(14.2));
  meeting(harness, day(17));
  attack(harness, day(17));
  EXPECT_THAT(harness.lines(), Contains(HasSubstr("fire watch d15")));
}

TEST(Reading, OfALivingFeedDoesNotHideThatTheOwnOneIsDead) {
  EngineHarness harness(written(
      three_feeds(),
      kMeetings + "rules:\n" + rule("one", kAttacks, "n >= 2 && signal(\"meetings\") >= 0.0")));
  attack(harness, day(3.1));
  attack(harness, day(3.2));
  for (int i = 0; i < 60; ++i) meeting(harness, day(i + 0.5));
  harness.advance("a", day(59));  // heartbeats alone
  for (const AlertTransition& t : harness.log) EXPECT_NE(t.action, Action::kResolve);
  EXPECT_THAT(harness.lines(), Contains(HasSubstr("?update watch")));
}

TEST(Reading, OfADeadFeedIsNotZero) {
  EngineHarness harness(written(
      three_feeds(),
      kMeetings + "rules:\n" + rule("one", kAttacks, "n >= 1 && signal(\"meetings\") >= 1.0")));
  meeting(harness, day(3));
  for (int i = 0; i < 60; ++i) {
    attack(harness, day(i + 0.5));
    harness.advance("b", day(i + 0.5));
  }
  for (const AlertTransition& t : harness.log) EXPECT_NE(t.action, Action::kResolve);
}

const std::string kArmed =
    ", armed: {by: 'e.indicator == \"peace.meeting\" && e.value >= 1.0', key: [region@country], "
    "for: 200d, quiet: 10d, disarm: 'e.indicator == \"peace.meeting\" && e.value < 1.0'}";

std::string pair(const std::string& second) {
  return "rules:\n  - {rule: pair, kind: sequence, " + kHead + kArmed +
         ", by: [region@country], detect: {steps: [{a: {select: '" + kAttacks + "'}}, " + second +
         "], span: 150d}, severity: warning, alert: {hold: 1d}}\n";
}

TEST(Reading, ArmingHidesNothingThatMustNotCome) {
  // An arrest in the quiet days of a second meeting is an arrest.
  EngineHarness harness(
      written(three_feeds(), pair("{none: {not: 'e.indicator == \"rights.arrest\"', for: 60d}}")));
  meeting(harness, day(1));
  attack(harness, day(30));
  meeting(harness, day(40));
  harness.feed(day(45), 1, "XA-1", "rights.arrest", "c");
  harness.finish(day(200));
  EXPECT_THAT(harness.lines(), IsEmpty());
}

TEST(Reading, NoMatchGoesOnOverADisarming) {
  EngineHarness harness(written(three_feeds(), pair("{b: {select: '" + kAttacks + "'}}")));
  meeting(harness, day(1));
  attack(harness, day(20));
  harness.feed(day(21), 0, "XA-1", "peace.meeting", "b");
  meeting(harness, day(30));
  attack(harness, day(45));  // the second of the pair began before the disarming
  harness.finish(day(46));
  EXPECT_THAT(harness.lines(), IsEmpty());
}

TEST(Reading, OfACaptureIsAsRestrictedAsWhatItCounted) {
  const std::string armed =
      ", armed: {by: 'e.indicator == \"rights.arrest\"', key: [region@country], for: 200d, "
      "capture: {prior: 'signal(\"meetings\") at e.time'}}";
  EngineHarness harness(written(
      three_feeds(),
      kMeetings + "rules:\n" + rule("one", kAttacks, "n >= 1 && armed.prior >= 1.0", armed)));
  Event& secret = harness.events.make(day(2), 1, "XA-2", "peace.meeting", "b");
  secret.tlp = Tlp::kRed;
  harness.send(secret);
  harness.feed(day(5.5), 1, "XA-1", "rights.arrest", "c");
  attack(harness, day(60.5));
  harness.finish(day(61));
  ASSERT_EQ(harness.log.size(), 1U);
  EXPECT_EQ(harness.log[0].tlp, Tlp::kRed);
}

TEST(Reading, OfACaptureComesBeforeTheSignalForgets) {
  const std::string armed =
      ", armed: {by: 'e.indicator == \"rights.arrest\"', key: [region@country], for: 200d, "
      "capture: {prior: 'signal(\"meetings\") at e.time'}}";
  const auto bundle =
      written(three_feeds(), kMeetings + "rules:\n" +
                                 rule("one", kAttacks, "n >= 1 && armed.prior < 3.0", armed) +
                                 rule("two", kAttacks, "n >= 100 && signal(\"meetings\") >= 0.0",
                                      ", time: {lateness: 2d}"));
  EngineHarness harness(bundle);
  for (const double at : {1.1, 1.2, 1.3, 1.4}) meeting(harness, day(at));
  harness.feed(day(5.5), 1, "XA-1", "rights.arrest", "c");
  attack(harness, day(5.6));
  // One jump over two months.
  meeting(harness, day(70));
  harness.feed(day(70), 1, "XB-1", "rights.arrest", "c");
  attack(harness, day(70.5));
  harness.finish(day(72));
  EXPECT_THAT(harness.lines(), IsEmpty());
}

TEST(Reading, GoesOnWhileTheWindowIsEmpty) {
  EngineHarness harness(written(
      three_feeds(),
      kMeetings + "rules:\n" + rule("one", kAttacks, "n == 0 && signal(\"meetings\") >= 1.0")));
  attack(harness, day(1.5));
  for (int i = 0; i < 20; ++i) meeting(harness, day(i + 0.5));
  harness.finish(day(20));
  EXPECT_EQ(harness.lines().front(), "fire watch d7 XA-1");
}

TEST(Reading, WhatIsNotKnownIsNotUnequalEither) {
  const std::string level =
      "signals:\n  lvl: {select: 'e.indicator == \"peace.meeting\"', by: [region@country], "
      "measure: "
      "{agg: mean, of: e.value, window: 10d, every: 1d}, no_data: missing}\n";
  for (const char* condition : {"signal(\"lvl\") != 0.0", "!(signal(\"lvl\") == 0.0)",
                                "!(signal(\"lvl\") in [1.0, 2.0])"}) {
    EngineHarness harness(
        written(three_feeds(),
                level + "rules:\n" + rule("one", kAttacks, std::string("n >= 1 && ") + condition)));
    attack(harness, day(1.5));
    harness.finish(day(20));
    EXPECT_THAT(harness.lines(), IsEmpty()) << condition;
    EXPECT_EQ(harness.engine->counters().front().evaluation_errors, 0U) << condition;
  }
}

TEST(Reading, HasTheSameGroupsInEveryShard) {
  // One group for all places: it lies in one shard, and its signal counts them all.
  const std::string text =
      kMeetings + "rules:\n" +
      rule("one", kAttacks, "n >= 1 && signal(\"meetings\") == 0.0", ", missing: group");
  const auto bundle = written(three_feeds(), text);
  for (uint32_t of : {1U, 2U, 4U}) {
    std::vector<std::string> lines;
    for (uint32_t i = 0; i < of; ++i) {
      EngineHarness harness(bundle);
      harness.engine = std::make_unique<Engine>(
          bundle, EngineOptions{.emit = Emit::kFinal, .shard = {.index = i, .of = of}});
      meeting(harness, day(1));
      attack(harness, day(2.5), "XA-1");
      attack(harness, day(2.5), "XB-1");
      harness.finish(day(4));
      for (const std::string& line : harness.lines()) lines.push_back(line);
    }
    EXPECT_THAT(lines, ElementsAre("fire watch d3 XB-1")) << of;
  }
}

}  // namespace
}  // namespace tocsin::rules
