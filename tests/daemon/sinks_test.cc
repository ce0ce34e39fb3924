// Sinks as the configuration makes them.
#include "daemon/sinks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/memory_store.h"
#include "tests/daemon/alert_texts.h"
#include "tests/daemon/recording_receiver.h"
#include "tests/daemon/temporary_folder.h"

namespace tocsin::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;

class AlertmanagerAfterARestart : public testing::Test {
 protected:
  void commit(const AlertText& text) {
    storage::Batch& batch = store_->begin();
    batch.put_alert(text.record());
    ASSERT_TRUE(store_->commit(batch, WallTime{}));
  }
  // The first thing that is sent after the start.
  std::string first_post(SinkConfig config) {
    config.name = "mirror";
    config.type = SinkConfig::Type::kAlertmanager;
    config.urls = {receiver_.url()};
    const auto sink = make_sink(config, {.store = *store_,
                                         .ids = {},
                                         .instance = "desk-1",
                                         .is_judging = [] { return true; },
                                         .mirrors = mirrors_,
                                         .metrics = metrics_,
                                         .log = log_});
    EXPECT_TRUE(sink->tick());
    const auto requests = receiver_.take_requests();
    return requests.empty() ? "" : requests.front().body;
  }

  std::unique_ptr<storage::Store> store_ = storage::make_memory_store();
  Metrics metrics_{{.version = "test", .rocksdb = "", .librdkafka = "", .boost = ""}};
  Log log_{"warn", "logfmt"};
  RecordingReceiver receiver_;
  Mirrors mirrors_{[](const auto&) {
                     return std::vector{Level::kWatch, Level::kAlert};
                   },
                   metrics_, log_};
};

TEST_F(AlertmanagerAfterARestart, WhatHasSteppedDownBelowTheLevelGoesOn) {
  commit({.alert = 1, .level = "alert"});
  commit(
      {.alert = 1, .seq = 1, .action = "deescalate", .level = "watch", .previous_level = "alert"});
  commit({.alert = 1, .seq = 2, .action = "update", .level = "watch", .previous_level = "watch"});
  commit({.alert = 2, .level = "watch", .rule = "never/reached"});
  SinkConfig config;
  config.min_level = Level::kAlert;
  const std::string post = first_post(config);
  EXPECT_THAT(post, HasSubstr("violence/clashes"));
  EXPECT_THAT(post, Not(HasSubstr("never/reached")));
}

TEST_F(AlertmanagerAfterARestart, WhatWasToldAndIsMarkedHigherNowGoesOnWithoutItsContent) {
  commit({.alert = 1, .level = "watch", .tlp = "amber"});
  commit({.alert = 1, .seq = 1, .action = "escalate", .level = "alert", .tlp = "red"});
  commit({.alert = 2, .level = "watch", .tlp = "red"});
  SinkConfig config;
  config.tlp_ceiling = Tlp::kAmber;
  config.drop_above_ceiling = true;
  const std::string post = first_post(config);
  EXPECT_THAT(post, HasSubstr("\"alert_id\":\"" + to_hex(AlertText{.alert = 1}.id()) + "\""));
  EXPECT_THAT(post, Not(HasSubstr("clashes")));
  EXPECT_THAT(post, Not(HasSubstr(to_hex(AlertText{.alert = 2}.id()))));
}

TEST(AlertLog, TellsOfALastLineThatWasTorn) {
  const auto store = storage::make_memory_store();
  Metrics metrics({.version = "test", .rocksdb = "", .librdkafka = "", .boost = ""});
  const TemporaryFolder folder;
  SinkConfig config;
  config.name = "desk";
  config.type = SinkConfig::Type::kLog;
  config.path = folder.write("alerts.ndjson", AlertText{}.json() + "\n" + "{\"half");
  testing::internal::CaptureStderr();
  Log log("warn", "logfmt");
  Mirrors mirrors({}, metrics, log);
  const auto sink = make_sink(config, {.store = *store,
                                       .ids = {},
                                       .instance = {},
                                       .is_judging = {},
                                       .mirrors = mirrors,
                                       .metrics = metrics,
                                       .log = log});
  EXPECT_TRUE(sink->deliver({AlertText{.alert = 2}.notification()}));
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said,
              HasSubstr("\"the last line of an alert log was torn, and is cut off\" sink=desk"));
  EXPECT_THAT(said, HasSubstr("bytes=6 hint="));
  EXPECT_THAT(metrics.scrape({}), HasSubstr("tocsin_torn_writes_total{file=\"alert_log\"} 1"));
}

}  // namespace
}  // namespace tocsin::daemon
