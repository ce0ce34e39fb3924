// The whole daemon in this process, over a store that can be held up and made to fail: what it goes
// on with while it waits, and what becomes of what it was about to do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "daemon/commands/commands.h"
#include "tests/daemon/held_tables.h"
#include "tests/daemon/recording_receiver.h"
#include "tests/daemon/running_app.h"

namespace tocsin::daemon {
namespace {

using storage::Table;
using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

class HeldApp : public RunningApp {
 protected:
  HeldApp() { std::filesystem::create_directory(config_.data_dir); }
  void TearDown() override {
    tables_.release();  // or a stop would wait for ever
    RunningApp::TearDown();
  }

  void start() {
    ASSERT_NO_FATAL_FAILURE(RunningApp::start(tables_.opener()));
    wait_until_ready();
  }
  // Until the next try is due.
  void lose_store() {
    tables_.fail_writes(unavailable("no space left"));
    EXPECT_EQ(post(99).status, 503);
    wait_until_away();
  }
  void wait_until_away() {
    ASSERT_TRUE(comes_true([&] { return says("/-/ready", "the store has failed and is opened"); }))
        << get("/-/ready").body;
  }

  HeldTables tables_;
};

class HeldAppWithAMirror : public HeldApp {
 protected:
  HeldAppWithAMirror() {
    config_.sinks.emplace_back();
    config_.sinks.back().name = "mirror";
    config_.sinks.back().type = SinkConfig::Type::kAlertmanager;
    config_.sinks.back().urls = {alertmanager_.url()};
    config_.sinks.back().resend_interval = Milliseconds(1);
  }

  // What is sent from now on, so many times.
  std::vector<std::string> next_posts(size_t count) {
    std::vector<std::string> posts;
    alertmanager_.take_requests();
    EXPECT_TRUE(comes_true([&] {
      for (http::Request& each : alertmanager_.take_requests()) posts.push_back(each.body);
      return posts.size() >= count;
    })) << "nothing is sent";
    return posts;
  }
  // Until a post has all of that.
  bool is_sent(const std::vector<std::string>& texts) {
    return comes_true([&] {
      for (const http::Request& each : alertmanager_.take_requests()) {
        if (std::all_of(texts.begin(), texts.end(), [&](const std::string& text) {
              return each.body.find(text) != std::string::npos;
            })) {
          return true;
        }
      }
      return false;
    });
  }

