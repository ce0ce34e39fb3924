#include "rules/watermark.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/engine_harness.h"

namespace tocsin::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TimelineTest : public ::testing::Test {
 protected:
  TimelineTest() : world_(small_world()), timeline_(*world_) {
    desk_ = *world_->find_source("desk");
    monitor_ = *world_->find_source("monitor");
  }
  // Days of the timers that became due.
  std::vector<double> run(SourceId source) {
    std::vector<double> due;
    timeline_.run(source, [&due](const Timeline::Timer& timer) {
      due.push_back(static_cast<double>((timer.due - day(0)).count()) / 864e5);
    });
    return due;
  }

  std::shared_ptr<const Catalogue> world_;
  Timeline timeline_;
  SourceId desk_{};
  SourceId monitor_{};
};

TEST_F(TimelineTest, IsTheLowestOfTheLiveSources) {
  const auto both = timeline_.class_of(Milliseconds{0}, {desk_, monitor_});
  timeline_.observe(desk_, day(10));
  EXPECT_EQ(timeline_.watermark(both), day(9)) << "monitor is neither declared nor seen";
  timeline_.observe(monitor_, day(5));
  EXPECT_EQ(timeline_.watermark(both), day(9)) << "never moves back";
  timeline_.observe(desk_, day(20));
  EXPECT_EQ(timeline_.watermark(both), day(9)) << "monitor holds it back";
  timeline_.advance(monitor_, day(15));
  EXPECT_EQ(timeline_.watermark(both), day(15));
  timeline_.end(monitor_);
  EXPECT_EQ(timeline_.watermark(both), day(19));
}

TEST_F(TimelineTest, ASourceIsAsFarAsItsSlowestPartition) {
  const auto one = timeline_.class_of(Milliseconds{0}, {desk_});
  timeline_.observe(desk_, day(10), 1);
  EXPECT_EQ(timeline_.watermark(one), day(9));
  EXPECT_EQ(timeline_.decided_without(desk_, 1), kMinEventTime);
  EXPECT_EQ(timeline_.decided_without(desk_, 2), day(9)) << "what 2 tells of before is late";
  timeline_.observe(desk_, day(5), 2);
  timeline_.observe(desk_, day(20), 1);
  EXPECT_EQ(timeline_.watermark(one), day(9)) << "held back, and never moved back";
  EXPECT_EQ(timeline_.source_watermark(desk_), day(4));
  EXPECT_EQ(timeline_.decided_without(desk_, 2), day(9)) << "2 is read still further back";
  timeline_.observe(desk_, day(15), 2);
  EXPECT_EQ(timeline_.watermark(one), day(14));
  timeline_.observe(desk_, day(16), 0);
  EXPECT_EQ(timeline_.watermark(one), day(14)) << "what comes by none counts while there is none";
  timeline_.leave_partition(desk_, 2);
  EXPECT_EQ(timeline_.watermark(one), day(19));
  timeline_.leave_partition(desk_, 1);
  EXPECT_EQ(timeline_.watermark(one), day(19)) << "the last one stays";
}

TEST_F(TimelineTest, APartitionThatHeldAllBackMakesTimersDue) {
  const auto one = timeline_.class_of(Milliseconds{0}, {desk_});
  timeline_.observe(desk_, day(1), 1);
  timeline_.observe(desk_, day(1), 2);
  timeline_.schedule(one, {day(5), 0, 0});
  EXPECT_FALSE(timeline_.observe(desk_, day(30), 1));
  EXPECT_TRUE(timeline_.observe(desk_, day(8), 2));
  EXPECT_THAT(run(desk_), ElementsAre(5));
}

TEST_F(TimelineTest, RuleLatenessAddsToThatOfTheSource) {
  const auto patient = timeline_.class_of(5 * kDay, {desk_});
  const auto hasty = timeline_.class_of(Milliseconds{1}, {desk_});
  timeline_.observe(desk_, day(10));
  EXPECT_EQ(timeline_.watermark(patient), day(5));
  EXPECT_EQ(timeline_.watermark(hasty), day(9));
}

TEST_F(TimelineTest, WakesOnlyWhenATimerMayBeDue) {
  const auto both = timeline_.class_of(Milliseconds{0}, {desk_, monitor_});
  timeline_.observe(desk_, day(0));
  timeline_.observe(monitor_, day(0));
  timeline_.schedule(both, {day(4), 0, 0});
  timeline_.schedule(both, {day(2), 0, 1});
  EXPECT_FALSE(timeline_.observe(desk_, day(2.9)));
  EXPECT_TRUE(timeline_.observe(desk_, day(3)));
  EXPECT_THAT(run(desk_), IsEmpty());
  EXPECT_TRUE(timeline_.observe(monitor_, day(30)));
  EXPECT_THAT(run(monitor_), ElementsAre(2));
  EXPECT_FALSE(timeline_.observe(monitor_, day(31)));
  EXPECT_TRUE(timeline_.observe(desk_, day(5)));
  EXPECT_THAT(run(desk_), ElementsAre(4));
}

TEST_F(TimelineTest, StaleMeansOnlyHeartbeats) {
  const std::vector<SourceId> feeds = {desk_};
  timeline_.observe(desk_, day(10));
  timeline_.advance(desk_, day(20));
  EXPECT_FALSE(timeline_.is_stale(feeds, day(10)));
  EXPECT_TRUE(timeline_.is_stale(feeds, day(11)));
  timeline_.end(desk_);
  EXPECT_FALSE(timeline_.is_stale(feeds, day(11))) << "what has ended is complete";
}

TEST_F(TimelineTest, RulesOfEndedSourcesFollowTheOthers) {
  const auto one = timeline_.class_of(Milliseconds{0}, {desk_});
  timeline_.observe(desk_, day(10));
  timeline_.end(desk_);
  EXPECT_EQ(timeline_.watermark(one), day(10));
  timeline_.observe(monitor_, day(40));
  EXPECT_EQ(timeline_.watermark(one), day(39));
}

// A rule whose only source has ended follows the others, and with it who reads the rule.
TEST(Timeline, ReadersAreNotAheadOfTheirRulesWhenASourceEnds) {
  tocsin::testing::CatalogueBuilder builder;
  for (const char* name : {"a", "b", "c"}) builder.indicator(name).source(name, kDay, {name});
  const auto world = builder.build();
  Timeline timeline(*world);
  const SourceId a = *world->find_source("a");
  const SourceId b = *world->find_source("b");
  const SourceId c = *world->find_source("c");
  const auto rule = timeline.class_of(Milliseconds{0}, {a});
  const auto reader = timeline.class_of(Milliseconds{0}, {a, b}, 1);
  timeline.observe(a, day(2));
  timeline.observe(b, day(4));
  timeline.observe(c, day(3));
  timeline.end(a);
  timeline.observe(b, day(40));
  EXPECT_EQ(timeline.watermark(rule), day(2)) << "c is not its own, but goes on";
  EXPECT_EQ(timeline.watermark(reader), day(2));
  timeline.schedule(reader, {day(5), 0, 0});
  EXPECT_TRUE(timeline.observe(c, day(50)));
  std::vector<EventTime> due;
  timeline.run(c, [&due](const Timeline::Timer& timer) { due.push_back(timer.due); });
  EXPECT_THAT(due, ElementsAre(day(5))) << "woken by a source that is not its own";
}

}  // namespace
}  // namespace tocsin::rules
