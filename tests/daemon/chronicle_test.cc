#include "daemon/chronicle.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "daemon/advance_times.h"
#include "storage/memory_store.h"
#include "tests/daemon/small_bundle.h"

// What a chronicle keeps of the time of sources.
namespace tocsin::daemon {
namespace {

using std::chrono::minutes;

TEST(AdvanceTimes, OfAYearOfHeartbeatsTakeAByteOrTwoEach) {
  std::mt19937 random(7);
  AdvanceTimes times;
  std::vector<EventTime> expected;
  EventTime at = parse_time("2020-01-01").value();
  for (int i = 0; i < 3'000'000; ++i) {
    // Ten seconds, as exactly as a loop wakes; a pause now and then.
    at += Milliseconds(10'000 + static_cast<int>(random() % 100));
    if (i % 100'000 == 0) at += std::chrono::hours(random() % 2000);
    times.add(at);
    if (i % 1000 == 0) times.add(at - minutes(1));  // says nothing
    expected.push_back(at);
  }
  EXPECT_LT(times.bytes(), 2 * expected.size());
  for (const EventTime each : expected) {
    ASSERT_EQ(times.next(), each);
    times.take();
  }
  EXPECT_EQ(times.next(), kMaxEventTime);
}

TEST(Chronicle, KnowsTheFirstTimeOfASourceThatSpokeOfWhatIsNotOfTheScope) {
  const auto bundle = compile(rules::serialize(bundle_text()));
  ASSERT_NE(bundle, nullptr);
  const auto store = storage::make_memory_store();
  store->set_catalogue(bundle->catalogue);
  const SourceId desk = *bundle->catalogue->find_source("desk");
  const EventTime first = parse_time("2020-01-01").value() + minutes(3);
  storage::Batch& batch = store->begin();
  for (const int later : {6, 0, 100}) {
    const std::string id = fmt::format("e{}", later);
    Event event;
    event.id = id;
    event.source = desk;
    event.indicator = *bundle->catalogue->find_indicator("violence.clash");
    event.region = *bundle->catalogue->find_region("XB");
    event.time = event.time_end = first + minutes(later);
    batch.append(event);
  }
  ASSERT_TRUE(store->commit(batch, {}));

  rules::Scope scope{std::vector<bool>(bundle->catalogue->regions().size(), false), false};
  scope.regions[static_cast<size_t>(*bundle->catalogue->find_region("XA"))] = true;
  rules::Engine engine(bundle, {.scope = std::make_shared<rules::Scope>(scope)});
  rules::Engine::Transitions decided;
  Chronicle chronicle(
      *store, *bundle->catalogue, [](const Event& event) { return hash128(event.id); },
      store->last_seq());
  ASSERT_TRUE(chronicle.feed(scope, engine, decided));
  EXPECT_EQ(engine.source_time(desk).first, first);
  EXPECT_EQ(engine.newest(desk), first + minutes(100));
}

TEST(FeedControl, APartitionThatIsLeftNoLongerHoldsItsSourceBack) {
  const auto bundle = compile(rules::serialize(bundle_text()));
  ASSERT_NE(bundle, nullptr);
  const SourceId desk = *bundle->catalogue->find_source("desk");
  const EventTime first = parse_time("2020-01-01").value();
  rules::Engine engine(bundle, {});
  rules::Engine::Transitions decided;
  engine.on_time(desk, first, 1, decided);
  engine.on_time(desk, first + std::chrono::days(9), 2, decided);
  const EventTime held = *engine.watermark(desk);
  storage::Control control;
  control.kind = storage::Control::Kind::kLeavePartition;
  control.source = "desk";
  control.partition = 1;
  feed_control(control, *bundle->catalogue, engine, decided);
  EXPECT_EQ(*engine.watermark(desk), held + std::chrono::days(9));
}

}  // namespace
}  // namespace tocsin::daemon
