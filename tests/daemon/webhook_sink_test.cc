#include "daemon/webhook_sink.h"

#include <gtest/gtest.h>

#include "tests/daemon/alert_texts.h"
#include "tests/daemon/recording_receiver.h"
#include "tests/daemon/temporary_folder.h"

namespace tocsin::daemon {
namespace {

TEST(WebhookSink, PostsTheTransitionWithItsIdempotencyKeyAndToken) {
  const TemporaryFolder folder;
  RecordingReceiver receiver;
  WebhookSink sink({.name = "desk",
                    .url = receiver.url() + "/alerts?from=tocsin",
                    .token_file = folder.write("token", "secret-of-the-desk\n")});
  const AlertText alert{.alert = 5, .seq = 3};
  ASSERT_TRUE(sink.deliver({alert.notification()}));
  const auto requests = receiver.take_requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_EQ(requests[0].path, "/alerts");
  EXPECT_EQ(requests[0].query.at("from"), "tocsin");
  EXPECT_EQ(requests[0].body, alert.json());
  EXPECT_EQ(requests[0].header("content-type"), "application/json");
  EXPECT_EQ(requests[0].header("idempotency-key"),
            to_hex(alert.id()) + "-3-" + to_hex(hash128(alert.json())).substr(0, 8));
  EXPECT_EQ(requests[0].header("authorization"), "Bearer secret-of-the-desk");
}

TEST(WebhookSink, TellsWhatCanBeTriedAgainFromWhatCannot) {
  RecordingReceiver receiver;
  WebhookSink sink({.name = "desk", .url = receiver.url()});
  struct Case {
    int status;
    ErrorCode expected;
  };
  // Credentials and addresses are mended by people; the alert is not to blame.
  const Case cases[] = {{500, ErrorCode::kUnavailable}, {503, ErrorCode::kUnavailable},
                        {429, ErrorCode::kUnavailable}, {401, ErrorCode::kUnavailable},
                        {403, ErrorCode::kUnavailable}, {404, ErrorCode::kUnavailable},
                        {302, ErrorCode::kUnavailable}, {400, ErrorCode::kInvalid},
                        {413, ErrorCode::kInvalid},     {422, ErrorCode::kInvalid}};
  for (const Case& each : cases) {
    receiver.answer_with(each.status);
    const Status status = sink.deliver({AlertText{}.notification()});
    ASSERT_FALSE(status) << each.status;
    EXPECT_EQ(status.error().code, each.expected) << each.status;
  }
  receiver.answer_with(202);
  EXPECT_TRUE(sink.deliver({AlertText{}.notification()}));
}

TEST(WebhookSink, NobodyThereIsTriedAgain) {
  WebhookSink sink({.name = "desk", .url = "http://127.0.0.1:1/"});
  const Status status = sink.deliver({AlertText{}.notification()});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
}

TEST(WebhookSink, MissingTokenFileIsTriedAgainAndNothingIsSent) {
  RecordingReceiver receiver;
  WebhookSink sink({.name = "desk", .url = receiver.url(), .token_file = "/nowhere/token"});
  const Status status = sink.deliver({AlertText{}.notification()});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(receiver.take_requests().empty());
}

TEST(WebhookSink, HeartbeatIsNoTransition) {
  RecordingReceiver receiver;
  WebhookSink sink({.name = "desk", .url = receiver.url()});
  ASSERT_TRUE(sink.send_heartbeat(R"({"format":"heartbeat/1"})"));
  const auto requests = receiver.take_requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].body, R"({"format":"heartbeat/1"})");
  EXPECT_EQ(requests[0].header("idempotency-key"), "");
}

TEST(WebhookSink, KeyOfIdempotencyIsTheIdThatTheReaderKnows) {
  RecordingReceiver receiver;
  WebhookSink sink({.name = "desk", .url = receiver.url()});
  Notification sealed = AlertText{.alert = 5}.notification();
  sealed.id = std::string(32, 'a');
  ASSERT_TRUE(sink.deliver({sealed}));
  const auto requests = receiver.take_requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_TRUE(requests[0].header("idempotency-key").starts_with(std::string(32, 'a') + "-0-"));
}

// A receiver that has the one must not take the other for a repeat of it.
TEST(WebhookSink, KeyOfIdempotencyIsAnotherWhenTheSameNumberIsAnotherTransition) {
  RecordingReceiver receiver;
  WebhookSink sink({.name = "desk", .url = receiver.url()});
  for (const char* summary : {"62 dead", "62 dead", "70 dead"}) {
    ASSERT_TRUE(sink.deliver({AlertText{.alert = 5, .summary = summary}.notification()}));
  }
  const auto requests = receiver.take_requests();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0].header("idempotency-key"), requests[1].header("idempotency-key"));
  EXPECT_NE(requests[0].header("idempotency-key"), requests[2].header("idempotency-key"));
}

TEST(WebhookSink, TakesTheUrlFromAFileEachTime) {
  const TemporaryFolder folder;
  RecordingReceiver receiver;
  WebhookSink sink({.name = "desk", .url_file = folder.write("url", receiver.url() + "/one\n")});
  ASSERT_TRUE(sink.deliver({AlertText{}.notification()}));
  folder.write("url", receiver.url() + "/two\n");
  ASSERT_TRUE(sink.deliver({AlertText{}.notification()}));
  const auto requests = receiver.take_requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].path, "/one");
  EXPECT_EQ(requests[1].path, "/two");
}

TEST(WebhookSink, MessagesNameTheHostAndNoSecret) {
  RecordingReceiver receiver;
  const std::string secret = "hooks/T0/canary?key=canary";
  const auto refusal = [&](const std::string& url) {
    WebhookSink sink({.name = "desk", .url = url});
    const Status status = sink.deliver({AlertText{}.notification()});
    EXPECT_FALSE(status) << url;
    return status ? "" : status.error().message;
  };
  const std::string host = receiver.url().substr(std::string("http://").size());
  receiver.answer_with(404);
  receiver.answer_with_body("Cannot POST /" + secret);
  EXPECT_EQ(refusal(receiver.url() + "/" + secret), host + " answered 404: Cannot POST /…");
  // However long the answer, and wherever it is cut.
  std::string long_answer;
  for (size_t i = 0; i < 100'000; ++i) long_answer += secret;
  receiver.answer_with_body(long_answer);
  EXPECT_EQ(refusal(receiver.url() + "/" + secret).find("canary"), std::string::npos);
  receiver.answer_with_body("no such hook");
  EXPECT_EQ(refusal(receiver.url() + "/h"), host + " answered 404: no such hook");
  for (const std::string& url :
       {"http://127.0.0.1:1/" + secret, std::string("http://canary@127.0.0.1:1/"),
        std::string("http://canary space/"), std::string("canary")}) {
    EXPECT_EQ(refusal(url).find("canary"), std::string::npos) << refusal(url);
  }
}

}  // namespace
}  // namespace tocsin::daemon
