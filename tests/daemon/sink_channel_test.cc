// Outbox → sink: order, repetition, crashes, markings and levels; and the threads around it.
#include "daemon/sink_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <set>

#include "daemon/notifier.h"
#include "storage/memory_store.h"
#include "tests/daemon/alert_texts.h"

namespace tocsin::daemon {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
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
  std::function<Status(const Notification&)> judge = [](const auto&) { return Status::ok(); };
  std::function<Result<bool>()> tick = [] { return Result<bool>(false); };
  std::function<Status()> on_heartbeat = [] { return Status::ok(); };
  std::vector<std::string> heartbeats;
  std::function<Status()> on_digest = [] { return Status::ok(); };
  std::vector<std::string> digests;
  int attempts = 0;
  int ticks = 0;
};

class FakeSink final : public NotificationSink {
 public:
  FakeSink(Receiver& receiver, size_t batch) : receiver_(receiver), batch_(batch) {}
  const std::string& name() const override { return name_; }
  Status deliver(const std::vector<Notification>& notifications) override {
    const std::scoped_lock lock(receiver_.mutex);
    ++receiver_.attempts;
    receiver_.changed.notify_all();
    for (const Notification& each : notifications) {
      if (Status status = receiver_.judge(each); !status) return status;
    }
    for (const Notification& each : notifications) receiver_.bodies.push_back(each.json);
    return Status::ok();
  }
  Result<bool> tick() override {
    const std::scoped_lock lock(receiver_.mutex);
    ++receiver_.ticks;
    return receiver_.tick();
  }
  Status send_heartbeat(const std::string& json) override {
    const std::scoped_lock lock(receiver_.mutex);
    receiver_.heartbeats.push_back(json);
    return receiver_.on_heartbeat();
  }
  Status send_digest(const std::string& json) override {
    const std::scoped_lock lock(receiver_.mutex);
    receiver_.digests.push_back(json);
    return receiver_.on_digest();
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
    options.ids = ids_;
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
  SealedIds ids_;
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

class ChannelAfterDowntime : public Channel {
 protected:
  static AlertText end_of(uint64_t alert, const std::string& at) {
    AlertText text{.alert = alert, .seq = 1, .action = "resolve", .at = at, .ends_at = at};
    text.starts_at = starts_at(alert);
    return text;
  }
  static std::string starts_at(uint64_t alert) {
    return alert == 1 ? "2011-02-17T00:00:00Z" : "2011-02-18T06:00:00Z";
  }
  static AlertText begin_of(uint64_t alert) {
    return {.alert = alert, .starts_at = starts_at(alert), .at = starts_at(alert)};
  }
  // Raised before it; within it and over; within it and open; within it and over after it.
  void commit_four() {
    for (const uint64_t alert : {1U, 2U, 3U, 4U}) commit({begin_of(alert)});
    commit({end_of(1, "2011-02-18T09:00:00Z"), end_of(2, "2011-02-18T10:00:00Z"),
            end_of(4, "2011-02-19T10:00:00Z")});
  }
  std::vector<std::string> all_but(uint64_t left_out) {
    std::vector<AlertText> all{begin_of(1),
                               begin_of(2),
                               begin_of(3),
                               begin_of(4),
                               end_of(1, "2011-02-18T09:00:00Z"),
                               end_of(2, "2011-02-18T10:00:00Z"),
                               end_of(4, "2011-02-19T10:00:00Z")};
    std::erase_if(all, [=](const AlertText& text) { return text.alert == left_out; });
    return texts(all);
  }
  ChannelOptions options_{.downtime = Downtime{*parse_time("2011-02-18T00:00:00Z"),
                                               *parse_time("2011-02-19T00:00:00Z")}};
};

TEST_F(ChannelAfterDowntime, TellsInOneDigestWhatWasRaisedAndOverInIt) {
  commit_four();
  const auto channel = make(options_);
  EXPECT_EQ(channel->step(channel->due() - milliseconds(1)), Next::kLater);
  EXPECT_THAT(receiver_.bodies, IsEmpty()) << "what follows may be its end";
  while (channel->step(channel->due()) == Next::kAtOnce) {
  }
  ASSERT_THAT(receiver_.digests, SizeIs(1));
  EXPECT_THAT(receiver_.digests[0],
              HasSubstr(R"("from":"2011-02-18T00:00:00Z","to":"2011-02-19T00:00:00Z","alerts":1,)"
                        R"("list":[{"id":"00000000000000000000000000000002",)"
                        R"("rule":"violence/clashes","level":"warning","region":"LY",)"
                        R"("title":{"en":"Clashes"},"starts_at":"2011-02-18T06:00:00Z",)"
                        R"("ends_at":"2011-02-18T10:00:00Z"}]})"));
  EXPECT_EQ(receiver_.bodies, all_but(2));
  EXPECT_EQ(waiting(), 0U);
}

TEST_F(ChannelAfterDowntime, TriesAgainWithTheDigestAndSendsEachWhereItIsRefused) {
  commit_four();
  const auto channel = make(options_);
  receiver_.on_digest = [] { return unavailable("down"); };
  EXPECT_EQ(channel->step(channel->due()), Next::kLater);
  EXPECT_THAT(receiver_.bodies, IsEmpty());
  EXPECT_EQ(channel->status().problem, "down");
  receiver_.on_digest = [] { return invalid("no such thing"); };
  while (channel->step(channel->due()) == Next::kAtOnce) {
  }
  EXPECT_THAT(receiver_.digests, SizeIs(2));
  EXPECT_EQ(receiver_.bodies, all_but(0));
}

TEST_F(ChannelAfterDowntime, ADigestTellsNothingAboveTheCeiling) {
  AlertText begin = begin_of(2);
  AlertText end = end_of(2, "2011-02-18T10:00:00Z");
  begin.tlp = end.tlp = "red";
  commit({begin});
  commit({end});
  const auto channel = make(options_);
  while (channel->step(channel->due()) == Next::kAtOnce) {
  }
  ASSERT_THAT(receiver_.digests, SizeIs(1));
  EXPECT_THAT(receiver_.digests[0], AllOf(HasSubstr(R"("alerts":1)"), Not(HasSubstr("LY")),
                                          Not(HasSubstr("violence")), Not(HasSubstr("Clashes"))));
}

TEST_F(Channel, CrashBetweenDeliveryAndDoneRepeatsTheSameBytes) {
  commit({{.alert = 1, .tlp = "red"}, {.alert = 2}});
  struct Crash {};
  // The receiver has taken both when the crash comes.
  receiver_.judge = [this](const Notification& entry) -> Status {
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
  receiver_.judge = [](const Notification& entry) -> Status {
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
  drain(*make({.filter = {.tlp_ceiling = Tlp::kAmber}}));
  ASSERT_THAT(receiver_.bodies, SizeIs(2));
  EXPECT_EQ(receiver_.bodies[0], (AlertText{.alert = 1, .tlp = "amber"}.json()));
  EXPECT_THAT(receiver_.bodies[1], HasSubstr("\"withheld\":true"));
  EXPECT_THAT(receiver_.bodies[1], Not(HasSubstr("canary")));
}

TEST_F(Channel, AboveTheCeilingIsNotSentWhereItIsDropped) {
  commit({{.alert = 1, .tlp = "red"}, {.alert = 2}});
  drain(*make({.filter = {.tlp_ceiling = Tlp::kGreen, .drop_above_ceiling = true}}));
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
  drain(*make({.filter = {.min_level = Level::kWarning}}));
  EXPECT_EQ(receiver_.bodies, texts({up, down, end}));
  EXPECT_EQ(waiting(), 0u);
}

TEST_F(Channel, WhatWasToldIsToldToTheEndThoughItIsMarkedHigherByThen) {
  commit({{.alert = 1, .tlp = "amber"}, {.alert = 2, .tlp = "red"}});
  commit({{.alert = 1, .seq = 1, .action = "resolve", .tlp = "red"},
          {.alert = 2, .seq = 1, .action = "resolve", .tlp = "red"}});
  drain(*make({.filter = {.tlp_ceiling = Tlp::kAmber, .drop_above_ceiling = true}}));
  ASSERT_THAT(receiver_.bodies, SizeIs(2));
  EXPECT_EQ(receiver_.bodies[0], (AlertText{.alert = 1, .tlp = "amber"}.json()));
  EXPECT_THAT(receiver_.bodies[1],
              AllOf(HasSubstr("\"action\":\"resolve\""), HasSubstr("\"withheld\":true"),
                    HasSubstr(to_hex(AlertText{.alert = 1}.id()))));
  EXPECT_EQ(waiting(), 0u);
}

TEST_F(Channel, AlertAboveTheCeilingHasOneIdThatIsNotItsOwn) {
  commit({{.alert = 9, .tlp = "red"}});
  commit({{.alert = 9, .seq = 1, .action = "resolve", .tlp = "red"}});
  std::set<std::string> ids;
  receiver_.judge = [&](const Notification& each) {
    ids.insert(each.id);
    EXPECT_THAT(each.json, HasSubstr("\"id\":\"" + each.id + "\""));
    EXPECT_EQ(each.alert, AlertText{.alert = 9}.id()) << "sinks could not know it again";
    return Status::ok();
  };
  drain(*make());
  EXPECT_THAT(ids, SizeIs(1));
  EXPECT_THAT(ids, Not(testing::Contains(to_hex(AlertText{.alert = 9}.id()))));
}

TEST_F(Channel, FailureBetweenDeliveriesWaitsAndIsToldAsOne) {
  const auto channel = make({.first_wait = milliseconds(100)});
  receiver_.tick = [] { return Result<bool>(unavailable("mirror down")); };
  channel->tick(SteadyTime{});
  EXPECT_EQ(channel->status().failures, 1u);
  EXPECT_EQ(channel->status().problem, "mirror down");
  EXPECT_GT(channel->due(), SteadyTime{});
  channel->tick(channel->due() - milliseconds(1));
  EXPECT_EQ(receiver_.ticks, 1) << "tried too early";
  EXPECT_THAT(metrics_.scrape({}),
              HasSubstr("tocsin_sink_attempts_total{outcome=\"unavailable\",sink=\"fake\"} 1"));

  receiver_.tick = [] { return Result<bool>(true); };
  channel->tick(channel->due());
  EXPECT_EQ(channel->status().failures, 0u);
  EXPECT_THAT(channel->status().problem, IsEmpty());
  EXPECT_THAT(metrics_.scrape({}),
              HasSubstr("tocsin_sink_attempts_total{outcome=\"delivered\",sink=\"fake\"} 1"));
}

TEST_F(Channel, TurnWithoutAnythingToSendEndsNoFailure) {
  commit(some(1));
  receiver_.judge = [](const auto&) { return unavailable("down"); };
  const auto channel = make();
  channel->step(SteadyTime{});
  channel->tick(channel->due());
  EXPECT_EQ(receiver_.ticks, 1);
  EXPECT_EQ(channel->status().problem, "down");
}

TEST_F(Channel, HeartbeatsComeAtTheirInterval) {
  const auto channel = make({.heartbeat_interval = milliseconds(5000), .instance = "desk-1"});
  const SteadyTime start{};
  channel->tick(start);
  channel->tick(start + milliseconds(4999));
  ASSERT_THAT(receiver_.heartbeats, SizeIs(1));
  EXPECT_THAT(receiver_.heartbeats[0],
              testing::MatchesRegex(
                  R"(\{"format":"heartbeat/1","name":"TocsinWatchdog","instance":"desk-1",)"
                  R"("sink":"fake","at":"[-0-9T:.]+Z","interval_seconds":5\})"));
  channel->tick(start + milliseconds(5000));
  EXPECT_THAT(receiver_.heartbeats, SizeIs(2));
}

TEST_F(Channel, NoHeartbeatSaysThatAllIsWellWhileNothingIsJudged) {
  bool is_judging = false;
  const auto channel =
      make({.is_judging = [&] { return is_judging; }, .heartbeat_interval = milliseconds(5000)});
  channel->tick(SteadyTime{});
  EXPECT_THAT(receiver_.heartbeats, IsEmpty());
  is_judging = true;
  channel->tick(SteadyTime{} + milliseconds(1));
  EXPECT_THAT(receiver_.heartbeats, SizeIs(1)) << "at once";
}

TEST_F(Channel, HeartbeatThatFailsWaitsAndOneThatIsRefusedHoldsNothingBack) {
  const auto channel = make({.heartbeat_interval = milliseconds(5000)});
  receiver_.on_heartbeat = [] { return Status(unavailable("away")); };
  channel->tick(SteadyTime{});
  EXPECT_EQ(channel->status().problem, "away");
  EXPECT_GT(channel->due(), SteadyTime{});

  const auto other = make({.heartbeat_interval = milliseconds(5000)});
  receiver_.on_heartbeat = [] { return Status(invalid("what is this?")); };
  other->tick(SteadyTime{});
  EXPECT_EQ(other->status().failures, 0u);
  commit(some(1));
  EXPECT_EQ(other->step(SteadyTime{}), Next::kAtOnce);
  EXPECT_EQ(receiver_.bodies, texts(some(1)));
}

TEST_F(Channel, NoHeartbeatsWithoutAnInterval) {
  make()->tick(SteadyTime{});
  EXPECT_THAT(receiver_.heartbeats, IsEmpty());
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
  commit(some(3));
  notifier.add(make());
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
