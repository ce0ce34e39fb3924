#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/in_order.h"
#include "tests/rules/written_rules.h"

// `armed`: rules that are at work only after an event that arms them.
namespace tocsin::rules {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string armed_threshold(const std::string& armed, const std::string& levels,
                            const std::string& more = {}) {
  return more + "rules:\n  - {rule: r, kind: threshold, " + kHead +
         ", select: 'e.indicator == \"violence.attack\"', by: [region@admin1], "
         "armed: {by: 'e.indicator == \"justice.inquiry_opened\" && e.value >= 1.0', " +
         armed +
         "}, detect: {measures: {n: {agg: count, window: 3d, every: 1d}}, when: n >= 2}, levels: " +
         levels + "}\n";
}

TEST(Arming, LetsARuleWorkOnlyAfterItsEvent) {
  EngineHarness harness(
      written(small_world(), armed_threshold("key: [region@country], for: 30d", "{watch: {}}")));
  for (const double at : {1.2, 1.4, 5.2, 5.4, 40.2, 40.4}) harness.feed(day(at), 1, "XA-1");
  harness.feed(day(5.2), 1, "XB-1");
  harness.feed(day(5.3), 1, "XB-1");
  harness.feed(day(3), 1, "XA-2", "justice.inquiry_opened");
  harness.finish(day(60));
  EXPECT_THAT(harness.lines(), IsEmpty());  // it came too late: day 3 had passed

  EngineHarness in_time(
      written(small_world(), armed_threshold("key: [region@country], for: 30d", "{watch: {}}")));
  for (const double at : {1.2, 1.4}) in_time.feed(day(at), 1, "XA-1");
  in_time.feed(day(3), 1, "XA-2", "justice.inquiry_opened");
  for (const double at : {5.2, 5.4, 40.2, 40.4}) in_time.feed(day(at), 1, "XA-1");
  in_time.feed(day(40.5), 1, "XB-1");
  in_time.feed(day(40.6), 1, "XB-1");
  in_time.finish(day(60));
  EXPECT_THAT(in_time.lines(), ElementsAre("fire watch d6 XA-1", "resolve watch d9 XA-1"));
}

TEST(Arming, DoesNotCountTheQuietDaysAndEndsWhenDisarmed) {
  const auto bundle = written(
      small_world(),
      armed_threshold("key: [region@country], for: 100d, quiet: 5d, disarm: 'e.indicator == "
                      "\"justice.inquiry_opened\" && e.value < 1.0'",
                      "{watch: {}}"));
  EngineHarness harness(bundle);
  harness.feed(day(1), 1, "XA-1", "justice.inquiry_opened");
  harness.feed(day(4.2), 1, "XA-1");
  harness.feed(day(5.9), 1, "XA-1");
  harness.feed(day(6.1), 1, "XA-1");  // one in the quiet days, one after them
  harness.feed(day(10.1), 1, "XA-1");
  harness.feed(day(10.2), 1, "XA-1");
  harness.feed(day(11.5), 0, "XA-1", "justice.inquiry_opened");
  harness.feed(day(20.1), 1, "XA-1");
  harness.feed(day(20.2), 1, "XA-1");
  harness.finish(day(30));
  EXPECT_THAT(harness.lines(), ElementsAre("fire watch d11 XA-1", "resolve watch d12 XA-1"));
}

TEST(Arming, RemembersWhatItCaptured) {
  const std::string signal = R"(
signals:
  before:
    select: e.indicator == "violence.attack"
    by: [region@country]
    measure: {agg: count, window: 10d, every: 1d}
)";
  const auto bundle = written(
      small_world(),
      armed_threshold("key: [region@country], for: 30d, capture: {what: e.id, size: e.value, "
                      "prior: 'signal(\"before\") at e.time'}",
                      "{watch: {when: 'double(n) >= 0.5 * armed.prior && armed.size == 4.0 && "
                      "days_since(armed.since) < 20'}}",
                      signal));
  EngineHarness harness(bundle);
  for (int i = 0; i < 6; ++i) harness.feed(day(2) + Milliseconds(i), 1, "XA-2");
  harness.feed(day(5), 4, "XA-1", "justice.inquiry_opened", "desk", "the-agreement");
  harness.feed(day(8.1), 1, "XA-1");
  harness.feed(day(8.2), 1, "XA-1");
  harness.feed(day(12.1), 1, "XA-1");
  harness.feed(day(12.2), 1, "XA-1");
  harness.feed(day(12.3), 1, "XA-1");
  harness.feed(day(27.1), 1, "XA-1");
  harness.feed(day(27.2), 1, "XA-1");
  harness.feed(day(27.3), 1, "XA-1");
  harness.finish(day(40));
  EXPECT_THAT(harness.lines(), ElementsAre("fire watch d13 XA-1", "resolve watch d16 XA-1"));
  const auto& first = harness.log.front();
  ASSERT_FALSE(first.evidence.empty());
  EXPECT_EQ(first.evidence.back().role, "armed");
  EXPECT_EQ(harness.events.events()[first.evidence.back().seq - 1].id, "the-agreement");
}

