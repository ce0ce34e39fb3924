#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/rules/written_rules.h"

// `each`: one event in several groups. It must be as if there were an event for each of its texts.
namespace tocsin::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

std::shared_ptr<const Catalogue> world() {
  return tocsin::testing::CatalogueBuilder()
      .indicator("violence.attack", {{"side", AttrType::kString, false, {}, 100}})
      .indicator("justice.inquiry_opened", {{"side", AttrType::kString, false, {}, 100}})
      .source("desk", kDay, {"violence.attack", "justice.inquiry_opened"})
      .source("monitor", kDay, {"violence.attack"})
      .country("XA", {})
      .country("XB", {})
      .admin1("XA-1", "XA")
      .admin1("XB-1", "XB")
      .build();
}

struct Kind {
  std::string name;
  std::string rule;  // but for what it is grouped by
};

const std::string kAttack = "select: 'e.indicator == \"violence.attack\"', ";
const std::string kAny =
    "select: 'e.indicator in [\"violence.attack\", \"justice.inquiry_opened\"]', ";

std::vector<Kind> kinds() {
  return {
      {"event", "kind: event, " + kAttack + "severity: watch, alert: {hold: 30h}"},
      {"threshold", "kind: threshold, " + kAttack +
                        "detect: {measures: {n: {agg: count, window: 3d, every: 1d}}, "
                        "when: n >= 3}, severity: watch"},
      {"missing", "kind: threshold, missing: group, " + kAttack +
                      "detect: {measures: {n: {agg: count, window: 3d, every: 1d}}, when: n >= 4}, "
                      "severity: watch"},
      {"surge",
       "kind: surge, " + kAttack +
           "detect: {measure: {agg: count, window: 1d, every: 1d}, baseline: {history: 10, "
           "gap: 1d, min_history: 4}, test: {method: ratio, at_least: 2.0}, floor: 2}, "
           "severity: watch"},
      {"trend", "kind: trend, " + kAttack +
                    "detect: {series: {agg: sum, of: e.value, pane: 1d, points: 8}, slope: "
                    "{at_least: 0.2, per: 1d}, min_points: 4}, severity: watch"},
      {"absence", "kind: absence, " + kAttack +
                      "detect: {expect: {at_least: 1, every: 2d}, roster: {learn: 1d, forget: "
                      "30d}, grace: 6h}, "
                      "severity: watch"},
      {"sequence",
       "kind: sequence, detect: {span: 3d, steps: [{a: {select: 'e.indicator == "
       "\"violence.attack\"'}}, {b: {select: 'e.indicator == \"justice.inquiry_opened\"'}}]}, "
       "severity: watch, alert: {hold: 2d}"},
      {"new_term", "kind: new_term, " + kAny +
                       "detect: {term: [e.source, e.indicator], history: 6d, learn: {or_events: "
                       "2}}, severity: watch, alert: {hold: 1d}"},
      {"index",
       "kind: index, detect: {every: 1d, components: {a: {events: 'e.indicator == "
       "\"violence.attack\"', half_life: 3d, scale: {from: 0, to: 5}, weight: 1.0}}}, levels: "
       "{watch: {enter: 40, exit: 20}}"},
      {"armed",
       "kind: threshold, armed: {by: 'e.indicator == \"justice.inquiry_opened\"', for: "
       "5d}, " +
           kAttack +
           "detect: {measures: {n: {agg: count, window: 2d, every: 1d}}, when: n >= 2}, "
           "severity: watch"},
  };
}

std::shared_ptr<const Bundle> bundle_of(const Kind& kind, const std::string& groups) {
  return written(world(), "rules:\n  - {rule: r, " + kHead + ", limits: {groups: 100}, " + groups +
                              ", " + kind.rule + "}\n");
}

struct Report {
  EventTime time;
  double value;
  std::string region;
  std::string indicator;
  std::string source;
  std::vector<std::string> actors;
};

std::vector<Report> reports(uint32_t seed) {
  std::mt19937 random(seed);
  const auto pick = [&](int of) { return std::uniform_int_distribution<int>(0, of - 1)(random); };
  const std::vector<std::string> names = {"army", "front", "guard", "∅x"};
  std::vector<Report> all;
  double at = 1;
  for (int i = 0; i < 150; ++i) {
    at += pick(100) / 120.0;
    Report report{day(at),
                  1.0 + pick(5),
                  pick(2) == 0 ? "XA-1" : "XB-1",
                  pick(4) == 0 ? "justice.inquiry_opened" : "violence.attack",
                  "desk",
                  {}};
    if (report.indicator == "violence.attack" && pick(3) == 0) report.source = "monitor";
    for (const std::string& name : names) {
      if (pick(3) == 0) report.actors.push_back(name);
    }
    all.push_back(std::move(report));
  }
  return all;
}

