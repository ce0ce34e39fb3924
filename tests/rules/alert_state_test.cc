#include "rules/alert_state.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/rules/engine_harness.h"

namespace tocsin::rules {
namespace {

std::vector<LevelSpec> two_levels(Span hold_of_second = {}) {
  std::vector<LevelSpec> levels(2);
  levels[0].level = Level::kWatch;
  levels[1].level = Level::kWarning;
  levels[1].hold = hold_of_second;
  return levels;
}

// Enter at 10 and 20, exit below 5 and below 15.
Verdict verdict_of(double x) {
  Verdict verdict;
  verdict.enters = {x >= 10, x >= 20};
  verdict.stays = {x >= 5, x >= 15};
  return verdict;
}

// One letter a day: f e d r, "." nothing.
std::string run(const std::vector<double>& values, const AlertPolicy& policy,
                const std::vector<LevelSpec>& levels = two_levels()) {
  AlertState state;
  std::string told;
  for (size_t i = 0; i < values.size(); ++i) {
    const Step done =
        step(state, levels, policy, verdict_of(values[i]), day(static_cast<double>(i)), false);
    told += ".fedr"[static_cast<size_t>(done)];
    if (done == Step::kResolve) state.close();
  }
  return told;
}

struct Row {
  const char* name;
  std::vector<double> values;
  AlertPolicy policy;
  std::vector<LevelSpec> levels;
  const char* told;
};

AlertPolicy with(Span pending, Span keep, uint32_t max_step_down = 0) {
  AlertPolicy policy;
  policy.pending = pending;
  policy.keep_firing_for = keep;
  policy.max_step_down = max_step_down;
  return policy;
}

TEST(AlertStateStep, GoesThroughItsStates) {
  const Span none{};
  const Span two = span_of(2 * kDay);
  for (const Row& row : std::vector<Row>{
           {"saw-tooth between exit and enter is one episode",
            {0, 10, 6, 11, 5, 12, 6, 4, 4},
            with(none, none),
            two_levels(),
            ".f.....r."},
           {"levels go up and down by their own pairs",
            {10, 20, 16, 14, 20, 4},
            with(none, none),
            two_levels(),
            "fe.der"},
           {"straight to the highest", {25, 25}, with(none, none), two_levels(), "f."},
           {"for: not before it has held", {10, 10, 10, 10}, with(two, none), two_levels(), "..f."},
           {"for: starts again after a gap",
            {10, 10, 0, 10, 10, 10},
            with(two, none),
            two_levels(),
            ".....f"},
           {"keep_firing_for: bridged",
            {10, 4, 4, 10, 10},
            with(none, span_of(3 * kDay)),
            two_levels(),
            "f...."},
           {"keep_firing_for: over",
            {10, 4, 4, 4, 4},
            with(none, span_of(3 * kDay)),
            two_levels(),
            "f...r"},
           {"a level's own hold", {10, 20, 20, 20, 20}, with(none, none), two_levels(two), "f..e."},
           {"one level down at a time", {25, 0, 0}, with(none, none, 1), two_levels(), "fdr"},
       }) {
    EXPECT_EQ(run(row.values, row.policy, row.levels), row.told) << row.name;
  }
}

// Hour after hour: as above, "c" calm again; "%" behind it: from now on it flaps.
std::string run_hourly(const std::vector<double>& values, const AlertPolicy& policy) {
  AlertState state;
  const auto levels = two_levels();
  std::string told;
  for (size_t i = 0; i < values.size(); ++i) {
    const EventTime at = day(0) + hours(static_cast<int>(i));
    const Step done = step(state, levels, policy, verdict_of(values[i]), at, false);
    told += ".fedrc"[static_cast<size_t>(done)];
    if (done == Step::kResolve) state.close();
    if (start_flapping(state, policy)) told += '%';
  }
  return told;
}

std::vector<double> then(std::vector<double> values, size_t times, double value) {
  values.insert(values.end(), times, value);
  return values;
}

TEST(AlertStateStep, HoldsTheLevelOfWhatTurnsTooOften) {
  const AlertPolicy plain;
  AlertPolicy off;
  off.holds_flapping = false;
  const AlertPolicy bridged = with({}, span_of(hours(3)));
  const std::vector<double> saw = {10, 0, 10, 0, 10, 0, 10, 0, 10};
  const std::string quiet(23, '.');
  struct HourlyRow {
    const char* name;
    std::vector<double> values;
    AlertPolicy policy;
    std::string told;
  };
  for (const HourlyRow& row : std::vector<HourlyRow>{
           {"four fires are borne", then({10, 0, 10, 0, 10, 0, 10}, 30, 0), plain,
            "frfrfrfr" + std::string(29, '.')},
           {"the fifth is held for a day", then(saw, 25, 0), plain, "frfrfrfrf%" + quiet + "r."},
           {"unless the rule wants it so", then(saw, 3, 0), off, "frfrfrfrfr.."},
           {"five in exactly a day are borne",
            {10, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 10, 0},
            plain,
            "fr....fr....fr....fr....fr"},
           {"and in an hour less are not",
            {10, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 10, 0},
            plain,
            "fr....fr....fr....fr...f%."},
           {"returns from recovering count", then({10, 0, 10, 0, 10, 0, 10, 0, 10}, 2, 0), bridged,
            "f........%.."},
           {"escalations after de-escalations count",
            {20, 10, 20, 10, 20, 10, 20, 10, 20, 10, 0},
            plain,
            "fdededede%.."},
           {"escalations alone do not", {10, 20, 10, 20}, plain, "fede"},
           {"a turn more begins the day anew", then(then(then(saw, 20, 0), 1, 10), 25, 0), plain,
            "frfrfrfrf%" + std::string(20, '.') + "." + quiet + "r."},
           {"above what is held it escalates", then(then(saw, 2, 0), 1, 25), plain,
            "frfrfrfrf%..e"},
           {"calm, it goes on if it still holds", then(saw, 25, 10), plain,
            "frfrfrfrf%" + quiet + "c."},
           {"calm, it goes down if it holds less", then({20, 0, 20, 0, 20, 0, 20, 0, 20}, 25, 10),
            plain, "frfrfrfrf%" + quiet + "d."},
           {"calm, it recovers as any other", then(saw, 29, 0), bridged,
            "f........%" + quiet + "c..r.."}}) {
    EXPECT_EQ(run_hourly(row.values, row.policy), row.told) << row.name;
  }
}

TEST(AlertStateStep, IsNotCalmWhileNothingIsKnown) {
  AlertState state;
  const auto levels = two_levels();
  for (int i = 0; i <= 8; ++i) {
    const EventTime at = day(0) + hours(i);
    const Step done = step(state, levels, {}, verdict_of(i % 2 == 0 ? 10 : 0), at, false);
    if (done == Step::kResolve) state.close();
    start_flapping(state, {});
  }
  ASSERT_TRUE(state.is_flapping());
  EXPECT_EQ(next_deadline(state, levels, {}, day(0) + hours(8)), day(1) + hours(8));
  EXPECT_EQ(step(state, levels, {}, verdict_of(0), day(3), true), Step::kNothing);
  EXPECT_TRUE(state.is_flapping());
  EXPECT_EQ(step(state, levels, {}, verdict_of(0), day(4), false), Step::kResolve);
  EXPECT_FALSE(state.is_flapping());
}

TEST(AlertStateStep, WhatIsUnknownOfALevelHoldsOnlyAlertsOfThatLevel) {
  struct Case {
    const char* name;
    double fires_at;
    std::array<bool, 5> unknown;
    Step done;
    Level level;
  };
  for (const Case& row :
       {Case{"of both: the alert stays", 25, {true, true}, Step::kNothing, Level::kWarning},
        Case{"of its own: the alert stays", 25, {false, true}, Step::kNothing, Level::kWarning},
        Case{"of one below: no further down", 25, {true, false}, Step::kDeescalate, Level::kWatch},
        Case{"of one above: not its business", 12, {false, true}, Step::kResolve, Level::kWatch}}) {
    AlertState state;
    const auto levels = two_levels();
    ASSERT_EQ(step(state, levels, {}, verdict_of(row.fires_at), day(0), false), Step::kFire);
    Verdict verdict = verdict_of(0);
    verdict.unknown = row.unknown;
    EXPECT_EQ(step(state, levels, {}, verdict, day(1), false), row.done) << row.name;
    EXPECT_EQ(state.level, row.level) << row.name;
  }
}

TEST(AlertStateStep, RecoveringGoesOnNeitherWayWhileNothingIsKnown) {
  AlertState state;
  const auto levels = two_levels();
  const AlertPolicy policy = with({}, span_of(2 * kDay));
  step(state, levels, policy, verdict_of(12), day(0), false);
  step(state, levels, policy, verdict_of(0), day(1), false);
  ASSERT_EQ(state.phase, Phase::kRecovering);
  Verdict verdict = verdict_of(0);
  verdict.unknown = {true, true};
  EXPECT_EQ(step(state, levels, policy, verdict, day(5), false), Step::kNothing);
  EXPECT_EQ(state.phase, Phase::kRecovering);
  EXPECT_EQ(step(state, levels, policy, verdict_of(0), day(6), false), Step::kResolve);
}

TEST(FittingLevel, IsTheHighestNotAboveElseTheLowest) {
  const auto levels = two_levels();
  EXPECT_EQ(fitting_level(levels, Level::kNone), Level::kNone);
  EXPECT_EQ(fitting_level(levels, Level::kInfo), Level::kWatch);
  EXPECT_EQ(fitting_level(levels, Level::kWarning), Level::kWarning);
  EXPECT_EQ(fitting_level(levels, Level::kEmergency), Level::kWarning);
}

TEST(AlertState, IsTheSameAfterWritingAndReading) {
  AlertState state;
  step(state, two_levels(), with({}, span_of(kDay)), verdict_of(25), day(3), false);
  state.id = hash128("x");
  state.seq = 7;
  state.stale = true;
  state.error = true;
  state.flapping_since = day(3);
  state.asked = Level::kWatch;
  state.has_fallen = true;
  state.turns = {day(3), day(2.9), day(2.8), day(2.7), day(2.6)};
  std::string bytes;
  ByteWriter to(bytes);
  write(to, state);
  ByteReader from(bytes);
  std::string again;
  ByteWriter to_again(again);
  write(to_again, read_alert_state(from));
  EXPECT_TRUE(from.at_end());
  EXPECT_EQ(again, bytes);
}

}  // namespace
}  // namespace tocsin::rules
