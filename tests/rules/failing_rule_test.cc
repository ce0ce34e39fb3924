#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/written_rules.h"

// Rules that fail at run time: what fires keeps its level and says so.
namespace tocsin::rules {
namespace {

using ::testing::ElementsAre;

constexpr const char* kAttacks = "e.indicator == \"violence.attack\"";

// Attacks of each day, from day 0 on; then all is over.
EngineHarness days_of(const std::vector<int>& attacks, Rule rule, Milliseconds apart) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {std::move(rule)});
  for (size_t i = 0; i < attacks.size(); ++i) {
    const EventTime start = day(static_cast<double>(i));
    for (int k = 0; k < attacks[i]; ++k) h.feed(start + k * apart);
  }
  h.finish(day(static_cast<double>(attacks.size())));
  return h;
}

// Two attacks are one too few to divide by.
RuleBuilder divides(const std::string& levels_of_alert = {}) {
  const auto world = small_world(Milliseconds{0});
  RuleBuilder rule(world, "divides");
  rule.select(kAttacks).measure("n", AggregateKind::kCount, "", kDay, kDay);
  rule.threshold(levels_of_alert.empty() ? "n >= 1 && 12 / (n - 2) >= 4" : "n >= 1");
  rule.level(Level::kWatch);
  if (!levels_of_alert.empty()) {
    rule.level(Level::kWarning, "n >= 5").level(Level::kAlert, levels_of_alert);
  }
  rule.alert().update_every = span_of(100 * kDay);
  return rule;
}

TEST(FailingRule, KeepsTheLevelAndTellsOnceThatItFailsAndOnceThatItDoesNot) {
  const auto h = days_of({3, 2, 2, 4, 9, 1}, divides().build(), hours(1));
  EXPECT_THAT(h.lines(), ElementsAre("fire watch d1 XA-1", "!update watch d2 XA-1",
                                     "update watch d4 XA-1", "resolve watch d5 XA-1"));
  EXPECT_EQ(h.engine->counters()[0].evaluation_errors, 2U);
}

TEST(FailingRule, OpensNothing) {
  const auto h = days_of({2, 2, 9}, divides().build(), hours(1));
  EXPECT_THAT(h.lines(), ElementsAre());
  EXPECT_EQ(h.engine->counters()[0].evaluation_errors, 2U);
}

TEST(FailingRule, GoesDownForNoLevelWhileOneFails) {
  // Of warning it is known that it holds no longer; of alert nothing.
  const auto h = days_of({5, 2, 1, 0}, divides("12 / (n - 2) >= 20").build(), hours(1));
  EXPECT_THAT(h.lines(), ElementsAre("fire warning d1 XA-1", "!update warning d2 XA-1",
                                     "deescalate watch d3 XA-1", "resolve watch d4 XA-1"));
}

TEST(FailingRule, KeepsTheLevelOfSilencesToo) {
  const auto world = small_world(Milliseconds{0});
  AbsenceDetect daily;
  daily.every = span_of(kDay);
  RuleBuilder rule(world, "silence");
  rule.select(kAttacks).absence(daily).level(Level::kWatch, "12 / (2 - missed) >= 1");
  rule.alert().update_every = span_of(100 * kDay);
  EngineHarness h(world, {rule.build()});
  h.feed(day(0));
  h.advance("desk", day(2));
  EXPECT_THAT(h.lines(), ElementsAre("fire watch d1 XA-1", "!update watch d2 XA-1"));
  h.advance("desk", day(3));
  EXPECT_EQ(h.lines().back(), "resolve watch d3 XA-1");
}

TEST(FailingRule, WhatWasNotThereWhenItWasArmedIsNoFault) {
  EngineHarness h(written(
      small_world(Milliseconds{0}),
      "signals:\n  before: {select: 'e.indicator == \"violence.attack\"', by: [region@country], "
      "measure: {agg: mean, of: 'has(e.value) ? e.value : 0.0', window: 2d, every: 1d}}\n"
      "rules:\n  - {rule: r, kind: threshold, " +
          kHead +
          ", select: 'e.indicator == \"violence.attack\"', by: [region@country], armed: {by: "
          "'e.indicator == \"justice.inquiry_opened\"', for: 30d, capture: {prior: "
          "'signal(\"before\") at e.time'}}, detect: {measures: {n: {agg: count, window: 2d, "
          "every: 1d}}, when: n >= 1}, levels: {watch: {}, warning: {when: 'double(n) >= "
          "armed.prior'}}}\n"));
  h.feed(day(1), 1, "XA-1", "justice.inquiry_opened");
  h.feed(day(2.5), 1, "XA-1");
  h.finish(day(4));
  ASSERT_EQ(h.lines().front(), "fire watch d3 XA");
  for (const AlertTransition& t : h.log) EXPECT_FALSE(t.error);
  EXPECT_EQ(h.engine->counters()[0].evaluation_errors, 0U);
}

}  // namespace
}  // namespace tocsin::rules