  RecordingReceiver alertmanager_;
};

TEST_F(HeldAppWithAMirror, WhatFiresGoesOnWhileTheStoreIsAway) {
  start();
  ASSERT_EQ(post_many_dead().status, 200);
  ASSERT_TRUE(is_sent({"test/many-dead", "TocsinWatchdog"}));
  lose_store();
  EXPECT_THAT(next_posts(2), Each(AllOf(HasSubstr("test/many-dead"), Not(HasSubstr("Watchdog")))));
  tables_.repair();
  wait_until_ready();
  EXPECT_TRUE(is_sent({"test/many-dead", "TocsinWatchdog"}));
  EXPECT_EQ(stop(), kDone);
}

TEST_F(HeldAppWithAMirror, WhatFiresGoesOnDuringALongRecovery) {
  start();
  ASSERT_EQ(post_many_dead().status, 200);
  ASSERT_TRUE(is_sent({"test/many-dead", "TocsinWatchdog"}));
  ASSERT_EQ(stop(), kDone);

  tables_.hold(Table::kState);
  ASSERT_NO_FATAL_FAILURE(RunningApp::start(tables_.opener()));
  ASSERT_TRUE(comes_true([&] { return tables_.is_somebody_waiting(); }));
  EXPECT_THAT(next_posts(2), Each(AllOf(HasSubstr("test/many-dead"), Not(HasSubstr("Watchdog")))));
  EXPECT_THAT(get("/-/ready").body, HasSubstr("recovery"));
  tables_.release();
  wait_until_ready();
  EXPECT_TRUE(is_sent({"test/many-dead", "TocsinWatchdog"}));
  EXPECT_EQ(stop(), kDone);
}

TEST_F(HeldAppWithAMirror, AStopDoesNotWaitForTheStoreToComeBack) {
  start();
  ASSERT_TRUE(is_sent({"TocsinWatchdog"}));
  lose_store();
  EXPECT_EQ(stop(), kDone);
}

class Reload : public HeldApp {
 protected:
  std::future<HttpAnswer> reload() const {
    return std::async(std::launch::async, [this] { return call("POST", "/-/reload"); });
  }
  // Rules that begin anew, and are being judged on the journal until that is released.
  std::future<HttpAnswer> reload_and_hold() {
    write_rules("Very dead", /*window=*/6);
    tables_.hold(Table::kJournal);
    std::future<HttpAnswer> answer = reload();
    EXPECT_TRUE(comes_true([&] { return tables_.is_somebody_waiting(); }));
    return answer;
  }
  void expect_in_force_once_the_store_is_back() {
    tables_.repair();
    wait_until_ready();
    ASSERT_EQ(post_many_dead().status, 200);
    EXPECT_TRUE(comes_true([&] { return says("/v1/alerts", "Very dead in Alpha"); }))
        << get("/v1/alerts").body;
    EXPECT_EQ(stop(), kDone);
  }
};

TEST_F(Reload, IsInForceAfterwardsWhereTheStoreFailsWhileItIsJudged) {
  start();
  ASSERT_EQ(post(1).status, 200);
  std::future<HttpAnswer> answer = reload_and_hold();
  tables_.fail_writes(unavailable("no space left"));
  EXPECT_EQ(post(99).status, 503);
  tables_.release();
  const HttpAnswer reloaded = answer.get();
  EXPECT_EQ(reloaded.status, 200) << reloaded.body;
  expect_in_force_once_the_store_is_back();
}

TEST_F(Reload, IsInForceAfterwardsWhereItCannotBeWritten) {
  start();
  ASSERT_EQ(post(1).status, 200);
  write_rules("Very dead", /*window=*/6);
  tables_.fail_writes(unavailable("no space left"));
  const HttpAnswer reloaded = call("POST", "/-/reload");
  EXPECT_EQ(reloaded.status, 200) << reloaded.body;
  expect_in_force_once_the_store_is_back();
}

TEST_F(Reload, OfWhichTheStoreFailsIsTheLastOneThatWasAskedFor) {
  start();
  ASSERT_EQ(post(1).status, 200);
  std::future<HttpAnswer> first = reload_and_hold();
  tables_.fail_writes(unavailable("no space left"));
  EXPECT_EQ(post(99).status, 503);
  write_rules("Quite dead", /*window=*/7);
  std::future<HttpAnswer> second = reload();
  // Both wait, beside who asks; what one of them has sent is read by the next answer.
  ASSERT_TRUE(comes_true([&] { return says("/metrics", "tocsin_http_connections 3\n"); }));
  ASSERT_EQ(get("/-/healthy").status, 200);
  tables_.release();
  first.wait();
  EXPECT_EQ(second.get().status, 200);
  tables_.repair();
  wait_until_ready();
  ASSERT_EQ(post_many_dead().status, 200);
  EXPECT_TRUE(comes_true([&] { return says("/v1/alerts", "Quite dead in Alpha"); }))
      << get("/v1/alerts").body;
  EXPECT_EQ(stop(), kDone);
}

TEST_F(Reload, ThatDamageCutsOffIsToldSo) {
  start();
  ASSERT_EQ(post(1).status, 200);
  std::future<HttpAnswer> answer = reload_and_hold();
  tables_.fail_writes(corrupt("a flipped byte"));
  EXPECT_EQ(post(99).status, 503);
  tables_.release();
  const HttpAnswer refused = answer.get();
  EXPECT_EQ(refused.status, 422);
  EXPECT_THAT(refused.body, HasSubstr("tocsin ends, as its log says"));
  EXPECT_EQ(join(), kEnvironment);
}

TEST_F(Reload, ThatAStopCutsOffIsToldSo) {
  start();
  ASSERT_EQ(post(1).status, 200);
  std::future<HttpAnswer> answer = reload_and_hold();
  signal_stop();
  ASSERT_TRUE(comes_true([&] { return get("/-/ready").status != 200; }));
  tables_.release();
  const HttpAnswer refused = answer.get();
  EXPECT_EQ(refused.status, 422);
  EXPECT_THAT(refused.body, HasSubstr("tocsin is stopping; the next start loads the rules"));
  EXPECT_EQ(join(), kDone);
}

}  // namespace
}  // namespace tocsin::daemon
