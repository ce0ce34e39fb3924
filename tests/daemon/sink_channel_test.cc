// Outbox → sink: order, repetition, crashes, markings and levels; and the threads around it.
#include "daemon/sink_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>

#include "daemon/notifier.h"
#include "storage/memory_store.h"
#include "tests/daemon/alert_texts.h"

namespace tocsin::daemon {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using Next = SinkChannel::Next;

// What a sink took, kept outside of it so that it survives the channel's "crash".
struct Receiver {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> bodies;
  std::function<Status(const storage::OutboxEntry&)> judge = [](const auto&) {
    return Status::ok();
  };
  int attempts = 0;
  int ticks = 0;
};

class FakeSink final : public NotificationSink {
 public:
  FakeSink(Receiver& receiver, size_t batch) : receiver_(receiver), batch_(batch) {}
  const std::string& name() const override { return name_; }
  Status deliver(const std::vector<storage::OutboxEntry>& entries) override {
    const std::scoped_lock lock(receiver_.mutex);
    ++receiver_.attempts;
    receiver_.changed.notify_all();
    for (const storage::OutboxEntry& entry : entries) {
      if (Status status = receiver_.judge(entry); !status) return status;
    }
    for (const storage::OutboxEntry& entry : entries) receiver_.bodies.push_back(entry.json);
    return Status::ok();
  }
  void tick() override {
    const std::scoped_lock lock(receiver_.mutex);
    ++receiver_.ticks;
  }
  size_t batch_limit() const override { return batch_; }

 private:
  const std::string name_ = "fake";
  Receiver& receiver_;
  const size_t batch_;
};

class Channel : public testing::Test {
 protected:
  Channel() { EXPECT_TRUE(store_->declare_sinks({"fake"})); }

  void commit(const std::vector<AlertText>& alerts) {
    storage::Batch& batch = store_->begin();
    for (const AlertText& alert : alerts) batch.put_alert(alert.record());
    ASSERT_TRUE(store_->commit(batch, WallTime{}));
  }
  std::unique_ptr<SinkChannel> make(ChannelOptions options = {}, size_t batch = 100) {
    return std::make_unique<SinkChannel>(*store_, std::make_unique<FakeSink>(receiver_, batch),
                                         options, metrics_, log_);
  }
  // Until nothing waits; a test that never ends here fails by its time-out.
  static void drain(SinkChannel& channel) {
    while (channel.step(SteadyTime{}) == Next::kAtOnce) {
    }
  }
  size_t waiting() { return store_->statistics().outbox_depth.at("fake"); }
  using SteadyTime = SinkChannel::SteadyTime;

