#include "daemon/alertmanager_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/daemon/alert_texts.h"
#include "tests/daemon/recording_receiver.h"

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
  AlertmanagerSink make() {
    return AlertmanagerSink(
        {.name = "mirror", .urls = urls_.empty() ? std::vector{receiver_.url()} : urls_},
        [](const std::string&) {
          return std::vector{Level::kWatch, Level::kWarning, Level::kAlert};
        },
        [this]() -> Result<std::vector<std::string>> { return open_; }, [this] { return now_; });
  }

  // level → end, of the alerts in the last post.
  std::map<std::string, std::string> sent() {
    std::map<std::string, std::string> ends;
    for (const http::Request& request : receiver_.take_requests()) {
      EXPECT_EQ(request.path, "/api/v2/alerts");
      ends.clear();
      const json::value body = json::parse(request.body);
      for (const json::value& alert : body.as_array()) {
        last_ = alert.as_object();
        ends[std::string(alert.at("labels").at("level").as_string())] =
            std::string(alert.at("endsAt").as_string());
      }
    }
    return ends;
  }

  RecordingReceiver receiver_;
  std::vector<std::string> urls_;
  std::vector<std::string> open_;
  WallTime now_ = at("2026-01-01T00:00:00Z");
  json::object last_;
};

constexpr const char* kFourMinutes = "2026-01-01T00:04:00Z";

TEST_F(AlertmanagerMirror, LowerLevelsFireBesideTheHighest) {
  AlertmanagerSink sink = make();
  ASSERT_TRUE(sink.deliver({AlertText{.level = "warning"}.entry()}));
  EXPECT_THAT(sent(), ElementsAre(Pair("warning", kFourMinutes), Pair("watch", kFourMinutes)));
}

TEST_F(AlertmanagerMirror, IdentityIsInLabelsAndAllElseInAnnotations) {
  AlertmanagerSink sink = make();
  ASSERT_TRUE(sink.deliver({AlertText{.level = "watch", .summary = "62 dead"}.entry()}));
  sent();
  const json::value labels = last_.at("labels");
  ASSERT_TRUE(sink.deliver(
      {AlertText{.seq = 1, .action = "update", .level = "watch", .summary = "70 dead"}.entry()}));
  sent();
  EXPECT_EQ(last_.at("labels"), labels);
  EXPECT_EQ(labels, json::parse(R"({"alertname":"violence/clashes","package":"violence",
      "driver":"violence","region":"LY","country":"LY","level":"watch"})"));
  EXPECT_EQ(last_.at("annotations").at("summary").as_string(), "70 dead");
  EXPECT_EQ(last_.at("annotations").at("alert_id").as_string(), to_hex(AlertText{}.id()));
  EXPECT_EQ(last_.at("startsAt").as_string(), "2011-02-18T00:00:00Z");
}

TEST_F(AlertmanagerMirror, StepDownEndsTheHigherLevelAlone) {
  AlertmanagerSink sink = make();
  ASSERT_TRUE(sink.deliver({AlertText{.level = "alert"}.entry()}));
  sent();
  ASSERT_TRUE(sink.deliver(
      {AlertText{.seq = 1, .action = "deescalate", .level = "watch", .at = "2011-03-01T00:00:00Z"}
           .entry()}));
  EXPECT_THAT(sent(), UnorderedElementsAre(Pair("alert", "2011-03-01T00:00:00Z"),
                                           Pair("warning", "2011-03-01T00:00:00Z"),
                                           Pair("watch", kFourMinutes)));
}

TEST_F(AlertmanagerMirror, FiringIsSentAgainEachIntervalAndEndedForAQuarterOfAnHour) {
  AlertmanagerSink sink = make();
  ASSERT_TRUE(sink.deliver({AlertText{.level = "watch"}.entry()}));
  sent();
  now_ += Milliseconds(59'000);
  sink.tick();
  EXPECT_THAT(sent(), IsEmpty());
  now_ += Milliseconds(1000);
  sink.tick();
  EXPECT_THAT(sent(), ElementsAre(Pair("watch", "2026-01-01T00:05:00Z")));

  ASSERT_TRUE(sink.deliver(
      {AlertText{.seq = 1, .action = "resolve", .level = "watch", .ends_at = "2011-04-01T00:00:00Z"}
           .entry()}));
  EXPECT_THAT(sent(), ElementsAre(Pair("watch", "2011-04-01T00:00:00Z")));
  now_ += std::chrono::minutes(14);
  sink.tick();
  EXPECT_THAT(sent(), ElementsAre(Pair("watch", "2011-04-01T00:00:00Z")));
  now_ += std::chrono::minutes(2);
  sink.tick();
  now_ += std::chrono::minutes(2);
  sink.tick();
  EXPECT_THAT(sent(), IsEmpty());
}

TEST_F(AlertmanagerMirror, BeginsWithWhatFiresAlready) {
  open_ = {AlertText{.alert = 8, .level = "watch"}.json()};
  AlertmanagerSink sink = make();
  sink.tick();
  EXPECT_THAT(sent(), ElementsAre(Pair("watch", kFourMinutes)));
}

TEST_F(AlertmanagerMirror, EndOfAnOlderEpisodeDoesNotEndTheNewOne) {
  AlertmanagerSink sink = make();
  ASSERT_TRUE(sink.deliver({AlertText{.alert = 1, .level = "watch"}.entry()}));
  ASSERT_TRUE(sink.deliver({AlertText{.alert = 2, .level = "watch"}.entry()}));
  ASSERT_TRUE(sink.deliver(
      {AlertText{.alert = 1, .seq = 1, .action = "resolve", .level = "watch"}.entry()}));
  EXPECT_THAT(sent(), ElementsAre(Pair("watch", kFourMinutes)));
}

TEST_F(AlertmanagerMirror, EndIsNeverBeforeTheStart) {
  AlertmanagerSink sink = make();
  ASSERT_TRUE(
      sink.deliver({AlertText{.level = "watch", .starts_at = "2026-01-02T00:00:00Z"}.entry()}));
  EXPECT_THAT(sent(), ElementsAre(Pair("watch", "2026-01-02T00:00:00.001Z")));
}

TEST_F(AlertmanagerMirror, OneMemberOfTheClusterIsEnough) {
  urls_ = {"http://127.0.0.1:1", receiver_.url()};
  AlertmanagerSink sink = make();
  EXPECT_TRUE(sink.deliver({AlertText{.level = "watch"}.entry()}));
  urls_ = {"http://127.0.0.1:1"};
  AlertmanagerSink alone = make();
  const Status status = alone.deliver({AlertText{.level = "watch"}.entry()});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
}

TEST_F(AlertmanagerMirror, RefusalIsTold) {
  receiver_.answer_with(400);
  AlertmanagerSink sink = make();
  const Status status = sink.deliver({AlertText{}.entry()});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace tocsin::daemon