std::vector<std::string> sorted(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

// One event with all its actors.
std::vector<std::string> said_together(const Kind& kind, const std::vector<Report>& all, Emit emit,
                                       bool restarts = false) {
  EngineHarness harness(bundle_of(kind, "by: [region@country, each], each: e.actors"), emit);
  for (const Report& r : all) {
    harness.send(harness.events.with_actors(
        harness.events.make(r.time, r.value, r.region, r.indicator, r.source), r.actors));
    if (restarts) harness.restart();
  }
  harness.finish(day(80));
  return sorted(harness.lines());
}

// An event for each, with the actor as an attr.
std::vector<std::string> said_apart(const Kind& kind, const std::vector<Report>& all, Emit emit) {
  EngineHarness harness(bundle_of(kind, "by: [region@country, e.attrs.side]"), emit);
  for (const Report& r : all) {
    for (const std::string& actor : r.actors) {
      harness.send(harness.events.with_attr(
          harness.events.make(r.time, r.value, r.region, r.indicator, r.source), "side", actor));
    }
    if (r.actors.empty()) {
      harness.send(harness.events.make(r.time, r.value, r.region, r.indicator, r.source));
    }
  }
  harness.finish(day(80));
  return sorted(harness.lines());
}

TEST(Each, IsAsIfThereWereAnEventForEach) {
  for (const Kind& kind : kinds()) {
    SCOPED_TRACE(kind.name);
    size_t told = 0;
    for (const Emit emit : {Emit::kFinal, Emit::kEarly}) {
      for (uint32_t seed = 1; seed <= 10; ++seed) {
        const std::vector<Report> all = reports(seed);
        const auto together = said_together(kind, all, emit);
        ASSERT_EQ(together, said_apart(kind, all, emit)) << "seed " << seed;
        told += together.size();
      }
    }
    EXPECT_GT(told, 20U) << "the streams must show something";
    const std::vector<Report> all = reports(99);
    EXPECT_EQ(said_together(kind, all, Emit::kFinal, true), said_together(kind, all, Emit::kFinal));
  }
}

TEST(Each, TakesATextOnceAndNoMoreThan32) {
  const Kind kind{"", "kind: threshold, " + kAttack +
                          "detect: {measures: {n: {agg: count, window: 1d, every: 1d}}, when: n >= "
                          "2}, severity: watch"};
  EngineHarness harness(bundle_of(kind, "by: [each], each: e.actors"));
  const auto send = [&](const std::vector<std::string>& actors) {
    harness.send(harness.events.with_actors(harness.events.make(day(1.5)), actors));
  };
  send({"army", "army"});
  send({"guard", "guard"});
  std::vector<std::string> many;
  for (int i = 0; i < 40; ++i) many.push_back("a" + std::to_string(100 + i));
  send(many);
  send({"a131", "a132", "army"});
  harness.finish(day(2));
  EXPECT_THAT(harness.lines(), UnorderedElementsAre("fire watch d2 army", "fire watch d2 a131"));
  EXPECT_EQ(harness.engine->counters().front().overflow, 1U);
}

TEST(Each, MayBeAChoice) {
  const Kind kind{"", "kind: event, " + kAttack + "severity: watch, alert: {hold: 1d}"};
  EngineHarness harness(
      bundle_of(kind, "by: [each], each: 'e.actors.filter(a, a.startsWith(\"a\"))'"));
  harness.send(
      harness.events.with_actors(harness.events.make(day(1.5)), {"army", "front", "allies"}));
  harness.send(harness.events.with_actors(harness.events.make(day(1.6)), {"front"}));
  harness.finish(day(1.7));
  EXPECT_THAT(sorted(harness.lines()),
              ElementsAre("fire watch d1.5 allies", "fire watch d1.5 army"));
  EXPECT_EQ(harness.engine->counters().front().missing_key, 1U);
}

}  // namespace
}  // namespace tocsin::rules
