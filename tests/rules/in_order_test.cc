#include "rules/in_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/rules/sightings.h"

namespace tocsin::rules {
namespace {

using ::testing::ElementsAre;

struct Waiting {
  EventTime time{};
  SourceId source{};
  std::string id;

  std::string_view event_id() const { return id; }
  size_t bytes() const { return id.size(); }
};

std::vector<std::string> ids(const InOrder<Waiting>& pending) {
  std::vector<std::string> all;
  for (const Waiting& item : pending) all.push_back(item.id);
  return all;
}

std::ptrdiff_t place_of(const Waiting& item, InOrder<Waiting>& pending) {
  const auto place = pending.insert(item);
  return std::distance(pending.begin(), place);
}

TEST(InOrder, IsInOrderOfTimeThenSourceThenId) {
  InOrder<Waiting> pending;
  EXPECT_EQ(pending.due(), kNever);
  for (const Waiting& item : {Waiting{day(2), SourceId{0}, "d"},
                              {day(1), SourceId{1}, "c"},
                              {day(1), SourceId{0}, "b"},
                              {day(1), SourceId{0}, "a"}}) {
    EXPECT_EQ(place_of(item, pending), 0);
  }
  EXPECT_THAT(ids(pending), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(pending.due(), day(1) + kMoment);
  pending.drop_before(std::next(pending.begin(), 3));
  EXPECT_EQ(place_of({day(1), SourceId{0}, "e"}, pending), 0) << "what was dropped counts no more";
  EXPECT_THAT(ids(pending), ElementsAre("e", "d"));
}

// Against a plain list, in which every step walks over all.
TEST(InOrder, ComesAndGoesLikeAPlainList) {
  std::mt19937 random(7);
  InOrder<Waiting> pending;
  std::deque<Waiting> plain;
  for (int i = 0; i < 3'000; ++i) {
    if (random() % 3 != 0) {
      Waiting item{day(i + static_cast<double>(random() % 40)), SourceId{0},
                   std::string(random() % 40, 'x') + std::to_string(i)};
      const auto place = std::upper_bound(plain.begin(), plain.end(), item, is_before<Waiting>);
      const auto index = place - plain.begin();
      plain.insert(place, item);
      ASSERT_EQ(place_of(item, pending), index);
    } else {
      const size_t count = std::min<size_t>(random() % 4, plain.size());
      plain.erase(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(count));
      pending.drop_before(std::next(pending.begin(), static_cast<std::ptrdiff_t>(count)));
    }
    ASSERT_EQ(pending.size(), plain.size());
    ASSERT_TRUE(std::ranges::equal(pending, plain, {}, &Waiting::id, &Waiting::id));
  }
  pending.drop_before(pending.end());
  EXPECT_EQ(pending.bytes(), 0U);
}

struct Moved : Waiting {
  Moved() = default;
  Moved(Moved&& other) noexcept : Waiting(std::move(other)) { ++moves; }
  Moved& operator=(Moved&& other) noexcept {
    Waiting::operator=(std::move(other));
    ++moves;
    return *this;
  }
  static inline size_t moves = 0;
};

TEST(InOrder, OneThatComesInTheMiddleOfManyMovesFewOfThem) {
  constexpr size_t kMany = 20'000;
  std::mt19937 random(7);
  InOrder<Moved> pending;
  for (size_t i = 0; i < kMany; ++i) {
    Moved item;
    item.time = day(static_cast<double>(random() % 1000) / 1000);
    item.id = std::to_string(i);
    pending.insert(std::move(item));
  }
  EXPECT_LT(Moved::moves / kMany, 64U);
}

// The other source holds the watermark back, so everything waits.
TEST(InOrder, AtTheLimitOfARuleFewMayWaitInEachGroup) {
  const auto world = small_world();
  RuleBuilder events(world, "events");
  events.select("e.indicator == \"violence.attack\"").event().level(Level::kWatch);
  events.alert().hold = span_of(kDay);
  RuleBuilder steps(world, "steps");
  steps
      .sequence({{.name = "a", .select = "e.indicator == \"violence.attack\""},
                 {.name = "b", .select = "e.indicator == \"justice.inquiry_opened\""}},
                span_of(30 * kDay))
      .level(Level::kWatch);
  steps.alert().hold = span_of(kDay);
  for (Rule rule : {events.build(), steps.build(), rule_of(world, detect_of())}) {
    rule.max_state_bytes = 1;
    const std::string name = rule.name;
    EngineHarness h(world, {std::move(rule)});
    feed(h, {0.5, "x", "XB-1", "monitor"});
    for (int i = 0; i < 300; ++i) feed(h, {1 + i / 300.0, "a"});
    const RuleCounters& counters = h.engine->counters().front();
    EXPECT_EQ(counters.overflow, 300U) << name << ": the group is new at the limit";
    rule = h.bundle->rules.front();
    rule.max_state_bytes = 2'000;
    EngineHarness wider(world, {std::move(rule)});
    for (int i = 0; i < 300; ++i) feed(wider, {1 + i / 300.0, "a"});
    EXPECT_EQ(wider.engine->counters().front().overflow, 300U - kFewPending) << name;
    EXPECT_GT(wider.engine->counters().front().state_bytes, 2'000U) << "what waits is counted";
  }
}

}  // namespace
}  // namespace tocsin::rules
