#include "daemon/wall_clock.h"

#include <gtest/gtest.h>

namespace tocsin::daemon {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// A machine whose clocks are told what to do.
struct Machine {
  WallTime wall = WallTime{} + hours(24 * 365);
  WallClock::SteadyTime steady{};

  WallClock clock() {
    return {[this] { return wall; }, [this] { return steady; }};
  }
  void pass(Milliseconds time) {
    wall += time;
    steady += time;
  }
};

TEST(WallClock, IsTheSystemsAsLongAsThatGoesEvenly) {
  Machine machine;
  WallClock clock = machine.clock();
  for (int i = 0; i < 10'000; ++i) {
    machine.pass(seconds(1));
    machine.wall += Milliseconds(i % 2);  // set right little by little
    EXPECT_EQ(clock.look(), std::nullopt);
  }
  EXPECT_EQ(clock.believed(), machine.wall);
  EXPECT_EQ(clock.earliest(), clock.latest());
}

TEST(WallClock, AJumpIsToldOnceAndBelievedAfterAnHour) {
  for (const Milliseconds jump : {Milliseconds(hours(24)), Milliseconds(hours(-24))}) {
    SCOPED_TRACE(jump.count());
    Machine machine;
    WallClock clock = machine.clock();
    machine.pass(minutes(5));
    const WallTime before = machine.wall;
    machine.wall += jump;
    EXPECT_EQ(clock.look(), jump);
    EXPECT_EQ(clock.look(), std::nullopt);
    EXPECT_EQ(clock.believed(), before);
    EXPECT_EQ(clock.earliest(), std::min(before, before + jump));
    EXPECT_EQ(clock.latest(), std::max(before, before + jump));
    machine.pass(minutes(59));
    EXPECT_EQ(clock.look(), std::nullopt);
    EXPECT_EQ(clock.believed(), before + minutes(59));
    machine.pass(minutes(2));
    EXPECT_EQ(clock.look(), std::nullopt);
    EXPECT_EQ(clock.believed(), machine.wall);
  }
}

TEST(WallClock, AJumpThatIsTakenBackHasChangedNothing) {
  Machine machine;
  WallClock clock = machine.clock();
  machine.wall += hours(24);
  EXPECT_EQ(clock.look(), hours(24));
  machine.pass(minutes(30));
  machine.wall -= hours(24);
  EXPECT_EQ(clock.look(), -hours(24));
  EXPECT_EQ(clock.believed(), machine.wall);
  machine.pass(hours(2));
  EXPECT_EQ(clock.look(), std::nullopt);
  EXPECT_EQ(clock.believed(), machine.wall);
}

// The hour begins anew with each of them.
TEST(WallClock, AClockThatJumpsAgainAndAgainIsNotBelieved) {
  Machine machine;
  WallClock clock = machine.clock();
  const WallTime begin = machine.wall;
  for (int i = 1; i <= 10; ++i) {
    machine.pass(minutes(50));
    machine.wall += hours(24);
    EXPECT_EQ(clock.look(), hours(24));
    EXPECT_EQ(clock.believed(), begin + i * minutes(50));
  }
}

// Between two looks too: it is the even clock that counts.
TEST(WallClock, IsCautiousBeforeAJumpIsLookedAt) {
  Machine machine;
  WallClock clock = machine.clock();
  const WallTime before = machine.wall;
  machine.wall += hours(24);
  EXPECT_EQ(clock.earliest(), before);
  EXPECT_EQ(clock.latest(), before + hours(24));
}

}  // namespace
}  // namespace tocsin::daemon
