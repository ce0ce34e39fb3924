#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/written_rules.h"

// Exceptions: events that rules leave out until a date.
namespace tocsin::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Three attacks in two days; `when` is what is left out, before d10.
std::string three_attacks(const std::string& when) {
  return "rules:\n  - {rule: r, kind: threshold, " + kHead +
         ", tunable: [region, source, indicator, side], "
         "select: 'e.indicator == \"violence.attack\"', by: [region@country], "
         "detect: {measures: {n: {agg: count, window: 2d, every: 1d}}, when: n >= 3}, "
         "severity: watch}\n" +
         (when.empty() ? ""
                       : "exceptions:\n  - {rule: p/r, when: " + when +
                             ", reason: R, by: j.doe, until: 2020-01-11}\n");
}

uint64_t excepted(const EngineHarness& harness) {
  return harness.engine->counters().front().excepted;
}

struct Row {
  std::string when;
  bool fires;
  uint64_t excepted;
};

TEST(Exception, LeavesOutWhatHasAllFieldsOfAnyItem) {
  const std::vector<Row> rows = {
      {"", true, 0},
      {"[{region: XA-1}]", false, 1},
      {"[{region: XA}]", false, 3},  // all that lies within it
      {"[{region: XB}]", true, 0},
      {"[{source: monitor}]", false, 1},
      {"[{indicator: violence.attack}]", false, 3},
      {"[{region: XA-1, source: monitor}]", true, 0},
      {"[{region: XA-2, source: monitor}]", false, 1},
      {"[{region: XB}, {source: monitor}]", false, 1},
      {"[{side: north}]", false, 1},
      {"[{e.attrs.side: north, source: desk}]", false, 1},
      {"[{side: south}]", true, 0},  // most events have no side
  };
  for (const Row& row : rows) {
    EngineHarness harness(written(small_world(), three_attacks(row.when)));
    harness.send(
        harness.events.with_attr(harness.events.make(day(2.5), 1, "XA-1"), "side", "north"));
    harness.feed(day(2.6), 1, "XA-2", "violence.attack", "desk");
    harness.feed(day(2.7), 1, "XA-2", "violence.attack", "monitor");
    harness.finish(day(3.5));
    EXPECT_EQ(harness.log.size(), row.fires ? 1U : 0U) << row.when;
    EXPECT_EQ(excepted(harness), row.excepted) << row.when;
  }
}

TEST(Exception, SpeaksOfEventsBeforeItsDate) {
  EngineHarness harness(written(small_world(), three_attacks("[{region: XA}]")));
  for (const double at : {9.2, 9.3, 9.999, 10.0, 10.1}) harness.feed(day(at));
  harness.finish(day(11));
  EXPECT_THAT(harness.lines(), IsEmpty()) << "two events of the tenth day count, three do not";
  EXPECT_EQ(excepted(harness), 3U);
  EngineHarness later(written(small_world(), three_attacks("[{region: XA}]")));
  for (const double at : {10.0, 10.1, 10.2}) later.feed(day(at));
  later.finish(day(11));
  EXPECT_THAT(later.lines(), ElementsAre("fire watch d11 XA"));
}

TEST(Exception, OrderOfArrivalAndRestartsDoNotCount) {
  const auto bundle = written(small_world(), three_attacks("[{source: monitor}, {region: XA-1}]"));
  std::vector<Told> events;
  for (int i = 0; i < 60; ++i) {
    events.push_back({day(5 + i * 0.17), 1.0,
                      i % 3 == 0   ? "XA-1"
                      : i % 3 == 1 ? "XA-2"
                                   : "XB-1",
                      "violence.attack", i % 4 == 0 ? "monitor" : "desk"});
  }
  const auto plain = said(bundle, events, day(20));
  EXPECT_FALSE(plain.empty());
  for (uint32_t seed = 1; seed <= 5; ++seed) {
    EXPECT_EQ(said(bundle, shuffled(events, kDay, seed), day(20), seed % 2 == 0), plain) << seed;
  }
}

