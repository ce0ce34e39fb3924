#include "daemon/alertmanager_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/daemon/alert_texts.h"
#include "tests/daemon/recording_receiver.h"
#include "tests/daemon/temporary_folder.h"

namespace tocsin::daemon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;
namespace json = boost::json;

WallTime at(const char* text) { return *parse_time(text); }

class AlertmanagerMirror : public testing::Test {
 protected:
  // One that follows a store.
  struct Mirror : AlertmanagerSink {
    Mirror(Options options, Clock clock, Source source)
        : AlertmanagerSink(
              std::move(options),
              [](const std::string&) {
                return std::vector{Level::kWatch, Level::kWarning, Level::kAlert};
              },
              std::move(clock)) {
      follow(std::move(source));
    }
  };
  Mirror make() {
    return Mirror(
        {.name = "mirror",
         .urls = urls_.empty() ? std::vector{receiver_.url()} : urls_,
         .token_file = token_file_,
         .instance = "desk-1"},
        [this] { return now_; }, source());
  }
  AlertmanagerSink::Source source() {
    return {.open_alerts = [this]() -> Result<std::vector<Notification>> { return open_; },
            .is_judging = [this] { return is_judging_; }};
  }

  static void tick(AlertmanagerSink& sink) {
    const Result<bool> sent = sink.tick();
    EXPECT_TRUE(sent) << sent.error().message;
  }

  // level → end, of the alerts in the last post; of those without content "withheld/LEVEL". The
  // watchdog is kept apart.
  std::map<std::string, std::string> sent() {
    std::map<std::string, std::string> ends;
    for (const http::Request& request : receiver_.take_requests()) {
      EXPECT_EQ(request.path, "/api/v2/alerts");
      ends.clear();
      const json::value body = json::parse(request.body);
      token_ = request.header("authorization");
      for (const json::value& alert : body.as_array()) {
        const json::object& labels = alert.at("labels").as_object();
        const std::string end(alert.at("endsAt").as_string());
        if (labels.at("alertname") == "TocsinWatchdog") {
          watchdog_ = alert.as_object();
          continue;
        }
        last_ = alert.as_object();
        const std::string prefix = labels.at("alertname") == "withheld" ? "withheld/" : "";
        ends[prefix + std::string(labels.at("level").as_string())] = end;
      }
    }
    return ends;
  }

  // Alerts in the one post since the last look.
  size_t sent_count() {
    const std::vector<http::Request> requests = receiver_.take_requests();
    EXPECT_THAT(requests, testing::SizeIs(1));
    return requests.empty() ? 0 : json::parse(requests.front().body).as_array().size();
  }

  RecordingReceiver receiver_;
  std::vector<std::string> urls_;
  std::string token_file_;
  std::vector<Notification> open_;
  bool is_judging_ = true;
  WallTime now_ = at("2026-01-01T00:00:00Z");
  json::object last_;
  json::object watchdog_;
  std::string token_;
};

// A transition of alert 1 as a reader gets it who may not see its content.
Notification withheld(uint32_t seq, const char* action, const char* level) {
  const std::string id = to_hex(AlertText{}.id());
  return {.alert = AlertText{}.id(),
          .id = id,
          .seq = seq,
          .json = fmt::format(R"({{"format":"alert/1","id":"{}","seq":{},"action":"{}",)"
                              R"("level":"{}","starts_at":"2011-02-18T00:00:00Z",)"
                              R"("at":"2011-02-20T00:00:00Z","tlp":"red","withheld":true}})",
                              id, seq, action, level)};
}

constexpr const char* kFourMinutes = "2026-01-01T00:04:00Z";

TEST_F(AlertmanagerMirror, LowerLevelsFireBesideTheHighest) {
  Mirror sink = make();
  ASSERT_TRUE(sink.deliver({AlertText{.level = "warning"}.notification()}));
  EXPECT_THAT(sent(), ElementsAre(Pair("warning", kFourMinutes), Pair("watch", kFourMinutes)));
}

TEST_F(AlertmanagerMirror, IdentityIsInLabelsAndAllElseInAnnotations) {
  Mirror sink = make();
  ASSERT_TRUE(sink.deliver({AlertText{.level = "watch", .summary = "62 dead"}.notification()}));
  sent();
  const json::value labels = last_.at("labels");
  ASSERT_TRUE(
      sink.deliver({AlertText{.seq = 1, .action = "update", .level = "watch", .summary = "70 dead"}
                        .notification()}));
  sent();
  EXPECT_EQ(last_.at("labels"), labels);
  EXPECT_EQ(labels, json::parse(R"({"alertname":"violence/clashes","package":"violence",
      "driver":"violence","region":"LY","country":"LY","level":"watch"})"));
  EXPECT_EQ(last_.at("annotations").at("summary").as_string(), "70 dead");
  EXPECT_EQ(last_.at("annotations").at("alert_id").as_string(), to_hex(AlertText{}.id()));
  EXPECT_EQ(last_.at("startsAt").as_string(), "2011-02-18T00:00:00Z");
}

