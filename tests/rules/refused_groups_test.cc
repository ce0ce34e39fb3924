#include "rules/refused_groups.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "rules/group_key.h"
#include "tests/support/catalogue_builder.h"
#include "tests/support/event_builder.h"

namespace tocsin::rules {
namespace {

using tocsin::testing::day;
using tocsin::testing::EventBuilder;
using tocsin::testing::small_world;

// Four standard errors: one of some 16,000 estimates lies further off.
constexpr double kFar = 4 * 1.04 / 64;

TEST(HyperLogLog, IsNearTheTruthFromOneToMillions) {
  for (uint64_t seed = 0; seed < 3; ++seed) {
    HyperLogLog log;
    double sum_of_squares = 0;
    size_t looks = 0;
    uint64_t next_look = 1;
    for (uint64_t n = 1; n <= 2'000'000; ++n) {
      log.add(hash128(std::to_string(n), seed));
      if (n != next_look) continue;
      next_look = next_look * 5 / 4 + 1;
      const double error = log.estimate() / static_cast<double>(n) - 1;
      ASSERT_LT(std::abs(error), kFar) << n << " with seed " << seed;
      sum_of_squares += error * error;
      ++looks;
    }
    // What the formula promises, on the whole.
    EXPECT_LT(std::sqrt(sum_of_squares / static_cast<double>(looks)), 0.02) << "seed " << seed;
  }
}

TEST(HyperLogLog, CountsAFewToTheUnit) {
  HyperLogLog log;
  EXPECT_EQ(log.estimate(), 0.0);
  for (int n = 1; n <= 50; ++n) {
    log.add(hash128(std::to_string(n)));
    EXPECT_NEAR(log.estimate(), n, 1.0 + 0.03 * n);
  }
}

TEST(HyperLogLog, OrderAndRepetitionMakeNoDifference) {
  std::vector<Hash128> hashes;
  for (int i = 0; i < 20'000; ++i) hashes.push_back(hash128(std::to_string(i)));
  HyperLogLog forwards;
  for (const Hash128 hash : hashes) forwards.add(hash);
  hashes.insert(hashes.end(), hashes.begin(), hashes.begin() + 7'000);
  std::shuffle(hashes.begin(), hashes.end(), std::mt19937(3));
  HyperLogLog shuffled;
  for (const Hash128 hash : hashes) shuffled.add(hash);
  EXPECT_EQ(forwards.estimate(), shuffled.estimate());
}

// Keys as rules have them: the numbers of regions and texts that differ little.
TEST(HyperLogLog, TakesTheHashesOfGroupKeys) {
  const auto world = small_world();
  const std::vector<GroupKey> by = {
      {.kind = GroupKey::Kind::kRegion,
       .level = RegionLevel::kAdmin1,
       .attr = "",
       .name = "region"},
      {.kind = GroupKey::Kind::kAttr, .level = {}, .attr = "side", .name = "side"}};
  GroupKeyer keyer(*world, by, MissingKey::kDrop);
  HyperLogLog log;
  for (int i = 0; i < 100'000; ++i) {
    const auto hash = keyer.hash(std::vector<std::string>{"XA-1", "group-" + std::to_string(i)});
    ASSERT_TRUE(hash);
    log.add(*hash);
  }
  EXPECT_NEAR(log.estimate(), 100'000, 100'000 * kFar);
}

struct Refused {
  int group;
  size_t event;  // in the builder
};

std::string told(const RefusedGroups& refused) {
  std::string text = fmt::format("{} events, {} groups, {}:", refused.events(), refused.groups(),
                                 to_string(refused.tlp()));
  for (const auto& one : refused.sample()) text += fmt::format(" {}@{}", one.name, one.event.seq);
  return text;
}

RefusedGroups taken(const std::vector<Refused>& all, const EventBuilder& events) {
  RefusedGroups refused;
  for (const Refused& one : all) {
    const Hash128 hash = hash128(std::to_string(one.group));
    const Event& event = events.events()[one.event];
    const bool is_wanted = refused.is_new_in_sample(hash);
    refused.add(hash, &event, one.event + 1, is_wanted ? std::to_string(one.group) : "");
  }
  return refused;
}

TEST(RefusedGroups, AreTheSameInAnyOrder) {
  EventBuilder events(small_world());
  std::mt19937 random(11);
  std::vector<Refused> all;
  for (size_t i = 0; i < 3'000; ++i) {
    events.make(day(static_cast<int>(random() % 5)), static_cast<double>(random() % 100));
    all.push_back({.group = static_cast<int>(random() % 700), .event = i});
  }
  const std::string first = told(taken(all, events));
  for (int i = 0; i < 20; ++i) {
    std::shuffle(all.begin(), all.end(), random);
    ASSERT_EQ(told(taken(all, events)), first);
  }
  // The eight smallest hashes, and of each group its best event.
  std::set<int> groups;
  for (const Refused& one : all) groups.insert(one.group);
  std::vector<std::pair<Hash128, int>> by_hash;
  for (const int group : groups) by_hash.emplace_back(hash128(std::to_string(group)), group);
  std::sort(by_hash.begin(), by_hash.end());
  const RefusedGroups refused = taken(all, events);
  ASSERT_EQ(refused.sample().size(), RefusedGroups::kSampled);
  for (size_t i = 0; i < RefusedGroups::kSampled; ++i) {
    EXPECT_EQ(refused.sample()[i].name, std::to_string(by_hash[i].second));
    double best = 0;
    for (const Refused& one : all) {
      if (one.group == by_hash[i].second) best = std::max(best, events.events()[one.event].value);
    }
    EXPECT_EQ(refused.sample()[i].event.value, best);
  }
  EXPECT_EQ(refused.events(), 3'000U);
  EXPECT_NEAR(static_cast<double>(refused.groups()), static_cast<double>(groups.size()),
              kFar * static_cast<double>(groups.size()));
}

TEST(RefusedGroups, AreTheSameAfterWritingAndReading) {
  EventBuilder events(small_world());
  std::vector<Refused> all;
  for (size_t i = 0; i < 40; ++i) {
    events.make(day(1), static_cast<double>(i));
    all.push_back({.group = static_cast<int>(i), .event = i});
  }
  const RefusedGroups refused = taken(all, events);
  std::string bytes;
  ByteWriter to(bytes);
  refused.write(to);
  RefusedGroups back;
  ByteReader from(bytes);
  back.read(from);
  EXPECT_TRUE(from.at_end());
  EXPECT_EQ(told(back), told(refused));
  std::string again;
  ByteWriter to_again(again);
  back.write(to_again);
  EXPECT_EQ(again, bytes);
}

TEST(RefusedGroups, CountAFewExactlyAndCutLongNames) {
  EventBuilder events(small_world());
  const Event& event = events.make(day(1));
  RefusedGroups refused;
  for (int i = 0; i < 7; ++i) {
    refused.add(hash128(std::to_string(i)), &event, 1, std::string(4'000, 'x'));
    refused.add(hash128(std::to_string(i)), &event, 1, "");
    EXPECT_EQ(refused.groups(), static_cast<uint64_t>(i + 1));
  }
  EXPECT_EQ(refused.events(), 14U);
  for (const auto& one : refused.sample()) EXPECT_LE(one.name.size(), 99U);
  EXPECT_LT(refused.bytes(), 8U << 10);
}

}  // namespace
}  // namespace tocsin::rules
