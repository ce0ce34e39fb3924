#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/engine_harness.h"

// An alert stays as restricted as the most restricted event it ever told of.
namespace tocsin::rules {
namespace {

constexpr const char* kAttacks = "e.indicator == \"violence.attack\"";

void feed_marked(EngineHarness& h, EventTime time, Tlp tlp, double value = 1) {
  Event& event = h.events.make(time, value);
  event.tlp = tlp;
  h.send(event);
}

std::vector<std::string> markings(const EngineHarness& h) {
  std::vector<std::string> lines;
  for (const AlertTransition& t : h.log) {
    lines.push_back(std::string(to_string(t.action)) + " " + std::string(to_string(t.tlp)));
  }
  return lines;
}

RuleBuilder count_of_a_day(const std::shared_ptr<const Catalogue>& world) {
  RuleBuilder builder(world, "count");
  builder.select(kAttacks)
      .measure("n", AggregateKind::kCount, "", kDay, kDay)
      .threshold("n >= 1")
      .level(Level::kWatch);
  return builder;
}

TEST(Marking, OfAWindowStaysWhenTheRestrictedEventHasLeftIt) {
  for (const bool restarts : {false, true}) {
    const auto world = small_world(Milliseconds{0});
    EngineHarness h(world, {count_of_a_day(world).build()});
    feed_marked(h, day(0.5), Tlp::kRed);
    feed_marked(h, day(1.5), Tlp::kClear);
    if (restarts) h.restart();
    feed_marked(h, day(3.5), Tlp::kClear);
    EXPECT_THAT(markings(h), ::testing::ElementsAre("fire red", "resolve red"))
        << (restarts ? "after a restart" : "");
  }
}

TEST(Marking, OfASurgeIsTheHighestOfWindowAndBaseline) {
  struct Row {
    const char* name;
    double red;  // day of the restricted event, of one a week
    const char* marking;
  };
  for (const Row& row : {Row{"oldest baseline window", 7.5, "red"},
                         Row{"newest baseline window", 63.5, "red"}, Row{"the window", 77.5, "red"},
                         Row{"before the baseline", 0.5, "clear"}, Row{"the gap", 70.5, "clear"}}) {
    const auto world = small_world(Milliseconds{0});
    SurgeDetect detect;
    detect.history = 9;
    detect.gap = 7;
    detect.method = SurgeMethod::kPoisson;
    RuleBuilder builder(world, "surge");
    builder.select(kAttacks)
        .surge(std::move(detect), AggregateKind::kCount, "", 7 * kDay, kDay)
        .level(Level::kWatch);
    EngineHarness h(world, {builder.build()});
    for (double at = 0.5; at < 84; at += 7) {
      feed_marked(h, day(at), at == row.red ? Tlp::kRed : Tlp::kClear);
    }
    for (int i = 0; i < 9; ++i) feed_marked(h, day(78 + 0.1 * i), Tlp::kClear);
    h.finish(day(79));  // window [72, 79), gap [65, 72), baseline [2, 65)
    EXPECT_THAT(markings(h), ::testing::ElementsAre(std::string("fire ") + row.marking))
        << row.name;
  }
}

TEST(Marking, EndsWithTheEpisode) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {count_of_a_day(world).build()});
  feed_marked(h, day(0.5), Tlp::kRed);
  feed_marked(h, day(3.5), Tlp::kGreen);
  h.finish(day(4));
  EXPECT_THAT(markings(h), ::testing::ElementsAre("fire red", "resolve red", "fire green"));
}

TEST(Marking, OfSilenceStaysWhenALessRestrictedReportEndsIt) {
  const auto world = small_world(Milliseconds{0});
  AbsenceDetect detect;
  detect.every = span_of(7 * kDay);
  RuleBuilder builder(world, "silence");
  builder.select(kAttacks).absence(detect).level(Level::kWatch);
  EngineHarness h(world, {builder.build()});
  feed_marked(h, day(0), Tlp::kRed);
  h.advance("desk", day(8));
  feed_marked(h, day(10), Tlp::kClear);
  h.finish(day(11));
  EXPECT_THAT(markings(h), ::testing::ElementsAre("fire red", "resolve red"));
}

TEST(Marking, OfSilenceIsThatOfTheReportsItCountsFrom) {
  const auto world = small_world(Milliseconds{0});
  AbsenceDetect detect;
  detect.every = span_of(7 * kDay);
  detect.at_least = 2;
  RuleBuilder builder(world, "silence");
  builder.select(kAttacks).absence(detect).level(Level::kWatch);
  EngineHarness h(world, {builder.build()});
  feed_marked(h, day(0), Tlp::kRed);
  feed_marked(h, day(1), Tlp::kClear);
  h.advance("desk", day(8));
  EXPECT_THAT(markings(h), ::testing::ElementsAre("fire red")) << "`due` tells of the first";
}

TEST(Marking, OfAnEventIsTheHighestOfItsMatches) {
  const auto world = small_world(Milliseconds{0});
  RuleBuilder builder(world, "event");
  builder.select(kAttacks).event().level(Level::kWatch);
  builder.alert().hold = span_of(3 * kDay);
  EngineHarness h(world, {builder.build()});
  feed_marked(h, day(0), Tlp::kAmber);
  feed_marked(h, day(2), Tlp::kGreen);
  h.restart();
  feed_marked(h, day(6), Tlp::kClear);
  h.finish(day(7));
  EXPECT_THAT(markings(h),
              ::testing::ElementsAre("fire amber", "update amber", "resolve amber", "fire clear"));
}

TEST(Marking, OfASequenceIsTheHighestOfItsSteps) {
  const auto world = small_world(Milliseconds{0});
  RuleBuilder builder(world, "sequence");
  builder
      .sequence(
          {{.name = "a", .select = "e.value == 1.0"}, {.name = "b", .select = "e.value == 2.0"}},
          span_of(30 * kDay))
      .level(Level::kWatch);
  builder.alert().hold = span_of(3 * kDay);
  EngineHarness h(world, {builder.build()});
  feed_marked(h, day(0), Tlp::kRed, 1);
  feed_marked(h, day(1), Tlp::kClear, 2);
  h.finish(day(9));
  EXPECT_THAT(markings(h), ::testing::ElementsAre("fire red", "resolve red"));
}

}  // namespace
}  // namespace tocsin::rules
