#include "daemon/seen_ids.h"

#include <gtest/gtest.h>

namespace tocsin::daemon {
namespace {

constexpr SourceId kDesk{0};
constexpr SourceId kMonitors{1};

EventTime day(int number) { return EventTime{std::chrono::days{number}}; }
Hash128 key(std::string_view id) { return event_key("desk", id); }

TEST(SeenIds, ARepeatIsKnownAndALaterRevisionIsNot) {
  SeenIds seen;
  EXPECT_TRUE(seen.insert(key("a"), 0, kDesk, day(1)));
  EXPECT_FALSE(seen.insert(key("a"), 0, kDesk, day(1)));
  EXPECT_TRUE(seen.insert(key("a"), 2, kDesk, day(1)));
  EXPECT_FALSE(seen.insert(key("a"), 1, kDesk, day(1))) << "an older revision after a newer one";
  EXPECT_TRUE(seen.contains(key("a"), 2));
  EXPECT_FALSE(seen.contains(key("a"), 3));
}

TEST(SeenIds, ForgetsWholeDaysBeforeTheHorizonOfThatSourceAlone) {
  SeenIds seen;
  seen.insert(key("old"), 0, kDesk, day(1));
  seen.insert(key("young"), 0, kDesk, day(5));
  seen.insert(key("other"), 0, kMonitors, day(1));
  seen.forget(kDesk, day(5));
  EXPECT_FALSE(seen.contains(key("old"), 0));
  EXPECT_TRUE(seen.contains(key("young"), 0));
  EXPECT_TRUE(seen.contains(key("other"), 0));
  EXPECT_EQ(seen.size(), 2U);
}

TEST(SeenIds, ARevisionMovedToAnotherDayOutlivesItsFirstDay) {
  SeenIds seen;
  seen.insert(key("a"), 0, kDesk, day(1));
  seen.insert(key("a"), 1, kDesk, day(9));
  seen.forget(kDesk, day(5));
  EXPECT_TRUE(seen.contains(key("a"), 1));
}

TEST(SeenIds, ARevisionMovedToAnEarlierDayIsKeptAsLongAsTheFirst) {
  SeenIds seen;
  seen.insert(key("a"), 0, kDesk, day(9));
  seen.insert(key("a"), 1, kDesk, day(1));
  seen.forget(kDesk, day(5));
  EXPECT_TRUE(seen.contains(key("a"), 1)) << "revision 0 could still be accepted";
  seen.forget(kDesk, day(10));
  EXPECT_EQ(seen.size(), 0U);
}

TEST(SeenIds, RevisionsAreRestoredInAnyOrder) {
  SeenIds seen;
  seen.restore(key("a"), 1, day(1));
  seen.restore(key("a"), 0, day(9));
  seen.forget_restored(day(5));
  EXPECT_TRUE(seen.contains(key("a"), 1));
  EXPECT_TRUE(seen.knows_earlier(key("a"), 2));
  EXPECT_FALSE(seen.knows_earlier(key("a"), 1));
  seen.forget_restored(day(10));
  EXPECT_EQ(seen.size(), 0U);
}

TEST(SeenIds, RestoredIdsWaitForTheSlowestSource) {
  SeenIds seen;
  seen.restore(key("a"), 3, day(1));
  seen.forget(kDesk, day(9));
  EXPECT_TRUE(seen.contains(key("a"), 3));
  seen.forget_restored(day(2));
  EXPECT_EQ(seen.size(), 0U);
}

}  // namespace
}  // namespace tocsin::daemon
