#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/written_rules.h"

// Named signals: what a rule reads beside its own events.
namespace tocsin::rules {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kInquiries = R"(
signals:
  inquiries:
    select: e.indicator == "justice.inquiry_opened"
    by: [region@country]
    measure: {agg: count, window: 10d, every: 1d}
)";

// Fires on two attacks in two days while the signal is below the bound.
std::string attacks_while(const std::string& condition, const std::string& more = {}) {
  return "rules:\n  - {rule: r, kind: threshold, " + kHead +
         ", select: 'e.indicator == \"violence.attack\"', by: [region@admin1], "
         "detect: {measures: {n: {agg: count, window: 2d, every: 1d}}, when: '" +
         condition + "'}, severity: watch" + more + "}\n";
}

TEST(Signal, IsReadByTheRegionThatHoldsTheGroup) {
  EngineHarness harness(
      written(small_world(), kInquiries + attacks_while("n >= 1 && signal(\"inquiries\") == 0.0")));
  harness.feed(day(1), 1, "XB-1", "justice.inquiry_opened");
  harness.feed(day(2.5), 1, "XA-1");
  harness.feed(day(2.5), 1, "XB-1");
  harness.finish(day(4));
  EXPECT_THAT(harness.lines(), ElementsAre("fire watch d3 XA-1"));
  EXPECT_THAT(harness.log.front().condition, HasSubstr("signal(\"inquiries\") == 0.0 (0 == 0)"));
}

TEST(Signal, IsOfTheTimeOfTheDecision) {
  EngineHarness harness(
      written(small_world(), kInquiries + attacks_while("n >= 1 && signal(\"inquiries\") >= 2.0")));
  harness.feed(day(2.5), 1, "XA-1");
  harness.feed(day(3.4), 1, "XA-1", "justice.inquiry_opened");
  harness.feed(day(3.5), 1, "XA-2", "justice.inquiry_opened");
  harness.finish(day(6));
  EXPECT_THAT(harness.lines(), ElementsAre("fire watch d4 XA-1", "resolve watch d5 XA-1"));
}

TEST(Signal, OfNothingIsWhatNoDataSays) {
  const auto lines = [](const std::string& no_data) {
    const std::string signals =
        "signals:\n  level:\n    select: e.indicator == \"justice.inquiry_opened\" && "
        "has(e.value)\n    by: [region@country]\n    measure: {agg: mean, of: e.value, window: 1d, "
        "every: 1d}\n    no_data: " +
        no_data + "\n";
    EngineHarness harness(
        written(small_world(), signals + attacks_while("n >= 1 && signal(\"level\") < 5.0")));
    harness.feed(day(1), 3, "XA-1", "justice.inquiry_opened");
    harness.feed(day(4.5), 1, "XA-1");
    harness.feed(day(9.5), 1, "XA-1");
    harness.feed(day(9.5), 1, "XB-1");
    harness.finish(day(10));
    EXPECT_EQ(harness.engine->counters().front().evaluation_errors, 0U) << no_data;
    return harness.lines();
  };
  EXPECT_THAT(lines("zero"), ElementsAre("fire watch d5 XA-1", "resolve watch d7 XA-1",
                                         "fire watch d10 XA-1", "fire watch d10 XB-1"));
  EXPECT_THAT(lines("missing"), IsEmpty());
  EXPECT_THAT(lines("hold(4d)"), ElementsAre("fire watch d5 XA-1", "resolve watch d7 XA-1"));
  EXPECT_THAT(lines("hold(30d)"),
              ElementsAre("fire watch d5 XA-1", "resolve watch d7 XA-1", "fire watch d10 XA-1"));
}