TEST_F(AlertmanagerMirror, MarksAreAnnotationsWhileTheyAreThere) {
  Mirror sink = make();
  ASSERT_TRUE(sink.deliver({AlertText{.level = "watch",
                                      .marks = R"("stale":true,"error":true,"flapping":true,)"
                                               R"("flapping_since":"2011-02-19T07:00:00Z")"}
                                .notification()}));
  sent();
  const json::object marked = last_.at("annotations").as_object();
  EXPECT_EQ(marked.at("stale").as_string(), "true");
  EXPECT_EQ(marked.at("error").as_string(), "true");
  EXPECT_EQ(marked.at("flapping_since").as_string(), "2011-02-19T07:00:00Z");
  ASSERT_TRUE(
      sink.deliver({AlertText{.seq = 1, .action = "update", .level = "watch"}.notification()}));
  sent();
  for (const char* mark : {"stale", "error", "flapping_since"}) {
    EXPECT_FALSE(last_.at("annotations").as_object().contains(mark)) << mark;
  }
}

TEST_F(AlertmanagerMirror, StepDownEndsTheHigherLevelAlone) {
  Mirror sink = make();
  ASSERT_TRUE(sink.deliver({AlertText{.level = "alert"}.notification()}));
  sent();
  ASSERT_TRUE(sink.deliver(
      {AlertText{.seq = 1, .action = "deescalate", .level = "watch", .at = "2011-03-01T00:00:00Z"}
           .notification()}));
  EXPECT_THAT(sent(), UnorderedElementsAre(Pair("alert", "2011-03-01T00:00:00Z"),
                                           Pair("warning", "2011-03-01T00:00:00Z"),
                                           Pair("watch", kFourMinutes)));
}

