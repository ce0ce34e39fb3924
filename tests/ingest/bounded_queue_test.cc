#include "ingest/bounded_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace tocsin::ingest {
namespace {

std::chrono::steady_clock::time_point soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(10);
}

TEST(BoundedQueue, RefusesWhatDoesNotFitAndLeavesTheItem) {
  BoundedQueue<std::vector<int>> queue(10);
  std::vector<int> first{1};
  std::vector<int> second{2};
  EXPECT_TRUE(queue.try_push(first, 8));
  EXPECT_FALSE(queue.try_push(second, 3));
  EXPECT_EQ(second, std::vector<int>{2});
  EXPECT_TRUE(queue.try_push(second, 2));
  EXPECT_EQ(queue.weight(), 10u);
}

TEST(BoundedQueue, LetsOneItemOfAnyWeightIn) {
  BoundedQueue<int> queue(10);
  EXPECT_TRUE(queue.push(1, 1000));
  int other = 2;
  EXPECT_FALSE(queue.try_push(other, 1));
}

TEST(BoundedQueue, HandsEverythingOverInOrderAcrossThreads) {
  BoundedQueue<int> queue(100);
  constexpr int kItems = 20'000;
  std::thread giver([&] {
    for (int i = 0; i < kItems; ++i) ASSERT_TRUE(queue.push(i, 10));
  });
  for (int i = 0; i < kItems; ++i) {
    const auto item = queue.pop_until(soon());
    ASSERT_TRUE(item.has_value());
    ASSERT_EQ(*item, i);
    ASSERT_LE(queue.weight(), 100u);
  }
  giver.join();
}

TEST(BoundedQueue, CloseWakesAWaitingGiverAndKeepsWhatIsInside) {
  BoundedQueue<int> queue(1);
  ASSERT_TRUE(queue.push(1, 1));
  bool pushed = true;
  std::thread giver([&] { pushed = queue.push(2, 1); });
  queue.close();
  giver.join();
  EXPECT_FALSE(pushed);
  EXPECT_EQ(queue.pop_until(soon()), 1);
  EXPECT_EQ(queue.pop_until(soon()), std::nullopt);
}

TEST(BoundedQueue, LetsNothingInWhilePausedAndGivesOutWhatItHas) {
  BoundedQueue<int> queue(10);
  ASSERT_TRUE(queue.push(1, 1));
  queue.pause();
  int second = 2;
  EXPECT_FALSE(queue.try_push(second, 1));
  std::atomic<bool> pushed = false;
  std::thread giver([&] { pushed = queue.push(3, 1); });
  EXPECT_EQ(queue.pop_until(soon()), 1);
  EXPECT_EQ(queue.pop_until(std::chrono::steady_clock::now() + std::chrono::milliseconds(50)),
            std::nullopt);
  EXPECT_FALSE(pushed);
  queue.go_on();
  EXPECT_EQ(queue.pop_until(soon()), 3);
  giver.join();
  EXPECT_TRUE(queue.try_push(second, 1));
}

TEST(BoundedQueue, CloseAlsoWakesWhoWaitsForAPausedOne) {
  BoundedQueue<int> queue(10);
  queue.pause();
  bool pushed = true;
  std::thread giver([&] { pushed = queue.push(1, 1); });
  queue.close();
  giver.join();
  EXPECT_FALSE(pushed);
}

TEST(BoundedQueue, GivesUpAtTheDeadline) {
  BoundedQueue<int> queue(1);
  EXPECT_EQ(queue.pop_until(std::chrono::steady_clock::now()), std::nullopt);
}

}  // namespace
}  // namespace tocsin::ingest