std::string with_exception(const std::string& rule, bool is_excepted) {
  const std::string exceptions =
      "exceptions: [{rule: p/r, when: [{source: monitor}], reason: R, by: j.doe, until: "
      "2021-01-01}]\n";
  return "rules:\n  - {rule: r, " + kHead + ", tunable: [source], " + rule + "}\n" +
         (is_excepted ? exceptions : "");
}

// Every kind that takes events: what the feed `monitor` sends makes it fire, or keeps it silent.
TEST(Exception, IsOfEveryKindThatTakesEvents) {
  const std::string attack = "'e.indicator == \"violence.attack\"'";
  const std::string inquiry = "'e.indicator == \"justice.inquiry_opened\"'";
  const std::map<std::string, std::string> kinds = {
      {"event", "kind: event, select: " + attack +
                    ", by: [region@country], severity: watch, alert: {hold: 1d}"},
      {"sequence",
       "kind: sequence, by: [region@country], severity: watch, alert: {hold: 1d}, "
       "detect: {span: 9d, steps: [{a: {select: " +
           attack + "}}, {b: {select: " + inquiry + "}}]}"},
      {"index",
       "kind: index, by: [region@country], levels: {watch: {enter: 1, exit: 1}}, detect: "
       "{every: 1d, combine: weighted_mean, components: {v: {events: " +
           attack + ", half_life: 9d, scale: {from: 0, to: 2}, weight: 1.0}}}"},
      {"new_term", "kind: new_term, select: " + attack +
                       ", by: [region@country], severity: watch, alert: {hold: 1d}, detect: {term: "
                       "[e.source], history: 30d, learn: {for: 1d}}"},
  };
  for (const auto& [kind, rule] : kinds) {
    for (const bool is_excepted : {false, true}) {
      EngineHarness harness(written(small_world(), with_exception(rule, is_excepted)));
      if (kind == "new_term") harness.feed(day(1), 1, "XA-1", "violence.attack", "desk");
      harness.feed(day(3), 1, "XA-1", "violence.attack", "monitor");
      harness.feed(day(4), 1, "XA-1", "justice.inquiry_opened", "desk");
      harness.finish(day(6));
      EXPECT_EQ(harness.log.empty(), is_excepted) << kind;
      EXPECT_EQ(excepted(harness), is_excepted ? 1U : 0U) << kind;
    }
  }
}

TEST(Exception, DoesNotEndAnAbsence) {
  for (const bool is_excepted : {false, true}) {
    EngineHarness harness(written(
        small_world(),
        with_exception("kind: absence, select: 'e.indicator == \"violence.attack\"', by: "
                       "[region@country], severity: watch, detect: {expect: {at_least: 1, every: "
                       "2d}, roster: {learn: 2d}}",
                       is_excepted)));
    harness.feed(day(1));
    harness.feed(day(2.5));
    harness.feed(day(3.5));
    harness.feed(day(6.5), 1, "XA-1", "violence.attack", "monitor");
    harness.finish(day(7));
    const auto lines = harness.lines();
    if (is_excepted) {
      EXPECT_THAT(lines, ElementsAre("fire watch d5.5 XA"));
    } else {
      EXPECT_THAT(lines, ElementsAre("fire watch d5.5 XA", "resolve watch d6.5 XA"));
    }
  }
}

TEST(Exception, OfAReloadKeepsWhatWasCounted) {
  EngineHarness harness(written(small_world(), three_attacks("")));
  harness.feed(day(2.1));
  harness.feed(day(2.2));
  const auto fresh = written(small_world(), three_attacks("[{source: monitor}]"));
  EXPECT_EQ(fresh->rules[0].shape, harness.bundle->rules[0].shape);
  EXPECT_NE(fresh->rules[0].hash, harness.bundle->rules[0].hash);
  std::vector<AlertTransition> ended;
  harness.engine->activate(fresh, ended, harness.log);
  EXPECT_THAT(ended, IsEmpty());
  harness.feed(day(2.3), 1, "XA-1", "violence.attack", "monitor");
  harness.feed(day(2.4));
  harness.finish(day(3));
  EXPECT_THAT(harness.lines(), ElementsAre("fire watch d3 XA"));
  EXPECT_EQ(harness.log.front().events_counted, 3U);
}

}  // namespace
}  // namespace tocsin::rules