  std::unique_ptr<storage::Store> store_ = storage::make_memory_store();
  Metrics metrics_{{.version = "test", .rocksdb = "", .librdkafka = "", .boost = ""}};
  Log log_{"off", "logfmt"};
  Receiver receiver_;
};

std::vector<AlertText> some(uint64_t count) {
  std::vector<AlertText> alerts;
  for (uint64_t i = 1; i <= count; ++i) alerts.push_back({.alert = i});
  return alerts;
}

std::vector<std::string> texts(const std::vector<AlertText>& alerts) {
  std::vector<std::string> texts;
  for (const AlertText& alert : alerts) texts.push_back(alert.json());
  return texts;
}

TEST_F(Channel, DeliversInOrderOfCommitAndLeavesNothing) {
  commit(some(5));
  commit({{.alert = 2, .seq = 1, .action = "escalate", .level = "alert"}});
  const auto channel = make({}, /*batch=*/2);
  drain(*channel);
  auto expected = some(5);
  expected.push_back({.alert = 2, .seq = 1, .action = "escalate", .level = "alert"});
  EXPECT_EQ(receiver_.bodies, texts(expected));
  EXPECT_EQ(waiting(), 0u);
}

TEST_F(Channel, WaitsLongerAfterEachFailureThenGoesOnInOrder) {
  commit(some(3));
  const auto channel =
      make({.seed = 7, .first_wait = milliseconds(100), .longest_wait = milliseconds(1000)});
  receiver_.judge = [](const auto&) { return unavailable("down"); };
  SteadyTime now{};
  for (const int doubled : {100, 200, 400, 800, 1000, 1000}) {
    EXPECT_EQ(channel->step(now), Next::kLater);
    const auto wait = channel->due() - now;
    EXPECT_GE(wait, milliseconds(doubled / 2));
    EXPECT_LE(wait, milliseconds(doubled));
    const int attempts = receiver_.attempts;
    EXPECT_EQ(channel->step(channel->due() - milliseconds(1)), Next::kLater);
    EXPECT_EQ(receiver_.attempts, attempts) << "tried too early";
    now = channel->due();
  }
  EXPECT_EQ(channel->status().failures, 6u);
  EXPECT_EQ(channel->status().problem, "down");

  receiver_.judge = [](const auto&) { return Status::ok(); };
  EXPECT_EQ(channel->step(now), Next::kAtOnce);
  EXPECT_EQ(receiver_.bodies, texts(some(3)));
  EXPECT_EQ(channel->status().failures, 0u);
  EXPECT_THAT(channel->status().problem, IsEmpty());
}

TEST_F(Channel, CrashBetweenDeliveryAndDoneRepeatsTheSameBytes) {
  commit({{.alert = 1, .tlp = "red"}, {.alert = 2}});
  struct Crash {};
  // The receiver has taken both when the crash comes.
  receiver_.judge = [this](const storage::OutboxEntry& entry) -> Status {
    receiver_.bodies.push_back(entry.json);
    if (entry.alert.low == 2) throw Crash{};
    return Status::ok();
  };
  EXPECT_THROW(make()->step(SteadyTime{}), Crash);
  const std::vector<std::string> before = std::exchange(receiver_.bodies, {});
  receiver_.judge = [](const auto&) { return Status::ok(); };
  drain(*make());
  EXPECT_EQ(receiver_.bodies, before);
  EXPECT_EQ(waiting(), 0u);
}

TEST_F(Channel, RefusedTransitionHoldsNoOtherBack) {
  commit(some(4));
  receiver_.judge = [](const storage::OutboxEntry& entry) -> Status {
    if (entry.alert.low == 3) return invalid("no thanks");
    return Status::ok();
  };
  drain(*make());
  EXPECT_EQ(receiver_.bodies, texts({{.alert = 1}, {.alert = 2}, {.alert = 4}}));
  EXPECT_EQ(waiting(), 0u);
  EXPECT_THAT(metrics_.scrape({}),
              HasSubstr("tocsin_sink_transitions_total{outcome=\"refused\",sink=\"fake\"} 1"));
}

TEST_F(Channel, AboveTheCeilingGoesOutWithoutItsContent) {
  commit({{.alert = 1, .tlp = "amber"}, {.alert = 2, .tlp = "red"}});
  drain(*make({.tlp_ceiling = Tlp::kAmber}));
  ASSERT_THAT(receiver_.bodies, SizeIs(2));
  EXPECT_EQ(receiver_.bodies[0], (AlertText{.alert = 1, .tlp = "amber"}.json()));
  EXPECT_THAT(receiver_.bodies[1], HasSubstr("\"withheld\":true"));
  EXPECT_THAT(receiver_.bodies[1], Not(HasSubstr("canary")));
}

TEST_F(Channel, AboveTheCeilingIsNotSentWhereItIsDropped) {
  commit({{.alert = 1, .tlp = "red"}, {.alert = 2}});
  drain(*make({.tlp_ceiling = Tlp::kGreen, .drop_above_ceiling = true}));
  EXPECT_EQ(receiver_.bodies, texts({{.alert = 2}}));
  EXPECT_EQ(waiting(), 0u);
}

TEST_F(Channel, AlertIsToldFromTheLevelOnToItsEnd) {
  commit({{.alert = 1, .level = "watch"}, {.alert = 2, .level = "watch"}});
  const AlertText up{
      .alert = 1, .seq = 1, .action = "escalate", .level = "alert", .previous_level = "watch"};
  const AlertText down{
      .alert = 1, .seq = 2, .action = "deescalate", .level = "watch", .previous_level = "alert"};
  const AlertText end{
      .alert = 1, .seq = 3, .action = "resolve", .level = "watch", .previous_level = "watch"};
  const AlertText never{
      .alert = 2, .seq = 1, .action = "resolve", .level = "watch", .previous_level = "watch"};
  commit({up});
  commit({down});
  commit({end, never});
  drain(*make({.min_level = Level::kWarning}));
  EXPECT_EQ(receiver_.bodies, texts({up, down, end}));
  EXPECT_EQ(waiting(), 0u);
}

TEST_F(Channel, ShadowRulesAreNotSent) {
  storage::Batch& batch = store_->begin();
  storage::AlertRecord shadow = AlertText{}.record();
  shadow.notify = false;
  batch.put_alert(shadow);
  ASSERT_TRUE(store_->commit(batch, WallTime{}));
  drain(*make());
  EXPECT_THAT(receiver_.bodies, IsEmpty());
}

TEST_F(Channel, NotifierSendsWhenWokenAndDrainsAtTheEnd) {
  Notifier notifier(*store_);
  notifier.add(make({}, /*batch=*/1));
  notifier.start();
  commit(some(2));
  notifier.wake();
  {
    std::unique_lock lock(receiver_.mutex);
    ASSERT_TRUE(receiver_.changed.wait_for(lock, std::chrono::seconds(10),
                                           [&] { return receiver_.attempts >= 1; }));
  }
  commit({{.alert = 3}, {.alert = 4}});
  notifier.stop(std::chrono::seconds(10));
  EXPECT_EQ(receiver_.bodies, texts(some(4)));
  EXPECT_EQ(waiting(), 0u);
}

TEST_F(Channel, NotifierStopsAtOnceWhenTheSinkIsAwayAndKeepsTheRest) {
  receiver_.judge = [](const auto&) { return unavailable("away"); };
  Notifier notifier(*store_);
  notifier.add(make());
  commit(some(3));
  notifier.start();
  const auto begin = std::chrono::steady_clock::now();
  notifier.stop(std::chrono::seconds(60));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  EXPECT_EQ(waiting(), 3u);
  const std::vector<SinkStatus> status = notifier.status();
  ASSERT_THAT(status, SizeIs(1));
  EXPECT_EQ(status[0].depth, 3u);
  EXPECT_TRUE(status[0].oldest);
}

}  // namespace
}  // namespace tocsin::daemon
