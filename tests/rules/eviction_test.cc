#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/rules/written_rules.h"

// When a group is gone, so that another may take its place at the limit: at a time of its own,
// whether room is short or not.
namespace tocsin::rules {
namespace {

struct IdleCase {
  std::string name;
  std::string rule;
  double gone_at;  // day; its one event is of day 1.5
};
std::ostream& operator<<(std::ostream& out, const IdleCase& row) { return out << row.name; }

std::string text_of(const IdleCase& row) {
  return "rules:\n  - {rule: r, " + kHead + ", limits: {groups: 1}, " + row.rule + "}\n";
}

class Walk : public EngineHarness {
 public:
  explicit Walk(const std::string& rules) : EngineHarness(written(small_world(), rules)) {}

  void hit(EventTime at, const std::string& side) {
    send(events.with_attr(events.make(at, 1.0, "XA-1"), "side", side));
  }
  // Everything up to there is complete, and the feeds live; of what no rule looks at.
  void move_to(EventTime at) {
    feed(at, 1.0, "XB-1", "justice.inquiry_opened");
    advance("desk", at);
    advance("monitor", at);
  }
  uint64_t groups() const { return engine->counters()[0].groups; }
  uint64_t refused() const { return engine->counters()[0].refused; }
};

class IdleGroup : public ::testing::TestWithParam<IdleCase> {};

TEST_P(IdleGroup, IsGoneAtATimeOfItsOwnAndMakesRoom) {
  for (const bool restarts : {false, true}) {
    Walk walk(text_of(GetParam()));
    walk.hit(day(1.5), "a");
    EXPECT_EQ(walk.groups(), 1U);
    std::optional<double> gone_at;
    for (double at = 1.75; at < 60 && !gone_at; at += 0.25) {
      walk.move_to(day(at));
      if (restarts) walk.restart();
      if (walk.groups() == 0) gone_at = at;
    }
    EXPECT_EQ(gone_at, GetParam().gone_at);
    EXPECT_THAT(walk.lines(), ::testing::IsEmpty()) << "it had nothing to say";
  }
  // Who comes before is refused, who comes at that time is not.
  Walk walk(text_of(GetParam()));
  walk.hit(day(1.5), "a");
  walk.move_to(day(GetParam().gone_at - 0.25));
  walk.hit(day(GetParam().gone_at - 0.2), "b");
  EXPECT_EQ(walk.refused(), 1U);
  walk.move_to(day(GetParam().gone_at));
  walk.hit(day(GetParam().gone_at + 0.05), "b");
  EXPECT_EQ(walk.refused(), 1U);
  EXPECT_EQ(walk.groups(), 1U);
}

const std::string kSelect = "select: 'e.indicator == \"violence.attack\"', by: [e.attrs.side], ";

INSTANTIATE_TEST_SUITE_P(
    Kinds, IdleGroup,
    ::testing::Values(
        // The window of two days has lost it with day 4; twice that after its pane.
        IdleCase{"Threshold",
                 "kind: threshold, " + kSelect +
                     "detect: {measures: {n: {agg: count, window: 2d, every: 1d}}, when: n >= 3}, "
                     "severity: watch",
                 6},
        // Three windows of two days, a gap of one, twice.
        IdleCase{
            "Surge",
            "kind: surge, " + kSelect +
                "detect: {measure: {agg: count, window: 2d, every: 1d}, baseline: {history: "
                "3, gap: 1d, min_history: 3}, test: {method: ratio, at_least: 3.0}}, severity: "
                "watch",
            20},
        IdleCase{"Trend",
                 "kind: trend, " + kSelect +
                     "detect: {series: {agg: count, pane: 1d, points: 8}, slope: {at_least: "
                     "1.0}, min_points: 8}, severity: watch",
                 18},
        // What lacks a second step, for as long as it may come.
        IdleCase{"Sequence",
                 "kind: sequence, by: [e.attrs.side], detect: {steps: [{one: {select: 'e.indicator "
                 "== \"violence.attack\"'}}, {two: {select: 'e.indicator == \"violence.attack\" && "
                 "e.value > 9.0', within: 5d}}], span: 5d}, severity: watch, alert: {hold: 1d}",
                 6.75},
        IdleCase{"NewTerm",
                 "kind: new_term, " + kSelect +
                     "detect: {term: [e.region], history: 10d, learn: {for: 5d}}, severity: watch, "
                     "alert: {hold: 1d}",
                 11.75},
        // Sixteen half-lives and a half leave less than a millionth of the scale.
        IdleCase{"Index",
                 "kind: index, by: [e.attrs.side], detect: {every: 1d, components: {hits: {events: "
                 "'e.indicator == \"violence.attack\"', half_life: 6h, scale: {from: 0, to: 10}, "
                 "weight: 1.0}}}, levels: {watch: {enter: 90.0}}",
                 6},
        IdleCase{"Absence",
                 "kind: absence, " + kSelect +
                     "detect: {expect: {every: 3d}, roster: {learn: 7d}}, severity: watch",
                 8.5}),
    [](const auto& param) { return param.param.name; });

// A group with an alert is there until that is over, however much waits for its place.
TEST(GroupWithAnAlert, IsNeverDroppedForAnother) {
  Walk walk("rules:\n  - {rule: r, " + kHead + ", limits: {groups: 1}, kind: threshold, " +
            kSelect +
            "detect: {measures: {n: {agg: count, window: 1d, every: 1d}}, when: n >= 2}, severity: "
            "watch, alert: {for: 1d, keep_firing_for: 20d}}\n");
  // Pending.
  walk.hit(day(1.5), "a");
  walk.hit(day(1.6), "a");
  walk.move_to(day(2));
  walk.hit(day(2.1), "junk");
  walk.hit(day(2.2), "a");
  walk.hit(day(2.3), "a");
  // It fires on day 3, and recovers from day 4 on, which takes longer than twice its look back.
  for (int i = 3; i < 24; ++i) {
    walk.move_to(day(i));
    walk.hit(day(i + 0.5), "junk-" + std::to_string(i));
    ASSERT_EQ(walk.groups(), 1U);
  }
  EXPECT_EQ(walk.refused(), 22U);
  walk.move_to(day(24));
  walk.move_to(day(26));
  walk.hit(day(26.5), "b");
  EXPECT_EQ(walk.refused(), 22U);
  std::vector<std::string> lines;
  for (const AlertTransition& t : walk.log) {
    if (t.rule == 0 && t.action != Action::kUpdate) lines.push_back(brief(t));
  }
  EXPECT_THAT(lines, ::testing::ElementsAre("fire watch d3 a", "resolve watch d24 a"));
}

}  // namespace
}  // namespace tocsin::rules