// A sum of ten days is 9, from day 11 on 1, and holds that: not the 10 that it was when the last
// figure came.
TEST(Signal, HoldsTheValueThatItHadLast) {
  const std::string signal =
      "signals:\n  sum:\n    select: e.indicator == \"justice.inquiry_opened\" && has(e.value)\n   "
      " "
      "by: [region@country]\n    measure: {agg: sum, of: e.value, window: 10d, every: 1d}\n    "
      "no_data: hold(4d)\n";
  EngineHarness harness(
      written(small_world(), signal + attacks_while("n >= 1 && signal(\"sum\") == 1.0")));
  harness.feed(day(0.5), 9, "XA-1", "justice.inquiry_opened");
  harness.feed(day(3.5), 1, "XA-1", "justice.inquiry_opened");
  for (const double at : {9.5, 12.5, 15.5, 18.5}) harness.feed(day(at), 1, "XA-1");
  harness.finish(day(30));
  EXPECT_THAT(harness.lines(), ElementsAre("fire watch d11 XA-1", "resolve watch d12 XA-1",
                                           "fire watch d13 XA-1", "resolve watch d15 XA-1",
                                           "fire watch d16 XA-1", "resolve watch d18 XA-1"));
}

TEST(Signal, IsEveryIndicatorOfTheCatalogue) {
  EngineHarness harness(
      written(small_world(), attacks_while("n >= 1 && signal(\"justice.inquiry_opened\") >= 5.0")));
  harness.feed(day(1), 7, "XA", "justice.inquiry_opened");    // counts for all of XA
  harness.feed(day(1), 3, "XA-2", "justice.inquiry_opened");  // but XA-2 has a figure of its own
  harness.feed(day(2.5), 1, "XA-1");
  harness.feed(day(2.5), 1, "XA-2");
  harness.feed(day(2.5), 1, "XB-1");
  harness.finish(day(3));
  EXPECT_THAT(harness.lines(), ElementsAre("fire watch d3 XA-1"));
}

TEST(Signal, MakesTheAlertAsRestrictedAsWhatItCounts) {
  EngineHarness harness(
      written(small_world(), kInquiries + attacks_while("n >= 1 && signal(\"inquiries\") >= 1.0")));
  Event& secret = harness.events.make(day(1), 1, "XA-2", "justice.inquiry_opened");
  secret.tlp = Tlp::kRed;
  harness.send(secret);
  harness.feed(day(2.5), 1, "XA-1");
  harness.finish(day(3));
  ASSERT_EQ(harness.log.size(), 1U);
  EXPECT_EQ(harness.log.front().tlp, Tlp::kRed);
}

TEST(Signal, IsStillThereForAReaderThatComesLater) {
  // One event moves the watermark by years: the signal must not forget before its reader has
  // looked.
  EngineHarness harness(
      written(small_world(), kInquiries + attacks_while("n >= 1 && signal(\"inquiries\") >= 1.0")));
  harness.feed(day(1), 1, "XA-1", "justice.inquiry_opened");
  harness.feed(day(2.5), 1, "XA-1");
  harness.feed(day(900), 1, "XB-1");
  harness.feed(day(900), 1, "XB-1", "violence.attack", "monitor");
  EXPECT_THAT(harness.lines(), Contains("fire watch d3 XA-1"));
}

TEST(Signal, OfLevelsOfAnEventRuleIsReadAtTheTimeOfTheEvent) {
  const std::string rule =
      "rules:\n  - {rule: r, kind: event, " + kHead +
      ", select: 'e.indicator == \"violence.attack\"', by: [region@admin1], levels: {watch: {}, "
      "alert: {when: 'signal(\"inquiries\") >= 1.0'}}, alert: {hold: 1d}}\n";
  EngineHarness harness(written(small_world(), kInquiries + rule));
  harness.feed(day(2.5), 1, "XA-1");
  harness.feed(day(3.2), 1, "XB-1");
  harness.feed(day(1.5), 1, "XA-1", "justice.inquiry_opened");  // late, and before it
  harness.finish(day(10));
  EXPECT_THAT(harness.lines(), ElementsAre("fire alert d2.5 XA-1", "fire watch d3.2 XB-1",
                                           "resolve alert d3.5 XA-1", "resolve watch d4.2 XB-1"));
}

// Two rules of different feeds read one signal; attacks, inquiries and figures at random.
const std::string kSeveral = R"(
signals:
  inquiries:
    select: e.indicator == "justice.inquiry_opened"
    by: [region@country]
    measure: {agg: sum, of: e.value, window: 6d, every: 1d}
  deaths:
    select: e.indicator == "violence.attack" && e.source == "monitor"
    measure: {agg: mean, of: e.value, window: 2d, every: 12h, min_n: 2}
    no_data: hold(5d)
