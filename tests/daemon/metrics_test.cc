#include "daemon/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <regex>
#include <sstream>

#include "storage/memory_store.h"
#include "tests/daemon/alert_texts.h"
#include "tests/daemon/temporary_folder.h"

namespace tocsin::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;

std::shared_ptr<const Catalogue> two_sources() {
  Catalogue::Draft draft;
  for (const char* name : {"desk", "gdelt"}) {
    Catalogue::Draft::SourceDraft source;
    source.source.name = name;
    draft.sources.push_back(source);
  }
  return std::make_shared<Catalogue>(std::move(draft));
}

class MetricsText : public testing::Test {
 protected:
  // {name with labels: value}; fails on a line that is neither a sample nor a comment.
  std::map<std::string, double> samples() {
    static const std::regex kSample(R"re(^([a-z_]+(?:\{[^{}]*\})?) ([-+0-9.eEinfNa]+)$)re");
    std::map<std::string, double> samples;
    std::istringstream text(metrics_.scrape(status_));
    for (std::string line; std::getline(text, line);) {
      if (line.empty() || line[0] == '#') continue;
      std::smatch match;
      if (!std::regex_match(line, match, kSample)) {
        ADD_FAILURE() << "not a sample: " << line;
        continue;
      }
      samples[match[1]] = std::stod(match[2]);
    }
    return samples;
  }

  Metrics metrics_{{.version = "1.2.3", .rocksdb = "7.8", .librdkafka = "2.0", .boost = "1.81"}};
  DaemonStatus status_;
};