TEST_F(AlertmanagerMirror, FiringIsSentAgainEachIntervalAndEndedForAQuarterOfAnHour) {
  Mirror sink = make();
  ASSERT_TRUE(sink.deliver({AlertText{.level = "watch"}.notification()}));
  sent();
  now_ += Milliseconds(59'000);
  tick(sink);
  EXPECT_THAT(sent(), IsEmpty());
  now_ += Milliseconds(1000);
  tick(sink);
  EXPECT_THAT(sent(), ElementsAre(Pair("watch", "2026-01-01T00:05:00Z")));

  ASSERT_TRUE(sink.deliver(
      {AlertText{.seq = 1, .action = "resolve", .level = "watch", .ends_at = "2011-04-01T00:00:00Z"}
           .notification()}));
  EXPECT_THAT(sent(), ElementsAre(Pair("watch", "2011-04-01T00:00:00Z")));
  now_ += std::chrono::minutes(14);
  tick(sink);
  EXPECT_THAT(sent(), ElementsAre(Pair("watch", "2011-04-01T00:00:00Z")));
  now_ += std::chrono::minutes(2);
  tick(sink);
  now_ += std::chrono::minutes(2);
  tick(sink);
  EXPECT_THAT(sent(), IsEmpty());
}

TEST_F(AlertmanagerMirror, BeginsWithWhatFiresAlready) {
  open_ = {AlertText{.alert = 8, .level = "watch"}.notification()};
  Mirror sink = make();
  tick(sink);
  EXPECT_THAT(sent(), ElementsAre(Pair("watch", kFourMinutes)));
}

TEST_F(AlertmanagerMirror, EndOfAnOlderEpisodeDoesNotEndTheNewOne) {
  Mirror sink = make();
  ASSERT_TRUE(sink.deliver({AlertText{.alert = 1, .level = "watch"}.notification()}));
  ASSERT_TRUE(sink.deliver({AlertText{.alert = 2, .level = "watch"}.notification()}));
  ASSERT_TRUE(sink.deliver(
      {AlertText{.alert = 1, .seq = 1, .action = "resolve", .level = "watch"}.notification()}));
  EXPECT_THAT(sent(), ElementsAre(Pair("watch", kFourMinutes)));
}

TEST_F(AlertmanagerMirror, NothingGoesOnUnderTheOldLabelsWhenTheContentIsWithheld) {
  Mirror sink = make();
  ASSERT_TRUE(sink.deliver({AlertText{.level = "watch", .tlp = "amber"}.notification()}));
  ASSERT_TRUE(sink.deliver({withheld(1, "escalate", "alert")}));
  EXPECT_THAT(sent(), UnorderedElementsAre(Pair("watch", "2011-02-20T00:00:00Z"),
                                           Pair("withheld/watch", kFourMinutes),
                                           Pair("withheld/warning", kFourMinutes),
                                           Pair("withheld/alert", kFourMinutes)));
  // Told in full again, and ended.
  ASSERT_TRUE(sink.deliver({AlertText{
      .seq = 2, .action = "update", .level = "alert", .at = "2011-02-21T00:00:00Z", .tlp = "amber"}
                                .notification()}));
  EXPECT_THAT(sent(),
              UnorderedElementsAre(Pair("watch", kFourMinutes), Pair("warning", kFourMinutes),
                                   Pair("alert", kFourMinutes),
                                   Pair("withheld/watch", "2011-02-21T00:00:00Z"),
                                   Pair("withheld/warning", "2011-02-21T00:00:00Z"),
                                   Pair("withheld/alert", "2011-02-21T00:00:00Z")));
  ASSERT_TRUE(sink.deliver({withheld(3, "resolve", "alert")}));
  for (const auto& [level, end] : sent()) EXPECT_NE(end, kFourMinutes) << level;
}

TEST_F(AlertmanagerMirror, WatchdogAlwaysFires) {
  Mirror sink = make();
  tick(sink);
  EXPECT_THAT(sent(), IsEmpty());
  const json::value labels = watchdog_.at("labels");
  EXPECT_EQ(labels, json::parse(R"({"alertname":"TocsinWatchdog","sender":"tocsin",
                                    "instance":"desk-1","severity":"none"})"));
  EXPECT_EQ(watchdog_.at("startsAt").as_string(), "2026-01-01T00:00:00Z");
  EXPECT_EQ(watchdog_.at("endsAt").as_string(), kFourMinutes);
  now_ += Milliseconds(60'000);
  tick(sink);
  sent();
  EXPECT_EQ(watchdog_.at("labels"), labels);
  EXPECT_EQ(watchdog_.at("startsAt").as_string(), "2026-01-01T00:00:00Z");
  EXPECT_EQ(watchdog_.at("endsAt").as_string(), "2026-01-01T00:05:00Z");
}

// A disk that fails is no end of any warning, and nobody is to think that all is well.
TEST_F(AlertmanagerMirror, WhatFiresGoesOnWithoutAStoreAndTheWatchdogDoesNot) {
  Mirror sink = make();
  ASSERT_TRUE(sink.deliver({AlertText{.level = "watch"}.notification()}));
  sent();
  EXPECT_FALSE(watchdog_.empty());
  sink.leave();
  for (const char* end : {"2026-01-01T00:05:00Z", "2026-01-01T00:06:00Z"}) {
    watchdog_.clear();
    now_ += Milliseconds(60'000);
    tick(sink);
    EXPECT_THAT(sent(), ElementsAre(Pair("watch", end)));
    EXPECT_TRUE(watchdog_.empty());
  }
  // Another opening, which is recovered at first.
  open_ = {AlertText{.level = "watch"}.notification(),
           AlertText{.alert = 2, .level = "watch", .country = "SY"}.notification()};
  is_judging_ = false;
  sink.follow(source());
  now_ += Milliseconds(60'000);
  EXPECT_TRUE(*sink.tick());
  EXPECT_EQ(sent_count(), 2U);
  now_ += Milliseconds(1000);
  EXPECT_FALSE(*sink.tick()) << "nothing is due";
  is_judging_ = true;
  EXPECT_TRUE(*sink.tick()) << "all is well again, and that is told at once";
  EXPECT_EQ(sent_count(), 3U);
  EXPECT_FALSE(*sink.tick());
}

// A restored backup has it not, say, or the end of it was sent to nobody.
TEST_F(AlertmanagerMirror, WhatTheNextStoreDoesNotHaveOpenEnds) {
  Mirror sink = make();
  ASSERT_TRUE(sink.deliver({AlertText{.seq = 3, .level = "watch"}.notification()}));
  sent();
  sink.leave();
  sink.follow(source());
  now_ += Milliseconds(60'000);
  tick(sink);
  EXPECT_THAT(sent(), ElementsAre(Pair("watch", "2026-01-01T00:01:00Z")));
  now_ += Milliseconds(60'000);
  ASSERT_TRUE(sink.deliver({AlertText{.level = "watch"}.notification()})) << "it is told anew";
  EXPECT_THAT(sent(), ElementsAre(Pair("watch", "2026-01-01T00:06:00Z")));
}

TEST_F(AlertmanagerMirror, WhatWaitsInTheOutboxTakesNothingBackThatTheStoreKnows) {
  open_ = {AlertText{.seq = 5, .level = "alert"}.notification()};
  Mirror sink = make();
  ASSERT_TRUE(sink.deliver({AlertText{.seq = 3, .level = "watch"}.notification()}));
  EXPECT_THAT(sent(),
              UnorderedElementsAre(Pair("watch", kFourMinutes), Pair("warning", kFourMinutes),
                                   Pair("alert", kFourMinutes)));
  ASSERT_TRUE(sink.deliver({AlertText{.seq = 6, .level = "watch"}.notification()}));
  EXPECT_THAT(sent(), testing::Contains(Pair("watch", "2026-01-01T00:04:00Z")));
}

TEST_F(AlertmanagerMirror, WhatIsKnownGoesOnWhereTheStoreCannotBeRead) {
  Mirror sink = make();
  ASSERT_TRUE(sink.deliver({AlertText{.level = "watch"}.notification()}));
  sent();
  AlertmanagerSink::Source unreadable = source();
  unreadable.open_alerts = []() -> Result<std::vector<Notification>> { return unavailable("no"); };
  sink.follow(unreadable);
  now_ += Milliseconds(60'000);
  EXPECT_FALSE(sink.tick());
  EXPECT_THAT(sent(), ElementsAre(Pair("watch", "2026-01-01T00:05:00Z")));
}

TEST_F(AlertmanagerMirror, EndsAnAttemptWhenItIsToHurry) {
  Mirror sink = make();
  sink.hurry(true);
  EXPECT_FALSE(sink.deliver({AlertText{.level = "watch"}.notification()}));
  EXPECT_THAT(receiver_.take_requests(), IsEmpty());
  sink.hurry(false);
  EXPECT_TRUE(sink.deliver({AlertText{.level = "watch"}.notification()}));
}

TEST_F(AlertmanagerMirror, NothingIsSentWhenThereIsNothingToTell) {
  is_judging_ = false;
  Mirror sink = make();
  EXPECT_FALSE(*sink.tick());
  EXPECT_THAT(receiver_.take_requests(), IsEmpty());
}

TEST_F(AlertmanagerMirror, FailureToSendAgainIsTold) {
  Mirror sink = make();
  ASSERT_TRUE(sink.deliver({AlertText{.level = "watch"}.notification()}));
  EXPECT_FALSE(*sink.tick()) << "nothing was due";
  receiver_.answer_with(503);
  now_ += Milliseconds(60'000);
  const Result<bool> failed = sink.tick();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kUnavailable);
  receiver_.answer_with(200);
  sent();
  EXPECT_TRUE(*sink.tick());
  EXPECT_THAT(sent(), ElementsAre(Pair("watch", "2026-01-01T00:05:00Z")));
}

TEST_F(AlertmanagerMirror, SendsTheTokenAndNothingWithoutOne) {
  const TemporaryFolder folder;
  token_file_ = folder.write("token", "secret-of-the-mirror\n");
  Mirror sink = make();
  tick(sink);
  sent();
  EXPECT_EQ(token_, "Bearer secret-of-the-mirror");
  token_file_ = folder.path("absent");
  Mirror without = make();
  EXPECT_FALSE(without.tick());
  EXPECT_THAT(receiver_.take_requests(), IsEmpty());
}

TEST_F(AlertmanagerMirror, EndIsNeverBeforeTheStart) {
  Mirror sink = make();
  ASSERT_TRUE(sink.deliver(
      {AlertText{.level = "watch", .starts_at = "2026-01-02T00:00:00Z"}.notification()}));
  EXPECT_THAT(sent(), ElementsAre(Pair("watch", "2026-01-02T00:00:00.001Z")));
}

TEST_F(AlertmanagerMirror, OneMemberOfTheClusterIsEnough) {
  urls_ = {"http://127.0.0.1:1", receiver_.url()};
  Mirror sink = make();
  EXPECT_TRUE(sink.deliver({AlertText{.level = "watch"}.notification()}));
  urls_ = {"http://127.0.0.1:1"};
  Mirror alone = make();
  const Status status = alone.deliver({AlertText{.level = "watch"}.notification()});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
}

TEST_F(AlertmanagerMirror, RefusalIsTold) {
  receiver_.answer_with(400);
  Mirror sink = make();
  const Status status = sink.deliver({AlertText{}.notification()});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace tocsin::daemon
