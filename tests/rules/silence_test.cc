#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/written_rules.h"

// A feed that falls silent and comes back: what ends in the silence ends at its own tick.
namespace tocsin::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr double kLateness = 1;  // of the small world, in days

const std::string kRules = R"(
signals:
  inquiries:
    select: e.indicator == "justice.inquiry_opened"
    by: [region@country]
    measure: {agg: count, window: 30d, every: 1d}
rules:
  - rule: plain
    kind: threshold
    HEAD
    select: e.indicator == "violence.attack" && has(e.value)
    by: [region@admin1]
    detect: {measures: {n: {agg: sum, of: e.value, window: 60d, every: 30d}}, when: n >= 25.0}
    levels: {watch: {when: n >= 25.0, exit: n < 10.0}, warning: {when: n >= 100.0}}
    alert: {keep_firing_for: 30d}
  - rule: reading
    kind: threshold
    HEAD
    select: e.indicator == "violence.attack" && has(e.value)
    by: [region@admin1]
    armed: {by: e.indicator == "justice.inquiry_opened", for: 200d}
    detect: {measures: {n: {agg: sum, of: e.value, window: 60d, every: 30d}}, when: n >= 25.0}
    levels: {watch: {when: 'n >= 25.0', exit: 'n < 10.0 && signal("inquiries") >= 1.0'}}
  - rule: fading
    kind: index
    HEAD
    by: [region@admin1]
    detect:
      every: 30d
      components:
        attacks:
          events: e.indicator == "violence.attack" && has(e.value)
          of: e.value
          half_life: 20d
          scale: {from: 0, to: 100}
          weight: 1.0
    levels: {watch: {enter: 20, exit: 5}}
)";

std::shared_ptr<const Bundle> rules() {
  std::string text = kRules;
  for (size_t at = 0; (at = text.find("HEAD", at)) != std::string::npos;) {
    text.replace(at, 4, "title: T\n    status: draft\n    driver: violence\n    stage: latent");
  }
  return written(small_world(), text);
}

struct Run {
  bool with_heartbeats = false;
  bool with_restarts = false;
};

// All that begins, rises, falls or ends, when one attack of 120 and then only a report from
// elsewhere every ten days come, and an inquiry with each fourth.
std::vector<std::string> said_of(const std::shared_ptr<const Bundle>& bundle, double first,
                                 Run run) {
  EngineHarness harness(bundle);
  double before = 5;
  const auto report = [&](double at, double value, const char* region, const char* indicator) {
    // A daemon's heartbeats: silent for two days, the feed follows the clock at its lateness.
    for (double now = before + 2; run.with_heartbeats && now <= at; now += 0.25) {
      harness.advance("desk", day(now - kLateness));
    }
    before = at;
    harness.feed(day(at), value, region, indicator);
    if (run.with_restarts) harness.restart();
  };
  report(5, 1, "XA-1", "justice.inquiry_opened");
  report(first, 120, "XA-1", "violence.attack");
  for (int i = 1; i <= 40; ++i) {
    report(first + 10 * i, 1, i % 4 == 0 ? "XA-1" : "XB-1",
           i % 4 == 0 ? "justice.inquiry_opened" : "violence.attack");
  }
  std::vector<std::string> lines;
  for (const AlertTransition& t : harness.log) {
    if (t.action == Action::kUpdate) continue;
    lines.push_back(bundle->rules[t.rule].name + " " + brief(t));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST(Silence, WhatEndsInAPauseEndsAtTheTickAtWhichItWouldHaveEndedWithoutOne) {
  const auto bundle = rules();
  ASSERT_THAT(bundle->rules, SizeIs(3));
  for (int offset = 0; offset < 10; ++offset) {
    const double first = 10.5 + offset;
    const auto expected = said_of(bundle, first, {});
    EXPECT_THAT(expected, SizeIs(6)) << "each rule fires and ends";
    EXPECT_EQ(said_of(bundle, first, {.with_heartbeats = true}), expected) << first;
    EXPECT_EQ(said_of(bundle, first, {.with_heartbeats = true, .with_restarts = true}), expected)
        << first << " with restarts";
  }
}

TEST(Silence, AHeldTickIsJudgedOnceTheFeedHasToldAllUpToIt) {
  EngineHarness harness(rules());
  harness.feed(day(30.5), 20, "XA-1");
  harness.feed(day(30.6), 9, "XA-1");
  harness.feed(day(96.5), 1, "XB-1");
  harness.advance("desk", day(102));
  const auto of_plain = [&] {
    std::vector<std::string> lines;
    for (const AlertTransition& t : harness.log) {
      if (harness.bundle->rules[t.rule].name == "plain") lines.push_back(brief(t));
    }
    return lines;
  };
  EXPECT_THAT(of_plain(), ElementsAre("fire watch d38 XA-1", "?update watch d98 XA-1"));
  harness.feed(day(98.5), 1, "XB-1");
  EXPECT_THAT(of_plain(), SizeIs(2)) << "stragglers of before day 98 may still come";
  harness.feed(day(99), 1, "XB-1");
  ASSERT_THAT(of_plain(), SizeIs(3));
  EXPECT_EQ(of_plain().back(), "update watch d98 XA-1") << "no longer silent, and recovering";
}

}  // namespace
}  // namespace tocsin::rules