// One of everything, so that every family has a sample.
void fill(Metrics& metrics, DaemonStatus& status) {
  CommitReport report;
  report.counts.records = 9;
  report.counts.by_source = {{.accepted = 5,
                              .duplicates = 1,
                              .too_late = 3,
                              .future = 1,
                              .corrections = 1,
                              .late_by_age = {1, 0, 1, 0, 0},
                              .too_late_by_age = {0, 0, 0, 1, 2}}};
  report.counts.dead_letters["unknown_indicator"] = 1;
  report.counts.skipped["no_value"] = 1;
  report.counts.transitions[{Action::kFire, Level::kAlert}] = 2;
  report.commit_seconds = 0.004;
  report.evaluation_seconds = 0.25;
  report.checkpoint = true;
  report.event_to_alert_seconds = {0.1, 0.2};
  metrics.committed(report, *two_sources());
  metrics.commit_failed();
  metrics.delivery_attempted("log", Delivery::kDelivered, 0.01);
  metrics.sink_handled("log", SinkOutcome::kRedacted, 1);
  metrics.request_answered("/v1/alerts", "GET", 200, 0.001);
  metrics.connections_open(3);
  metrics.connection_refused("limit");
  metrics.clock_jumped();
  metrics.stood_still();
  metrics.torn_write("store");

  auto pipeline = std::make_shared<PipelineSnapshot>();
  pipeline->sources = {{.name = "desk",
                        .watermark = from_ms(0),
                        .newest = from_ms(1000),
                        .last_arrival = from_ms(2000),
                        .idle = true}};
  pipeline->state_bytes = 77;
  pipeline->resident_bytes = 55;
  status.now = from_ms(60'000);
  status.pipeline = pipeline;
  status.queue_bytes = 10;
  status.queue_capacity_bytes = 20;
  status.paused_by = "disk";
  status.disk = {.free = 100, .floor = 200, .is_low = true};
  status.inputs = {{.name = "live",
                    .type = "kafka",
                    .health = {.connected = true,
                               .finished = false,
                               .message = {},
                               .lag_records = {{"kafka/t/0", 4}},
                               .lag_seconds = {{"kafka/t/0", 2.5}},
                               .offset_gaps = 11,
                               .offsets_backwards = 2}}};
  status.sinks = {
      {.name = "log", .depth = 2, .oldest = from_ms(50'000), .failures = 0, .problem = {}}};
  status.store.emplace().engine["rocksdb.estimate-num-keys"] = 5;
  status.store_reopened = 3;
  auto alerts = std::make_shared<OpenAlerts>();
  alerts->counts[{Level::kAlert, Driver::kViolence, OpenAlerts::State::kFiring}] = 2;
  alerts->counts[{Level::kAlert, Driver::kViolence, OpenAlerts::State::kError}] = 1;
  alerts->countries[{"LY", Driver::kViolence}] = Level::kAlert;
  status.alerts = alerts;
}

TEST_F(MetricsText, PleasesPromtool) {
  fill(metrics_, status_);
  const TemporaryFolder folder;
  const std::string text = folder.write("metrics", metrics_.scrape(status_));
  const std::string command = "promtool check metrics < " + text + " 2>&1";
  FILE* promtool = ::popen(command.c_str(), "r");
  ASSERT_NE(promtool, nullptr);
  std::string said;
  for (int c; (c = std::fgetc(promtool)) != EOF;) said += static_cast<char>(c);
  EXPECT_EQ(::pclose(promtool), 0) << said;
  EXPECT_EQ(said, "");
}

TEST_F(MetricsText, CountsWhatACommitDid) {
  fill(metrics_, status_);
  auto values = samples();
  EXPECT_EQ(values["tocsin_records_total"], 9);
  EXPECT_EQ((values[R"(tocsin_events_total{outcome="accepted",source="desk"})"]), 5);
  EXPECT_EQ((values[R"(tocsin_events_total{outcome="duplicate",source="desk"})"]), 1);
  EXPECT_EQ(values[R"(tocsin_dead_letters_total{reason="unknown_indicator"})"], 1);
  EXPECT_EQ(values[R"(tocsin_dead_letters_total{reason="syntax"})"], 0)
      << "known reasons exist from the start";
  EXPECT_EQ((values[R"(tocsin_late_events_total{age="1h",source="desk"})"]), 1);
  EXPECT_EQ((values[R"(tocsin_late_events_total{age="7d",source="desk"})"]), 1);
  EXPECT_EQ((values[R"(tocsin_too_late_events_total{age="45d",source="desk"})"]), 1);
  EXPECT_EQ((values[R"(tocsin_too_late_events_total{age="older",source="desk"})"]), 2);
  EXPECT_EQ((values[R"(tocsin_alert_transitions_total{action="fire",level="alert"})"]), 2);
  EXPECT_EQ(values["tocsin_event_to_alert_seconds_count"], 2);
  EXPECT_EQ(values[R"(tocsin_event_to_alert_seconds_bucket{le="0.15"})"], 1);
  EXPECT_EQ(values["tocsin_commit_seconds_count"], 1);
  EXPECT_EQ(values["tocsin_evaluation_seconds_total"], 0.25);
}

TEST_F(MetricsText, CountsWhatHappensToTheProcess) {
  fill(metrics_, status_);
  auto values = samples();
  EXPECT_EQ(values["tocsin_clock_jumps_total"], 1);
  EXPECT_EQ(values["tocsin_standstills_total"], 1);
  EXPECT_EQ(values[R"(tocsin_torn_writes_total{file="store"})"], 1);
}

TEST_F(MetricsText, HasEverySeriesOfAClosedListFromTheStart) {
  metrics_.expect_sources(*two_sources());
  metrics_.expect_sink("desk");
  const auto values = samples();
  for (const char* name :
       {R"(tocsin_events_total{outcome="accepted",source="gdelt"})",
        R"(tocsin_events_total{outcome="duplicate",source="gdelt"})",
        R"(tocsin_events_total{outcome="too_late",source="gdelt"})",
        R"(tocsin_events_total{outcome="future",source="desk"})",
        R"(tocsin_late_events_total{age="1h",source="gdelt"})",
        R"(tocsin_too_late_events_total{age="older",source="gdelt"})",
        R"(tocsin_dead_letters_total{reason="future"})",
        R"(tocsin_dead_letters_total{reason="too_late"})",
        R"(tocsin_sink_attempts_total{outcome="refused",sink="desk"})",
        R"(tocsin_sink_transitions_total{outcome="refused",sink="desk"})",
        R"(tocsin_alert_transitions_total{action="withdraw",level="emergency"})",
        R"(tocsin_torn_writes_total{file="alert_log"})",
        R"(tocsin_torn_writes_total{file="store"})",
        R"(tocsin_http_connections_refused_total{reason="too_large"})", "tocsin_clock_jumps_total",
        "tocsin_standstills_total", "tocsin_evaluation_seconds_total"}) {
    ASSERT_TRUE(values.contains(name)) << name;
    EXPECT_EQ(values.at(name), 0) << name;
  }
}

TEST_F(MetricsText, TellsHowLongASourceMayBeSilent) {
  fill(metrics_, status_);
  auto bundle = std::make_shared<rules::Bundle>();
  Catalogue::Draft draft;
  for (const char* name : {"desk", "gdelt", "irregular"}) {
    Catalogue::Draft::SourceDraft source;
    source.source.name = name;
    source.source.cadence = Milliseconds(name == std::string("irregular") ? 0 : 900'000);
    source.source.idle = Milliseconds(7'200'000);
    draft.sources.push_back(source);
  }
  bundle->catalogue = std::make_shared<Catalogue>(std::move(draft));
  auto pipeline = std::make_shared<PipelineSnapshot>(*status_.pipeline);
  pipeline->bundle = bundle;
  status_.pipeline = pipeline;
  status_.started = from_ms(30'000);
  // An input waits for gdelt, which has sent nothing; nobody waits for the third.
  status_.awaited_sources = {"gdelt", "desk", "gdelt"};
  auto values = samples();
  EXPECT_EQ(values[R"(tocsin_source_expected_interval_seconds{source="desk"})"], 900);
  EXPECT_EQ(values[R"(tocsin_source_expected_interval_seconds{source="gdelt"})"], 900);
  EXPECT_EQ(values[R"(tocsin_source_idle_after_seconds{source="gdelt"})"], 7200);
  EXPECT_EQ(values[R"(tocsin_source_last_arrival_timestamp_seconds{source="desk"})"], 2);
  EXPECT_EQ(values[R"(tocsin_source_last_arrival_timestamp_seconds{source="gdelt"})"], 30);
  EXPECT_FALSE(values.contains(R"(tocsin_source_idle_after_seconds{source="irregular"})"));
}

TEST_F(MetricsText, TellsTheMomentOfTheScrape) {
  fill(metrics_, status_);
  auto values = samples();
  EXPECT_EQ(values[R"(tocsin_watermark_delay_seconds{source="desk"})"], 60);
  EXPECT_EQ(values[R"(tocsin_source_idle{source="desk"})"], 1);
  EXPECT_EQ((values[R"(tocsin_consumer_lag_records{input="live",stream="kafka/t/0"})"]), 4);
  EXPECT_EQ((values[R"(tocsin_consumer_lag_seconds{input="live",stream="kafka/t/0"})"]), 2.5);
  EXPECT_EQ(values[R"(tocsin_consumer_offset_gaps_total{input="live"})"], 11);
  EXPECT_EQ(values[R"(tocsin_consumer_offsets_backwards_total{input="live"})"], 2);
  EXPECT_EQ(values[R"(tocsin_outbox_depth{sink="log"})"], 2);
  EXPECT_EQ(values[R"(tocsin_outbox_oldest_age_seconds{sink="log"})"], 10);
  EXPECT_EQ((values[R"(tocsin_alerts{level="alert",driver="violence",state="firing"})"]), 2);
  EXPECT_EQ((values[R"(tocsin_alerts{level="alert",driver="violence",state="error"})"]), 1);
  EXPECT_EQ((values[R"(tocsin_country_alert_level{country="LY",driver="violence"})"]), 4);
  EXPECT_EQ(values["tocsin_ready"], 1);
  EXPECT_EQ(values[R"(tocsin_intake_paused{reason="disk"})"], 1);
  EXPECT_EQ(values[R"(tocsin_intake_paused{reason="store"})"], 0);
  EXPECT_EQ(values["tocsin_disk_free_bytes"], 100);
  EXPECT_EQ(values["tocsin_store_up"], 1);
  EXPECT_EQ(values["tocsin_store_reopened_total"], 3);
  EXPECT_EQ(values["tocsin_disk_min_free_bytes"], 200);
  EXPECT_GT(values["process_resident_memory_bytes"], 0);
  EXPECT_GT(values["process_start_time_seconds"], 0);
}

TEST_F(MetricsText, NotReadyARefusedReloadAndAStoreThatHasFailedAreZero) {
  status_.missing = {"recovery"};
  status_.reload.successful = false;
  status_.paused_by = "store";
  auto values = samples();
  EXPECT_EQ(values["tocsin_store_up"], 0);
  EXPECT_EQ(values[R"(tocsin_intake_paused{reason="store"})"], 1);
  EXPECT_FALSE(values.contains("tocsin_journal_events")) << "nobody knows";
  EXPECT_EQ(values["tocsin_ready"], 0);
  EXPECT_EQ(values["tocsin_config_last_reload_successful"], 0);
}

TEST(OpenAlertsReader, CountsWhatFiresAndForgetsNoCountry) {
  const auto store = storage::make_memory_store();
  OpenAlertsReader reader(*store, Tlp::kAmber);
  const auto commit = [&](const std::vector<AlertText>& alerts) {
    storage::Batch& batch = store->begin();
    for (const AlertText& alert : alerts) batch.put_alert(alert.record());
    ASSERT_TRUE(store->commit(batch, WallTime{}));
  };
  commit({{.alert = 1, .level = "watch"},
          {.alert = 2, .level = "alert"},
          {.alert = 3, .level = "emergency", .country = "SY", .tlp = "red"},
          {.alert = 4, .level = "emergency", .status = "shadow"}});
  const auto first = reader.read();
  EXPECT_EQ(first->total, 2u);
  EXPECT_EQ(first->withheld, 1u);
  EXPECT_EQ(first->countries.at({"LY", Driver::kViolence}), Level::kAlert);
  EXPECT_FALSE(first->countries.contains({"SY", Driver::kViolence}))
      << "an aggregate told of a red alert";
  EXPECT_EQ(reader.read(), first) << "read again without a commit";

  commit({{.alert = 1, .seq = 1, .action = "resolve", .level = "watch"},
          {.alert = 2, .seq = 1, .action = "resolve", .level = "alert"}});
  const auto second = reader.read();
  EXPECT_EQ(second->total, 0u);
  EXPECT_EQ(second->countries.at({"LY", Driver::kViolence}), Level::kNone);
}

// By following the log, whatever an alert does, a reader counts what one that begins now counts.
TEST(OpenAlertsReader, FollowsTheLogToTheSameNumbers) {
  const auto store = storage::make_memory_store();
  OpenAlertsReader follower(*store, Tlp::kAmber);
  int64_t second = 0;
  const auto commit = [&](const AlertText& alert) {
    storage::Batch& batch = store->begin();
    batch.put_alert(alert.record());
    ASSERT_TRUE(store->commit(batch, from_ms(++second * 1000)));
  };
  const auto expect_same = [&](const std::string& after) {
    const auto followed = follower.read();
    const auto fresh = OpenAlertsReader(*store, Tlp::kAmber).read();
    EXPECT_EQ(followed->counts, fresh->counts) << after;
    EXPECT_EQ(followed->total, fresh->total) << after;
    EXPECT_EQ(followed->withheld, fresh->withheld) << after;
    for (const auto& [where, level] : followed->countries) {
      const auto found = fresh->countries.find(where);
      EXPECT_EQ(level, found == fresh->countries.end() ? Level::kNone : found->second) << after;
    }
  };
  expect_same("nothing");
  for (const AlertText& alert : {
           AlertText{.alert = 1, .level = "watch"},
           AlertText{.alert = 2, .level = "alert"},
           AlertText{.alert = 1, .seq = 1, .action = "escalate", .level = "emergency"},
           AlertText{.alert = 2, .seq = 1, .action = "update", .level = "alert", .tlp = "red"},
           AlertText{.alert = 3, .level = "emergency", .status = "shadow"},
           AlertText{.alert = 1, .seq = 2, .action = "deescalate", .level = "info"},
           AlertText{.alert = 2, .seq = 2, .action = "resolve", .level = "alert", .tlp = "red"},
           AlertText{.alert = 4, .level = "watch", .country = "SY"},
       }) {
    commit(alert);
    expect_same(fmt::format("{} {}", alert.alert, alert.action));
  }
  // An end that retention drops before it was read.
  commit({.alert = 4, .seq = 1, .action = "resolve", .level = "watch", .country = "SY"});
  ASSERT_TRUE(store->apply_retention({.closed_alerts = Milliseconds(1)}, from_ms(3'600'000)));
  expect_same("retention");
  EXPECT_EQ(follower.read()->total, 1u);
}

}  // namespace
}  // namespace tocsin::daemon