TEST(Arming, AtTheLimitOfARuleFewEventsArmEachGroup) {
  Bundle bundle =
      *written(small_world(), armed_threshold("key: [region@country], for: 30d", "{watch: {}}"));
  const auto arming = std::make_shared<Arming>(*bundle.rules.front().arming);
  arming->rule.max_state_bytes = 2'000;
  bundle.rules.front().arming = arming;
  EngineHarness harness(std::make_shared<const Bundle>(bundle));
  for (int i = 0; i < 300; ++i) {
    harness.feed(day(1 + i / 300.0), 1, "XA-1", "justice.inquiry_opened");
  }
  EXPECT_EQ(harness.engine->counters().front().overflow, 300U - kFewPending);
}

TEST(Arming, HoldsForEventsSequencesAndSilence) {
  const std::string armed =
      "armed: {by: 'e.indicator == \"justice.inquiry_opened\"', key: [region@country], for: 30d}";
  const std::string text =
      "rules:\n  - {rule: event, kind: event, " + kHead + ", " + armed +
      ", select: 'e.indicator == \"violence.attack\"', by: [region@country], severity: watch, "
      "alert: {hold: 1d}}\n  - {rule: pair, kind: sequence, " +
      kHead + ", " + armed +
      ", by: [region@country], detect: {steps: [{a: {select: 'e.indicator == "
      "\"violence.attack\"'}}, {b: {select: 'e.indicator == \"violence.attack\"'}}], span: 20d}, "
      "severity: warning, alert: {hold: 1d}}\n  - {rule: silence, kind: absence, " +
      kHead + ", " + armed +
      ", select: 'e.indicator == \"violence.attack\"', by: [region@country], detect: {expect: "
      "{every: 5d}, roster: {learn: 1d, forget: 300d}}, severity: info}\n";
  EngineHarness harness(written(small_world(), text));
  harness.feed(day(1), 1, "XA-1");
  harness.feed(day(2), 1, "XA-1");
  harness.feed(day(20), 1, "XA-1", "justice.inquiry_opened");
  harness.feed(day(21), 1, "XA-1");
  harness.feed(day(24), 1, "XA-1");
  harness.feed(day(90), 1, "XB-1", "justice.inquiry_opened");
  harness.finish(day(91));
  std::vector<std::string> lines;
  for (const AlertTransition& t : harness.log) {
    if (t.action == Action::kUpdate) continue;
    lines.push_back(harness.bundle->rules[t.rule].name + " " + brief(t));
  }
  EXPECT_THAT(lines, ElementsAre("event fire watch d21 XA", "event resolve watch d22 XA",
                                 "event fire watch d24 XA", "pair fire warning d24 XA",
                                 "event resolve watch d25 XA", "pair resolve warning d25 XA",
                                 "silence fire info d29 XA", "silence resolve info d51 XA"));
}

// Those kinds count everything and decide nothing while they are not armed: a window is compared
// with whole windows, and what a slope rests on is listed and marks the alert.
TEST(Arming, LeavesTheWindowsOfSurgesAndTrendsWhole) {
  const std::string armed =
      "armed: {by: 'e.indicator == \"justice.inquiry_opened\"', for: 30d}, select: 'e.indicator == "
      "\"violence.attack\"', by: [region@admin1], severity: watch";
  const std::string text =
      "rules:\n  - {rule: surge, kind: surge, " + kHead + ", " + armed +
      ", detect: {measure: {agg: count, window: 4d, every: 1d}, baseline: {history: 2, gap: 1d, "
      "min_history: 2}, test: {method: ratio, at_least: 2.5}}}\n  - {rule: trend, kind: trend, " +
      kHead + ", " + armed +
      ", detect: {series: {agg: sum, of: e.value, pane: 1d, points: 4}, slope: {at_least: 0.9}, "
      "min_points: 4}}\n";
  EngineHarness harness(written(small_world(), text));
  for (const double at : {0.1, 4.1}) harness.feed(day(at), 0);
  for (int i = 0; i < 4; ++i) {
    Event& event = harness.events.make(day(9.2 + i), 1 + i, "XA-1");
    if (i == 0) event.tlp = Tlp::kRed;
    harness.send(event);
  }
  harness.feed(day(12.5), 1, "XA-1", "justice.inquiry_opened");
  harness.finish(day(13));
  ASSERT_THAT(harness.lines(), ElementsAre("fire watch d13 XA-1", "fire watch d13 XA-1"));
  for (const AlertTransition& t : harness.log) {
    EXPECT_EQ(t.events_counted, 4U) << harness.bundle->rules[t.rule].name;
    EXPECT_EQ(t.tlp, Tlp::kRed) << harness.bundle->rules[t.rule].name;
  }
}

