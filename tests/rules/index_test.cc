#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/rules/written_rules.h"

namespace tocsin::rules {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string index_rule(const std::string& detect, const std::string& levels,
                       const std::string& more = {}) {
  return "rules:\n  - {rule: risk, kind: index, " + kHead +
         ", by: [region@admin1], detect: {every: 1d, " + detect + "}, levels: " + levels + more +
         "}\n";
}

const std::string kViolence =
    "violence: {events: 'e.indicator == \"violence.attack\"', of: e.value, half_life: 10d, scale: "
    "{from: 0, to: 100}, weight: 3.0}";
const std::string kInquiry =
    "inquiry: {signal: justice.inquiry_opened, scale: {from: 10, to: 0}, weight: 1.0, stale: "
    "hold(20d)}";

std::optional<double> value_of(const AlertTransition& t, const std::string& name) {
  for (const Measured& value : t.values) {
    if (value.name != name) continue;
    if (const double* number = std::get_if<double>(&value.value)) return *number;
  }
  return std::nullopt;
}

// 80 at d1.5, as of d2: 80 * 2^(-0.5/10); as of d12: half of it (python: 80 * 2 ** -0.05).
TEST(Index, FadesByHalfEveryHalfLife) {
  EngineHarness harness(written(
      small_world(), index_rule("components: {" + kViolence + "}", "{watch: {enter: 20, exit: 10}}",
                                ", alert: {update_every: 240h}")));
  harness.feed(day(1.5), 80);
  harness.finish(day(60));
  ASSERT_GE(harness.log.size(), 2U);
  EXPECT_EQ(harness.lines().front(), "fire watch d2 XA-1");
  EXPECT_NEAR(*value_of(harness.log[0], "index"), 77.27490631, 1e-7);
  EXPECT_EQ(harness.lines()[1], "update watch d12 XA-1");
  EXPECT_NEAR(*value_of(harness.log[1], "index"), 38.63745316, 1e-7);
  // Below 10 after log2(8) = 3 half-lives and what is missing to the tick.
  EXPECT_EQ(harness.lines().back(), "resolve watch d32 XA-1");
}

// One a day for 60 days is nothing to a scale that begins at 20, until it adds up.
TEST(Index, AddsUpBelowTheBeginningOfAScale) {
  EngineHarness harness(
      written(small_world(), index_rule("components: {a: {events: 'e.indicator == "
                                        "\"violence.attack\"', half_life: 365d, scale: {from: 20, "
                                        "to: 60}}}",
                                        "{watch: {enter: 50, exit: 40}}")));
  for (int i = 0; i < 60; ++i) harness.feed(day(i + 0.5), 1);
  harness.finish(day(60));
  // 1 / (1 - 2^(-1/365)) · (1 - 2^(-n/365)) · 2^(-1/730) >= 40: n = 42.
  ASSERT_FALSE(harness.log.empty());
  EXPECT_EQ(harness.lines().front(), "fire watch d42 XA-1");
}

// Of a scale from 2 down to 0 nothing is all.
TEST(Index, GroupOfAnInvertedScaleGoesOnceAllHasFaded) {
  EngineHarness harness(
      written(small_world(), index_rule("components: {a: {events: 'e.indicator == "
                                        "\"violence.attack\"', half_life: 1d, scale: {from: 2, to: "
                                        "0}, weight: 0.5}, b: {events: 'e.indicator == "
                                        "\"justice.inquiry_opened\"', half_life: 1d, scale: {from: "
                                        "0, to: 1}, weight: 0.5}}",
                                        "{watch: {enter: 60}}")));
  harness.feed(day(0.5), 1);
  harness.finish(day(19));
  EXPECT_EQ(harness.engine->counters().front().groups, 1U);
  harness.finish(day(23));
  EXPECT_EQ(harness.engine->counters().front().groups, 0U);
  EXPECT_THAT(harness.lines(), IsEmpty());
}

// Whether the next event is there already when all has faded is a matter of arrival.
TEST(Index, BeginsAnewOnceAllHasFaded) {
  for (const bool is_there : {true, false}) {
    EngineHarness h(written(small_world(), index_rule("components: {" + kViolence + "}",
                                                      "{watch: {enter: 20, exit: 10}}")));
    Event& secret = h.events.make(day(0.5), 0);
    secret.tlp = Tlp::kRed;
    h.send(secret);
    if (is_there) h.feed(day(1.5), 80);
    h.feed(day(2.4), 1, "XB-1");
    if (!is_there) h.feed(day(1.5), 80);
    h.finish(day(3));
    ASSERT_EQ(h.lines().front(), "fire watch d2 XA-1");
    const AlertTransition& fire = h.log.front();
    EXPECT_EQ(fire.events_counted, 1U) << (is_there ? "there before" : "comes after");
    EXPECT_EQ(fire.evidence.size(), 1U);
    EXPECT_EQ(fire.tlp, Tlp::kGreen);
  }
}

TEST(Index, WeighsItsPartsAndTellsWhatEachAdds) {
  EngineHarness harness(written(
      small_world(),
      index_rule("components: {" + kViolence + ", " + kInquiry + "}", "{watch: {enter: 20}}")));
  harness.feed(day(0.5), 2, "XA-1", "justice.inquiry_opened");  // scaled 0.8
  harness.feed(day(1.999), 40);
  harness.finish(day(2));
  ASSERT_EQ(harness.lines().front(), "fire watch d1 XA-1");
  // At d1 only the inquiry: (3 * 0 + 1 * 0.8) / 4.
  EXPECT_NEAR(*value_of(harness.log[0], "index"), 20.0, 1e-9);
  EXPECT_NEAR(*value_of(harness.log[0], "points.inquiry"), 20.0, 1e-9);
  EXPECT_NEAR(*value_of(harness.log[0], "points.violence"), 0.0, 1e-9);
  EXPECT_THAT(harness.log[0].condition, HasSubstr("index 20.0 = inquiry 20.0 + violence 0.0"));
}

const std::string kProtected =
    "components: {" + kViolence +
    "}, protective: {meetings: {events: 'e.indicator == \"justice.inquiry_opened\"', half_life: "
    "1000d, scale: {from: 0, to: 2}}, max_relief: 0.5}";

TEST(Index, IsRelievedByWhatProtects) {
  const auto first = [](const std::string& detect) {
    EngineHarness harness(written(small_world(), index_rule(detect, "{watch: {enter: 1}}")));
    harness.feed(day(0.9), 1, "XA-1", "justice.inquiry_opened");
    harness.feed(day(0.99), 90);
    harness.finish(day(1));
    EXPECT_EQ(harness.log.size(), 1U);
    return std::pair(*value_of(harness.log.at(0), "index"), *value_of(harness.log[0], "relief"));
  };
  const double sum = 90 * std::exp2(-0.01 / 10);
  const double meeting = std::exp2(-0.1 / 1000);
  const auto [index, relief] = first(kProtected);
  EXPECT_NEAR(relief, sum * 0.5 * (meeting / 2), 1e-6);
  EXPECT_NEAR(index + relief, sum, 1e-6);
  // Protection cannot hide what is critical.
  std::string critical = kProtected;
  critical.replace(critical.find("weight: 3.0"), 11, "weight: 3.0, critical: 0.8");
  EXPECT_EQ(first(critical).second, 0.0);
}

TEST(Index, WithTooLittleDataIsNotKnownAndKeepsItsLevel) {
  const std::string half = "coverage: 0.9, components: {" + kViolence + ", " + kInquiry + "}";
  EngineHarness harness(written(small_world(), index_rule(half, "{watch: {enter: 10, exit: 5}}",
                                                          ", alert: {update_every: 9000h}")));
  harness.feed(day(0.5), 10);  // no inquiry figure yet: 0.75 of the weights
  harness.feed(day(3.5), 0, "XA-1", "justice.inquiry_opened");
  harness.finish(day(300));
  EXPECT_THAT(harness.lines(), ElementsAre("fire watch d4 XA-1"));
  EXPECT_EQ(harness.engine->counters().front().evaluation_errors, 0U);
}

TEST(Index, CombinesAsItIsTold) {
  const auto index = [](const std::string& combine) {
    EngineHarness harness(written(
        small_world(),
        index_rule("combine: " + combine +
                       ", components: {a: {events: 'e.indicator == \"violence.attack\"', "
                       "half_life: 70000d, scale: {log: 1, full: 15}, weight: 0.5}, b: {signal: "
                       "justice.inquiry_opened, scale: {from: 0, to: 10}, weight: 0.25}}",
                   "{info: {enter: 1}}")));
    harness.feed(day(0.1), 4, "XA-1", "justice.inquiry_opened");  // b: 0.4
    for (int i = 0; i < 3; ++i) harness.feed(day(0.2), 1);        // a: log 4 / log 16 = 0.5
    harness.finish(day(1));
    const AlertTransition& t = harness.log.at(0);
    EXPECT_NEAR(*value_of(t, "points.a") + *value_of(t, "points.b") - *value_of(t, "relief"),
                *value_of(t, "index"), 1e-9);
    return *value_of(t, "index");
  };
  EXPECT_NEAR(index("weighted_mean"), 100 * (0.5 * 0.5 + 0.25 * 0.4) / 0.75, 1e-3);
  EXPECT_NEAR(index("noisy_or"), 100 * (1 - (1 - 0.25) * (1 - 0.1)), 1e-3);
  EXPECT_NEAR(index("geometric"), 100 * std::pow(0.5, 2. / 3) * std::pow(0.4, 1. / 3), 1e-3);
}

TEST(Index, StepsDownNoFasterThanItMay) {
  EngineHarness harness(written(
      small_world(),
      index_rule("components: {fast: {events: 'e.indicator == \"violence.attack\"', of: e.value, "
                 "half_life: 1h, scale: {from: 0, to: 1}}}",
                 "{info: {enter: 1, exit: 0.9}, watch: {enter: 20, exit: 19}, alert: {enter: 60, "
                 "exit: 50}}",
                 ", alert: {max_step_down: 1 per 7d, update_every: 9000h}")));
  harness.feed(day(1) - Milliseconds(1), 1);
  harness.feed(day(1) + Milliseconds(1), 0, "XA-2");
  harness.feed(day(50), 0, "XA-2");
  harness.finish(day(50));
  std::vector<std::string> lines;
  for (const std::string& line : harness.lines()) {
    if (line.find("XA-1") != std::string::npos) lines.push_back(line);
  }
  EXPECT_THAT(lines, ElementsAre("fire alert d1 XA-1", "deescalate watch d2 XA-1",
                                 "deescalate info d9 XA-1", "resolve info d16 XA-1"));
}

TEST(Index, ForgetsGroupsThatHaveFaded) {
  EngineHarness harness(written(
      small_world(), index_rule("components: {" + kViolence + "}", "{watch: {enter: 90}}")));
  harness.feed(day(1), 10);
  EXPECT_EQ(harness.engine->counters().front().groups, 1U);
  harness.finish(day(600));
  EXPECT_EQ(harness.engine->counters().front().groups, 0U);
  EXPECT_THAT(harness.log, IsEmpty());
}

TEST(Index, IsAsRestrictedAsWhatHasNotFaded) {
  EngineHarness harness(
      written(small_world(), index_rule("components: {" + kViolence + "}", "{watch: {enter: 1}}")));
  Event& secret = harness.events.make(day(0.5), 5);
  secret.tlp = Tlp::kRed;
  harness.send(secret);
  harness.finish(day(1));
  ASSERT_EQ(harness.log.size(), 1U);
  EXPECT_EQ(harness.log[0].tlp, Tlp::kRed);
  EXPECT_EQ(harness.log[0].evidence.at(0).role, "violence");
}

// Whatever is left of an event: no alert names one that it is not marked for.
TEST(Index, NamesNothingThatItIsNotMarkedFor) {
  struct Row {
    const char* name;
    double secret;  // value of the restricted event at d0.5
    Tlp marking;    // of the alert at d121, twelve half-lives later
    size_t named;
  };
  for (const Row& row : {Row{"a hundredth is left", 4'000, Tlp::kRed, 2},
                         Row{"next to nothing is left", 40, Tlp::kGreen, 1}}) {
    EngineHarness h(
        written(small_world(), index_rule("components: {" + kViolence + "}", "{watch: {enter: 60}}",
                                          ", alert: {keep_firing_for: 0d}")));
    Event& secret = h.events.make(day(0.5), row.secret);
    secret.tlp = Tlp::kRed;
    h.send(secret);
    h.finish(day(100));
    h.log.clear();
    h.feed(day(120.5), 80);
    h.finish(day(121));
    ASSERT_EQ(h.lines(), std::vector<std::string>{"fire watch d121 XA-1"}) << row.name;
    EXPECT_EQ(h.log[0].tlp, row.marking) << row.name;
    EXPECT_EQ(h.log[0].evidence.size(), row.named) << row.name;
  }
}

// Each makes out less than a thousandth, all together nearly everything.
TEST(Index, ManySmallRestrictedEventsMarkIt) {
  EngineHarness h(written(small_world(),
                          index_rule("components: {" + kViolence + "}", "{watch: {enter: 60}}")));
  for (int i = 0; i < 1'000; ++i) {
    Event& secret = h.events.make(day(0.5), 0.08);
    secret.tlp = Tlp::kRed;
    h.send(secret);
  }
  h.feed(day(1.5), 1);
  h.finish(day(2));
  ASSERT_FALSE(h.log.empty());
  EXPECT_EQ(h.log.back().tlp, Tlp::kRed);
}

std::vector<Told> stream(uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Told> events;
  for (int i = 0; i < 250; ++i) {
    const bool is_attack = random() % 5 != 0;
    const auto time = tocsin::testing::kEpoch2020 + Milliseconds(random() % (90ULL * 86'400'000));
    const std::vector<std::string> regions = {"XA-1", "XA-2", "XB-1", "XA"};
    events.push_back({time, static_cast<double>(random() % 12) + 0.1,
                      regions[random() % (is_attack ? 3 : 4)],
                      is_attack ? "violence.attack" : "justice.inquiry_opened",
                      is_attack && random() % 2 == 0 ? "monitor" : "desk"});
  }
  std::sort(events.begin(), events.end(),
            [](const Told& a, const Told& b) { return a.time < b.time; });
  return events;
}

class IndexProperty : public ::testing::TestWithParam<uint32_t> {};

// To the last bit, though sums of fading values are no sums of whole numbers.
TEST_P(IndexProperty, OrderOfArrivalAndRestartsChangeNothing) {
  const auto bundle = written(
      small_world(),
      index_rule("coverage: 0.5, components: {" + kViolence + ", " + kInquiry +
                     "}, protective: {calm: {signal: justice.inquiry_opened, scale: {from: 0, to: "
                     "20}}, max_relief: 0.3}",
                 "{watch: {enter: 15, exit: 12}, warning: {enter: 25, exit: 20, for: 2d}, alert: "
                 "{enter: 40, exit: 30}}",
                 ", alert: {max_step_down: 1 per 3d, keep_firing_for: 2d}"));
  const std::vector<Told> events = stream(GetParam());
  const auto sorted = said(bundle, events, day(200));
  EXPECT_FALSE(sorted.empty());
  EXPECT_EQ(said(bundle, shuffled(events, kDay, GetParam()), day(200)), sorted);
  EXPECT_EQ(said(bundle, events, day(200), true), sorted);
}

INSTANTIATE_TEST_SUITE_P(Seeds, IndexProperty, ::testing::Range(1U, 13U));

}  // namespace
}  // namespace tocsin::rules