rules:
  - rule: a
    kind: threshold
    title: T
    status: draft
    driver: violence
    stage: latent
    select: e.indicator == "violence.attack"
    by: [region@admin1]
    detect: {measures: {n: {agg: count, window: 3d, every: 1d}}, when: 'n >= 3 && signal("deaths") >= 2.0'}
    levels:
      watch: {when: 'signal("inquiries") < 6.0', exit: 'signal("inquiries") >= 9.0'}
      alert: {when: 'signal("inquiries") < 2.0'}
  - rule: b
    kind: event
    title: T
    status: draft
    driver: violence
    stage: latent
    select: e.indicator == "justice.inquiry_opened"
    by: [region@country]
    levels: {info: {when: 'signal("deaths") >= 2.5'}}
    alert: {hold: 2d}
)";

std::vector<Told> stream(uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Told> events;
  for (int i = 0; i < 300; ++i) {
    const bool is_attack = random() % 3 != 0;
    const auto time = tocsin::testing::kEpoch2020 + Milliseconds(random() % (60ULL * 86'400'000));
    const std::string region = std::vector<std::string>{"XA-1", "XA-2", "XB-1"}[random() % 3];
    events.push_back({time, static_cast<double>(1 + random() % 4), region,
                      is_attack ? "violence.attack" : "justice.inquiry_opened",
                      is_attack && random() % 2 == 0 ? "monitor" : "desk"});
  }
  std::sort(events.begin(), events.end(),
            [](const Told& a, const Told& b) { return a.time < b.time; });
  return events;
}

class SignalProperty : public ::testing::TestWithParam<uint32_t> {};

TEST_P(SignalProperty, OrderOfArrivalAndRestartsChangeNothing) {
  const auto bundle = written(small_world(), kSeveral);
  const std::vector<Told> events = stream(GetParam());
  const auto sorted = said(bundle, events, day(80));
  EXPECT_FALSE(sorted.empty());
  EXPECT_EQ(said(bundle, shuffled(events, kDay, GetParam()), day(80)), sorted);
  EXPECT_EQ(said(bundle, events, day(80), true), sorted);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SignalProperty, ::testing::Range(1U, 13U));

TEST(Signal, GivesTheSameInAnyNumberOfShards) {
  const auto bundle = written(small_world(), kSeveral);
  const std::vector<Told> events = stream(77);
  const auto whole = said(bundle, events, day(80));
  std::vector<std::string> parts;
  for (uint32_t i = 0; i < 3; ++i) {
    EngineHarness harness(bundle);
    harness.engine = std::make_unique<Engine>(
        bundle, EngineOptions{.emit = Emit::kFinal, .shard = {.index = i, .of = 3}});
    for (const Source& source : bundle->catalogue->sources()) {
      harness.engine->expect_source(*bundle->catalogue->find_source(source.name));
    }
    for (const Told& told : events) {
      harness.feed(
          told.time, told.value, told.region, told.indicator, told.source,
          fmt::format("{}-{}-{}-{}", told.source, told.indicator, told.region, to_ms(told.time)));
    }
    harness.finish(day(80));
    for (std::string& line : harness.full_lines()) parts.push_back(std::move(line));
  }
  std::sort(parts.begin(), parts.end());
  EXPECT_EQ(parts, whole);
}

TEST(Signal, GoesOnWhenAReloadKeepsIt) {
  const std::string before = kInquiries + attacks_while("n >= 1 && signal(\"inquiries\") >= 1.0");
  EngineHarness harness(written(small_world(), before));
  harness.feed(day(1), 1, "XA-1", "justice.inquiry_opened");
  const auto after =
      written(small_world(), kInquiries + attacks_while("n >= 1 && signal(\"inquiries\") >= 1.0",
                                                        ", alert: {keep_firing_for: 1d}"));
  Engine::Transitions ended;
  harness.engine->activate(after, ended, harness.log);
  harness.feed(day(2.5), 1, "XA-1");
  harness.finish(day(3));
  EXPECT_TRUE(ended.empty());
  EXPECT_THAT(harness.lines(), ElementsAre("fire watch d3 XA-1"));
}

}  // namespace
}  // namespace tocsin::rules
