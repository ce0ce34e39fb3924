#include "rules/window.h"

#include <gtest/gtest.h>

#include <random>

#include "rules/aggregate.h"

namespace tocsin::rules {
namespace {

constexpr Milliseconds kHour{3'600'000};

TEST(PaneStore, KeepsPanesInOrderWhateverTheArrival) {
  PaneStore store;
  for (const int hour : {5, 1, 3, 5, 2}) {
    const size_t index = store.at(from_ms(hour * kHour.count()), 0, 2);
    store.cells(index, 2)[1].add(hour);
  }
  ASSERT_EQ(store.panes().size(), 4u);
  const double expected[] = {1, 2, 3, 10};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(from_units(store.cells(i, 2)[1].sum), expected[i]);
    EXPECT_EQ(store.cells(i, 2)[0].n, 0u);
  }
  store.drop_before(from_ms(3 * kHour.count()), 2);
  ASSERT_EQ(store.panes().size(), 2u);
  EXPECT_EQ(from_units(store.cells(1, 2)[1].sum), 10);
}

TEST(Sum, DoesNotDependOnOrder) {
  const uint32_t seed = 20'200'101;
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> value(-1e12, 1e12);
  std::vector<double> values{0.1, 0.2, 1e15, -1e15, 1e-9};
  for (int i = 0; i < 1000; ++i) values.push_back(value(random));
  Accumulator forward;
  for (const double v : values) forward.add(v);
  std::shuffle(values.begin(), values.end(), random);
  Accumulator shuffled;
  for (const double v : values) shuffled.add(v);
  EXPECT_TRUE(forward.sum == shuffled.sum) << "seed " << seed;
}

TEST(Sum, IsExactForWholeNumbersAndNanounits) {
  EXPECT_EQ(from_units(to_units(1e15)), 1e15);
  EXPECT_EQ(from_units(to_units(-50'000'123)), -50'000'123.0);
  Accumulator a;
  for (int i = 0; i < 10; ++i) a.add(0.1);
  EXPECT_EQ(from_units(a.sum), 1.0);
}

TEST(DistinctSet, KeepsTheSmallestWhenFull) {
  DistinctSet up;
  DistinctSet down;
  for (uint64_t i = 0; i < 6000; ++i) up.add(i * 7);
  for (uint64_t i = 6000; i-- > 0;) down.add(i * 7);
  ASSERT_EQ(up.size(), DistinctSet::kMost);
  ASSERT_EQ(down.size(), DistinctSet::kMost);
  for (size_t i = 0; i < up.size(); ++i) {
    EXPECT_EQ(up.entries()[i].hash, down.entries()[i].hash);
  }
}

TEST(HashOf, EqualNumbersOfDifferentTypesAreOne) {
  EXPECT_EQ(hash_of(cel::Value::of_int(1)), hash_of(cel::Value::of_double(1.0)));
  EXPECT_NE(hash_of(cel::Value::of_int(1)), hash_of(cel::Value::of_string("1")));
}

TEST(NumberOf, HasTheSameBoundForEveryType) {
  EXPECT_EQ(number_of(cel::Value::of_int(1'000'000'000'000'000)), 1e15);
  EXPECT_EQ(number_of(cel::Value::of_int(1'000'000'000'000'001)), std::nullopt);
  EXPECT_EQ(number_of(cel::Value::of_int(INT64_MIN)), std::nullopt);
  EXPECT_EQ(number_of(cel::Value::of_uint(UINT64_MAX)), std::nullopt);
  EXPECT_EQ(number_of(cel::Value::of_double(-1e15)), -1e15);
  EXPECT_EQ(number_of(cel::Value::of_double(1.1e15)), std::nullopt);
}

}  // namespace
}  // namespace tocsin::rules