// What began before the rule was armed anew can come to nothing, and takes no event away from what
// began since.
TEST(Arming, BeginsSequencesAnew) {
  const std::string text =
      "rules:\n  - {rule: three, kind: sequence, " + kHead +
      ", armed: {by: 'e.indicator == \"justice.inquiry_opened\"', for: 30d}, by: [region@admin1], "
      "detect: {steps: [{a: {select: 'e.indicator == \"violence.attack\"'}}, {b: {select: "
      "'e.indicator == \"violence.attack\"'}}, {c: {select: 'e.indicator == "
      "\"violence.attack\"'}}], span: 20d}, severity: warning, alert: {hold: 1d}}\n";
  EngineHarness harness(written(small_world(), text));
  harness.feed(day(1), 1, "XA-1", "justice.inquiry_opened");
  harness.feed(day(2), 1, "XA-1");
  harness.feed(day(3), 1, "XA-1", "justice.inquiry_opened");
  for (const int at : {4, 5, 6}) harness.feed(day(at), 1, "XA-1");
  harness.finish(day(20));
  EXPECT_THAT(harness.lines(), ElementsAre("fire warning d6 XA-1", "resolve warning d7 XA-1"));
}

TEST(Arming, MakesTheAlertAsRestrictedAsTheEventThatArmedIt) {
  EngineHarness harness(
      written(small_world(), armed_threshold("key: [region@country], for: 30d", "{watch: {}}")));
  Event& secret = harness.events.make(day(1), 1, "XA-2", "justice.inquiry_opened");
  secret.tlp = Tlp::kRed;
  harness.send(secret);
  harness.feed(day(2.2), 1, "XA-1");
  harness.feed(day(2.3), 1, "XA-1");
  harness.finish(day(3));
  ASSERT_EQ(harness.log.size(), 1U);
  EXPECT_EQ(harness.log.front().tlp, Tlp::kRed);
}

std::vector<Told> stream(uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Told> events;
  for (int i = 0; i < 250; ++i) {
    const bool is_attack = random() % 6 != 0;
    const auto time = tocsin::testing::kEpoch2020 + Milliseconds(random() % (90ULL * 86'400'000));
    events.push_back({time, static_cast<double>(random() % 3),
                      std::vector<std::string>{"XA-1", "XA-2", "XB-1"}[random() % 3],
                      is_attack ? "violence.attack" : "justice.inquiry_opened",
                      is_attack && random() % 2 == 0 ? "monitor" : "desk"});
  }
  std::sort(events.begin(), events.end(),
            [](const Told& a, const Told& b) { return a.time < b.time; });
  return events;
}

class ArmingProperty : public ::testing::TestWithParam<uint32_t> {};

TEST_P(ArmingProperty, OrderOfArrivalAndRestartsChangeNothing) {
  const std::string armed =
      "armed: {by: 'e.indicator == \"justice.inquiry_opened\" && e.value >= 1.0', key: "
      "[region@country], for: 20d, quiet: 2d, disarm: 'e.indicator == "
      "\"justice.inquiry_opened\" && e.value < 1.0', capture: {size: e.value, prior: "
      "'signal(\"before\") at e.time'}}";
  const std::string text = R"(
signals:
  before: {select: 'e.indicator == "violence.attack"', by: [region@country], measure: {agg: count, window: 7d, every: 1d}}
)" + ("rules:\n  - {rule: many, kind: threshold, " + kHead + ", " + armed +
      ", select: 'e.indicator == \"violence.attack\"', by: [region@admin1], detect: {measures: {n: "
      "{agg: count, window: 4d, every: 1d}}, when: n >= 2}, levels: {watch: {}, alert: {when: "
      "'double(n) > 0.3 * armed.prior'}}}\n  - {rule: pair, kind: sequence, " +
      kHead + ", " + armed +
      ", by: [region@country], detect: {steps: [{a: {select: 'e.indicator == "
      "\"violence.attack\"'}}, {b: {select: 'e.indicator == \"violence.attack\" && e.value > "
      "a.value'}}], span: 5d}, severity: warning, alert: {hold: 1d}}\n  - {rule: one, kind: "
      "event, " +
      kHead + ", " + armed +
      ", select: 'e.indicator == \"violence.attack\" && e.value >= 2.0', by: [region@admin1], "
      "levels: {watch: {when: 'armed.size < 2.0'}}, alert: {hold: 2d}}\n");
  const auto bundle = written(small_world(), text);
  const std::vector<Told> events = stream(GetParam());
  const auto sorted = said(bundle, events, day(120));
  EXPECT_FALSE(sorted.empty());
  EXPECT_EQ(said(bundle, shuffled(events, kDay, GetParam()), day(120)), sorted);
  EXPECT_EQ(said(bundle, events, day(120), true), sorted);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ArmingProperty, ::testing::Range(1U, 13U));

}  // namespace
}  // namespace tocsin::rules
