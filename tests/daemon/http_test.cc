// The API over a real socket: routes, limits, manners towards rude clients.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <future>
#include <thread>

#include "daemon/base64.h"
#include "daemon/http_client.h"
#include "tests/daemon/raw_connection.h"
#include "tests/daemon/served_api.h"

namespace tocsin::daemon {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
namespace json = boost::json;

constexpr const char* kToken = "0123456789abcdef";
constexpr const char* kNdjson = "application/x-ndjson";

class Http : public ServedApi {
 protected:
  Http() : ServedApi("error") {}
  void TearDown() override {
    if (server_) server_->stop();
  }

  void start() { port_ = serve(); }

  HttpAnswer call(const std::string& method, const std::string& path, const std::string& body = {},
                  std::vector<std::pair<std::string, std::string>> headers = {}) {
    if (!api_) start();
    const auto answer = call_http({.method = method,
                                   .url = "http://127.0.0.1:" + std::to_string(port_) + path,
                                   .headers = std::move(headers),
                                   .body = body});
    if (answer) return *answer;
    ADD_FAILURE() << answer.error().message;
    return {};
  }
  HttpAnswer post(const std::string& body) {
    return call("POST", "/v1/events", body, {{"Content-Type", kNdjson}});
  }
  json::object get(const std::string& path) {
    const HttpAnswer answer = call("GET", path);
    EXPECT_EQ(answer.status, 200) << path << ": " << answer.body;
    return json::parse(answer.body).as_object();
  }
  std::vector<std::string> ids_at(const std::string& path) {
    std::vector<std::string> ids;
    const json::object page = get(path);
    for (const json::value& alert : page.at("alerts").as_array()) {
      ids.push_back(std::string(alert.at("id").as_string()).substr(31));
    }
    return ids;
  }

  uint16_t port_ = 0;
};

ingest::Receipt one_taken() {
  ingest::Receipt receipt;
  receipt.records = 1;
  receipt.events = 1;
  return receipt;
}

void expect_problem(const HttpAnswer& answer, int status, const std::string& told) {
  EXPECT_EQ(answer.status, status) << answer.body;
  const json::value value = json::parse(answer.body);
  EXPECT_EQ(value.at("status").as_int64(), status);
  EXPECT_EQ(value.at("type").as_string(), "about:blank");
  EXPECT_FALSE(value.at("title").as_string().empty());
  EXPECT_THAT(std::string(value.at("detail").as_string()), HasSubstr(told));
}

TEST_F(Http, EventsAreAnsweredWithTheReceiptOfTheirCommit) {
  backend_.receipt = {.status = {},
                      .records = 4,
                      .events = 2,
                      .duplicates = 1,
                      .skipped = 0,
                      .rejected = 1,
                      .problems = {{3, "unknown_indicator", "did you mean \"x\"?"}}};
  const HttpAnswer answer = post("{}\n{}\n{}\n{}\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(json::parse(answer.body), json::parse(R"({"records":4,"accepted":2,"duplicates":1,
      "skipped":0,"rejected":1,"problems":[{"position":3,"reason":"unknown_indicator",
      "message":"did you mean \"x\"?"}]})"));
  EXPECT_THAT(backend_.bodies(), ElementsAre("{}\n{}\n{}\n{}\n"));
}

TEST_F(Http, EventsAreNotAnsweredBeforeTheCommit) {
  backend_.hold = true;
  start();
  RawConnection client(port_);
  client.send("POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n{}\n");
  backend_.take_held()(one_taken());
  EXPECT_THAT(client.read_until("]}\n"),
              AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("accepted\":1")));
}

TEST_F(Http, FailedCommitIs503) {
  backend_.receipt.status = unavailable("disk full");
  expect_problem(post("{}\n"), 503, "disk full");
}

TEST_F(Http, FullQueueIs429WithRetryAfter) {
  backend_.taken = http::Backend::Taken::kFull;
  start();
  RawConnection client(port_);
  client.send("POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n{}\n");
  EXPECT_THAT(client.read_until("}\n"),
              AllOf(StartsWith("HTTP/1.1 429"), HasSubstr("Retry-After: 1"),
                    HasSubstr("application/problem+json")));
}

TEST_F(Http, WhatIsPausedIs503WithReasonAndRetryAfter) {
  backend_.taken = http::Backend::Taken::kPaused;
  backend_.paused_because = "the disk is nearly full";
  expect_problem(post("{}\n"), 503, "no input is taken: the disk is nearly full");
  RawConnection client(port_);
  client.send("POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n{}\n");
  EXPECT_THAT(client.read_until("}\n"),
              AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("Retry-After: 5"),
                    HasSubstr("application/problem+json")));
}

TEST_F(Http, WhatAsksTheStoreIs503WhileThereIsNone) {
  backend_.commit({{.alert = 1}});
  backend_.store_is_away = true;
  backend_.paused_because = "the store has failed";
  for (const char* path : {"/v1/alerts", "/v1/alerts/00000000000000000000000000000001",
                           "/v1/dead-letters", "/v1/dead-letters/1"}) {
    expect_problem(call("GET", path), 503, "the store has failed");
  }
  expect_problem(call("DELETE", "/v1/dead-letters/1"), 503, "the store has failed");
  expect_problem(call("DELETE", "/v1/dead-letters?numbers=1"), 503, "the store has failed");
  EXPECT_EQ(call("GET", "/-/healthy").status, 200);
  backend_.store_is_away = false;
  EXPECT_THAT(ids_at("/v1/alerts"), ElementsAre("1"));
}

TEST_F(Http, UnknownContentTypeIs415) {
  expect_problem(call("POST", "/v1/events", "<e/>", {{"Content-Type", "application/xml"}}), 415,
                 "application/x-ndjson");
}

TEST_F(Http, BodyOverTheLimitIs413AlthoughTheClientIsStillSending) {
  server_options_.body_bytes = 1000;
  expect_problem(post(std::string(2'000'000, 'x')), 413, "1000");
  EXPECT_TRUE(backend_.bodies().empty());
}

TEST_F(Http, ChunkedBodyOverTheLimitIs413) {
  server_options_.body_bytes = 10;
  start();
  RawConnection client(port_);
  client.send(
      "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      "14\r\n01234567890123456789\r\n0\r\n\r\n");
  EXPECT_THAT(client.read_until("}\n"), StartsWith("HTTP/1.1 413"));
}

TEST_F(Http, HeaderOverTheLimitIs431) {
  start();
  RawConnection client(port_);
  client.send("GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(20'000, 'x') +
              "\r\n\r\n");
  EXPECT_THAT(client.read_until("}\n"), StartsWith("HTTP/1.1 431"));
}

TEST_F(Http, ConnectionIsKeptForTheNextRequest) {
  start();
  RawConnection client(port_);
  for (int i = 0; i < 3; ++i) {
    client.send("GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_THAT(client.read_until("alive\n"), StartsWith("HTTP/1.1 200"));
  }
  EXPECT_FALSE(client.was_closed());
}

TEST_F(Http, PipelinedRequestsAreAnsweredInOrder) {
  start();
  RawConnection client(port_);
  client.send(
      "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n"
      "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const std::string both = client.read_until("nothing at");
  EXPECT_LT(both.find("200 OK"), both.find("404"));
}

TEST_F(Http, HeadHasTheHeadersOfGetAndNoBody) {
  start();
  RawConnection client(port_);
  client.send("HEAD /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const std::string answer = client.read_to_end();
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Content-Length: 16"),
                            Not(HasSubstr("alive"))));
}

TEST_F(Http, ExpectContinueIsInvitedToSend) {
  start();
  RawConnection client(port_);
  client.send(
      "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: "
      "100-continue\r\n\r\n");
  EXPECT_THAT(client.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 100"));
  client.send("{}\n");
  EXPECT_THAT(client.read_until("]}\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(Http, MalformedRequestsAreRefusedAndTheServerLives) {
  start();
  struct Case {
    const char* name;
    std::string bytes;
    const char* answer = "HTTP/1.1 400";
  };
  const std::string post = "POST /v1/events HTTP/1.1\r\nHost: localhost\r\n";
  const Case cases[] = {
      {"nothing but line ends", "\r\n\r\n\r\n"},
      {"one word", "nonsense\r\n\r\n"},
      {"version", "GET / HTTP/9.9\r\n\r\n"},
      {"two spaces", "GET  /x HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"negative length", post + "Content-Length: -1\r\n\r\n"},
      {"length beyond numbers", post + "Content-Length: 99999999999999999999\r\n\r\n"},
      {"length beyond the limit", post + "Content-Length: 99999999999\r\n\r\n", "HTTP/1.1 413"},
      {"two lengths", post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\n{}\n"},
      {"broken chunk", post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n"},
      {"broken escape", "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"TLS", "\x16\x03\x01\x02 tls hello \r\n\r\n"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    RawConnection client(port_);
    client.send(each.bytes);
    EXPECT_THAT(client.read_until("}\n"), StartsWith(each.answer));
  }
  EXPECT_EQ(call("GET", "/-/healthy").status, 200);
  EXPECT_TRUE(backend_.bodies().empty());
}

// What follows the header may be a body to one reader and a second request to the next.
TEST_F(Http, RequestWithoutAClearLengthIsRefusedAndItsConnectionClosed) {
  start();
  const std::string smuggled = "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (const std::string fields : {
           "Transfer-Encoding: gzip\r\n",
           "Transfer-Encoding: chunked, gzip\r\n",
           "Transfer-Encoding: gzip, chunked\r\n",
           "Transfer-Encoding: xchunked\r\n",
           "Transfer-Encoding:\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
           "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
           "Content-Length: 5\r\nTransfer-Encoding: gzip\r\n",
       }) {
    SCOPED_TRACE(fields);
    RawConnection client(port_);
    client.send("POST /v1/events HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n0\r\n\r\n" +
                smuggled);
    const std::string answer = client.read_to_end();
    EXPECT_TRUE(client.was_closed());
    EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("Connection: close"),
                              Not(HasSubstr("alive"))));
  }
  EXPECT_TRUE(backend_.bodies().empty());
}

TEST_F(Http, MoreRecordsThanABodyMayHaveAre413) {
  api_options_.body_records = 2;
  expect_problem(post("x\nx\nx\n"), 413, "more than 2 records");
  EXPECT_TRUE(backend_.bodies().empty());
  EXPECT_EQ(post("x\nx\n").status, 200);
}

TEST_F(Http, RefusedRecordsAreKeptUnlessTheSenderHasThem) {
  EXPECT_EQ(post("{}\n").status, 200);
  EXPECT_TRUE(backend_.keep_refused);
  EXPECT_EQ(call("POST", "/v1/events?refused=tell", "{}\n").status, 200);
  EXPECT_FALSE(backend_.keep_refused);
  expect_problem(call("POST", "/v1/events?refused=lose", "{}\n"), 400, "keep, tell");
}

TEST_F(Http, WhatWaitsForTheStoreHoldsNothingElseUp) {
  std::promise<void> reached;
  std::promise<void> released;
  start();
  backend_.before_store = [&] {
    reached.set_value();
    released.get_future().wait();
    backend_.before_store = nullptr;
  };
  RawConnection reader(port_);
  reader.send("GET /v1/alerts HTTP/1.1\r\nHost: localhost\r\n\r\n");
  reached.get_future().wait();
  EXPECT_EQ(call("GET", "/-/healthy").status, 200);
  EXPECT_EQ(call("GET", "/metrics").status, 200);
  EXPECT_EQ(post("{}\n").status, 200);
  released.set_value();
  EXPECT_THAT(reader.read_until("]}\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(Http, SlowClientIsCutOffHoweverItDrips) {
  server_options_.read_timeout = std::chrono::milliseconds(300);
  start();
  RawConnection client(port_);
  client.send("GET /-/healthy HTTP/1.1\r\n");
  const auto begin = std::chrono::steady_clock::now();
  while (client.send("X: y\r\n") &&
         std::chrono::steady_clock::now() - begin < std::chrono::seconds(8)) {
    ::usleep(20'000);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8));
  EXPECT_THAT(metrics_.scrape(backend_.status()),
              HasSubstr("tocsin_http_connections_refused_total{reason=\"timeout\"} 1"));
}

TEST_F(Http, ClientThatDoesNotReadItsAnswerIsCutOff) {
  server_options_.write_timeout = std::chrono::milliseconds(300);
  std::vector<AlertText> alerts;
  for (uint64_t i = 1; i <= 1000; ++i) alerts.push_back({.alert = i});
  backend_.commit(alerts);
  start();
  RawConnection client(port_);
  // More than sockets hold between the two.
  std::string requests;
  for (int i = 0; i < 100; ++i) {
    requests += "GET /v1/alerts?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n";
  }
  client.send(requests);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  const auto is_cut_off = [&] {
    return metrics_.scrape(backend_.status())
               .find("tocsin_http_connections_refused_total{reason=\"timeout\"} 1") !=
           std::string::npos;
  };
  while (!is_cut_off() && std::chrono::steady_clock::now() < deadline) ::usleep(20'000);
  EXPECT_TRUE(is_cut_off());
  EXPECT_EQ(call("GET", "/-/healthy").status, 200);
}

TEST_F(Http, ConnectionsOverTheLimitAreTurnedAway) {
  server_options_.connections = 2;
  start();
  RawConnection first(port_);
  RawConnection second(port_);
  first.send("GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n");
  second.send("GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n");
  first.read_until("alive");
  second.read_until("alive");
  RawConnection third(port_);
  third.read_to_end();
  EXPECT_TRUE(third.was_closed());
}

TEST_F(Http, TokenIsAskedForWhereOneIsConfigured) {
  api_options_.access.tokens = {"another-token-of-someone", kToken};
  const std::pair<std::string, std::string> good{"Authorization", std::string("Bearer ") + kToken};
  const std::pair<std::string, std::string> bad{"Authorization", "Bearer 0123456789abcdeX"};
  expect_problem(call("POST", "/v1/events", "{}\n"), 401, "Bearer");
  expect_problem(call("POST", "/v1/events", "{}\n", {bad}), 401, "Bearer");
  expect_problem(call("POST", "/-/reload"), 401, "Bearer");
  expect_problem(call("GET", "/v1/dead-letters"), 401, "Bearer");
  expect_problem(call("DELETE", "/v1/dead-letters/1"), 401, "Bearer");
  expect_problem(call("DELETE", "/v1/dead-letters?numbers=1"), 401, "Bearer");
  EXPECT_EQ(call("POST", "/v1/events", "{}\n", {good}).status, 200);
  EXPECT_EQ(call("GET", "/v1/dead-letters", "", {good}).status, 200);
  EXPECT_EQ(call("GET", "/v1/alerts").status, 200);
}

TEST_F(Http, OnLoopbackOtherNamesAreRefused) {
  EXPECT_EQ(call("GET", "/v1/alerts", "", {{"Host", "localhost:1"}}).status, 200);
  EXPECT_EQ(call("GET", "/v1/alerts", "", {{"Host", "[::1]:8788"}}).status, 200);
  expect_problem(call("GET", "/v1/alerts", "", {{"Host", "evil.example"}}), 403, "evil.example");
  expect_problem(call("GET", "/metrics", "", {{"Host", "127.0.0.1.evil.example:8788"}}), 403,
                 "localhost");
}

TEST_F(Http, PageOfAnotherSiteMayNotSend) {
  expect_problem(call("POST", "/v1/events", "{}\n", {{"Origin", "https://evil.example"}}), 403,
                 "another site");
  expect_problem(call("POST", "/-/reload", "", {{"Origin", "null"}}), 403, "another site");
}

TEST_F(Http, EveryAnswerHasTheSecurityHeaders) {
  start();
  for (const char* path : {"/-/healthy", "/nothing", "/v1/alerts"}) {
    RawConnection client(port_);
    client.send(std::string("GET ") + path +
                " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(
        client.read_to_end(),
        AllOf(HasSubstr("X-Content-Type-Options: nosniff"),
              HasSubstr("Content-Security-Policy: default-src 'none'"),
              HasSubstr("Referrer-Policy: no-referrer"), HasSubstr("Cache-Control: no-store")));
  }
}

TEST_F(Http, WrongPathsAndMethodsAreToldApart) {
  expect_problem(call("GET", "/v2/alerts"), 404, "/v2/alerts");
  expect_problem(call("PUT", "/v1/alerts"), 405, "GET, HEAD");
  expect_problem(call("GET", "/v1/events"), 405, "POST");
  expect_problem(call("GET", "/v1/alerts/a/b"), 404, "nothing");
}

TEST_F(Http, AlertsCanBeFilteredAndPaged) {
  backend_.commit({{.alert = 1, .level = "watch"},
                   {.alert = 2, .level = "alert", .rule = "corruption/x", .driver = "corruption"},
                   {.alert = 3, .country = "SY"},
                   {.alert = 4}});
  backend_.commit({{.alert = 4, .seq = 1, .action = "resolve", .ends_at = "2011-03-01T00:00:00Z"}});
  EXPECT_THAT(ids_at("/v1/alerts"), ElementsAre("3", "2", "1"));
  EXPECT_THAT(ids_at("/v1/alerts?state=all"), ElementsAre("4", "3", "2", "1"));
  EXPECT_THAT(ids_at("/v1/alerts?level=warning"), ElementsAre("3", "2"));
  EXPECT_THAT(ids_at("/v1/alerts?driver=corruption"), ElementsAre("2"));
  EXPECT_THAT(ids_at("/v1/alerts?rule=corruption%2Fx"), ElementsAre("2"));
  EXPECT_THAT(ids_at("/v1/alerts?country=SY"), ElementsAre("3"));

  const json::object page = get("/v1/alerts?limit=2&country=LY");
  EXPECT_EQ(page.at("alerts").as_array().size(), 2u);
  EXPECT_FALSE(page.contains("next"));  // 2 and 1 are all there are of LY
  const json::object first = get("/v1/alerts?limit=2");
  const std::string next(first.at("next").as_string());
  EXPECT_THAT(ids_at(next), ElementsAre("1"));
  expect_problem(call("GET", "/v1/alerts?limit=0&level=loud&colour=red"), 400,
                 "`colour` is unknown");
}

// However rare what is asked for: the client asks again, and others are served in between.
TEST_F(Http, OneRequestLooksAtABoundedNumberOfAlerts) {
  std::vector<AlertText> alerts{{.alert = 1, .country = "SY"}};
  for (uint64_t i = 2; i <= 2500; ++i) alerts.push_back({.alert = i});
  backend_.commit(alerts);
  const json::object first = get("/v1/alerts?state=all&country=SY&limit=5");
  EXPECT_TRUE(first.at("alerts").as_array().empty());
  ASSERT_TRUE(first.contains("next"));
  const json::object second = get(std::string(first.at("next").as_string()));
  EXPECT_EQ(second.at("alerts").as_array().size(), 1u);
  EXPECT_FALSE(second.contains("next"));
}

TEST_F(Http, AlertsAreFoundByTheBeginningOfTheirId) {
  backend_.commit({{.alert = 0x10}, {.alert = 0x11}, {.alert = 0x12, .status = "shadow"}});
  backend_.commit(
      {{.alert = 0x11, .seq = 1, .action = "resolve", .ends_at = "2011-03-01T00:00:00Z"}});
  const std::string zeros(30, '0');
  EXPECT_THAT(ids_at("/v1/alerts?id=" + zeros + "11"), ElementsAre("1"));
  EXPECT_THAT(ids_at("/v1/alerts?id=" + zeros + "1"), ElementsAre("0", "1", "2"));
  EXPECT_THAT(ids_at("/v1/alerts?id=0&limit=2"), ElementsAre("0", "1"));
  EXPECT_THAT(ids_at("/v1/alerts?id=0&state=open&status=production"), ElementsAre("0"));
  EXPECT_THAT(ids_at("/v1/alerts?id=7"), testing::IsEmpty());
  expect_problem(call("GET", "/v1/alerts?id=xyz"), 400, "hexadecimal");
  expect_problem(call("GET", "/v1/alerts?id=" + zeros + "000"), 400, "32");
}

TEST_F(Http, WithheldAlertsAreFoundByTheIdThatTheyAreShownUnder) {
  backend_.commit({{.alert = 9, .tlp = "red"}});
  const json::object list = get("/v1/alerts");
  const std::string shown(list.at("alerts").at(0).at("id").as_string());
  EXPECT_THAT(ids_at("/v1/alerts?id=" + shown.substr(0, 8)), ElementsAre(shown.substr(31)));
  EXPECT_THAT(ids_at("/v1/alerts?id=" + to_hex(AlertText{.alert = 9}.id())), testing::IsEmpty());
}

TEST_F(Http, AlertsOfRulesOnTrialAreShownOnlyToThoseWhoAsk) {
  backend_.commit({{.alert = 1},
                   {.alert = 2, .status = "shadow"},
                   {.alert = 3, .status = "draft"},
                   {.alert = 4, .tlp = "red", .status = "shadow"}});
  EXPECT_THAT(ids_at("/v1/alerts"), ElementsAre("1"));
  EXPECT_THAT(ids_at("/v1/alerts?state=all"), ElementsAre("1"));
  // The withheld one is shown under another id.
  EXPECT_THAT(ids_at("/v1/alerts?status=shadow"), ElementsAre(testing::_, "3", "2"));
  EXPECT_THAT(ids_at("/v1/alerts?status=all"), ElementsAre(testing::_, "3", "2", "1"));
  const json::object page = get("/v1/alerts?status=shadow");
  EXPECT_EQ(page.at("alerts").at(0).at("status").as_string(), "shadow") << "also when withheld";
  EXPECT_EQ(page.at("alerts").at(1).at("status").as_string(), "draft");
}

TEST_F(Http, OneAlertHasAllItsTransitions) {
  backend_.commit({{.alert = 7}});
  backend_.commit({{.alert = 7, .seq = 1, .action = "escalate", .level = "alert"}});
  const json::object alert = get("/v1/alerts/" + to_hex(AlertText{.alert = 7}.id()));
  ASSERT_EQ(alert.at("transitions").as_array().size(), 2u);
  EXPECT_EQ(alert.at("transitions").at(1).at("action").as_string(), "escalate");
  expect_problem(call("GET", "/v1/alerts/" + std::string(32, 'f')), 404, "no alert");
  expect_problem(call("GET", "/v1/alerts/xyz"), 404, "32");
}

TEST_F(Http, AlertsAboveTheCeilingShowNothingOfWhatTheySay) {
  backend_.commit({{.alert = 9, .tlp = "red"}});
  const std::string own = to_hex(AlertText{.alert = 9}.id());
  const json::object list = get("/v1/alerts");
  const std::string id(list.at("alerts").at(0).at("id").as_string());
  for (const std::string& path : {std::string("/v1/alerts"), "/v1/alerts/" + id}) {
    const HttpAnswer answer = call("GET", path);
    EXPECT_THAT(answer.body,
                AllOf(HasSubstr("\"withheld\":true"), HasSubstr("warning"), HasSubstr(id),
                      Not(HasSubstr("Libya")), Not(HasSubstr("canary")), Not(HasSubstr(own))));
  }
  expect_problem(call("GET", "/v1/alerts/" + own), 404, "no alert");
  EXPECT_THAT(ids_at("/v1/alerts?country=LY"), testing::IsEmpty());
}

TEST_F(Http, DeadLettersAreListedShownAndRemoved) {
  storage::DeadLetter letter{.reason = "syntax",
                             .message = "line 1",
                             .stream = "http",
                             .position = 5,
                             .at = {},
                             .raw = "{\xff\n\"",
                             .number = 0};
  storage::DeadLetter other = letter;
  other.reason = "bad_time";
  backend_.commit({}, {letter, other, letter});
  EXPECT_EQ(get("/v1/dead-letters").at("dead_letters").as_array().size(), 3u);
  EXPECT_EQ(get("/v1/dead-letters?reason=syntax").at("dead_letters").as_array().size(), 2u);
  const json::object page = get("/v1/dead-letters?limit=2");
  EXPECT_EQ(get(std::string(page.at("next").as_string())).at("dead_letters").as_array().size(), 1u);

  const json::object one = get("/v1/dead-letters/2");
  EXPECT_EQ(one.at("reason").as_string(), "bad_time");
  EXPECT_EQ(decode_base64(std::string(one.at("raw_base64").as_string())), letter.raw);
  EXPECT_EQ(call("DELETE", "/v1/dead-letters/2").status, 200);
  expect_problem(call("GET", "/v1/dead-letters/2"), 404, "2");
  expect_problem(call("DELETE", "/v1/dead-letters/2"), 404, "2");
  EXPECT_EQ(get("/v1/dead-letters").at("dead_letters").as_array().size(), 2u);
}

TEST_F(Http, OneRequestLooksAtABoundedNumberOfDeadLetters) {
  const storage::DeadLetter small{.reason = "syntax",
                                  .message = {},
                                  .stream = "http",
                                  .position = 1,
                                  .at = {},
                                  .raw = "x",
                                  .number = 0};
  storage::DeadLetter large = small;
  large.raw.assign(60'000, 'x');
  storage::DeadLetter rare = small;
  rare.reason = "bad_time";
  std::vector<storage::DeadLetter> letters(10'050, small);
  letters.push_back(rare);
  letters.insert(letters.end(), 300, large);
  letters.push_back(rare);
  backend_.commit({}, letters);
  std::vector<size_t> pages;
  std::string path = "/v1/dead-letters?reason=bad_time";
  while (!path.empty() && pages.size() < 10) {
    const json::object page = get(path);
    pages.push_back(page.at("dead_letters").as_array().size());
    path = page.contains("next") ? std::string(page.at("next").as_string()) : "";
  }
  // The first ends after 10,000, the second within the large ones.
  EXPECT_THAT(pages, ElementsAre(0u, 1u, 1u));
}

TEST_F(Http, SeveralDeadLettersAreRemovedByOneRequest) {
  const storage::DeadLetter letter{.reason = "syntax",
                                   .message = {},
                                   .stream = "http",
                                   .position = 1,
                                   .at = {},
                                   .raw = "x",
                                   .number = 0};
  backend_.commit({}, {letter, letter, letter, letter});
  EXPECT_EQ(call("DELETE", "/v1/dead-letters?numbers=1,3,99").status, 200);
  EXPECT_EQ(get("/v1/dead-letters").at("dead_letters").as_array().size(), 2u);
  for (const char* wrong : {"", "?numbers=", "?numbers=1,", "?numbers=a", "?numbers=1&all=yes"}) {
    SCOPED_TRACE(wrong);
    EXPECT_EQ(call("DELETE", std::string("/v1/dead-letters") + wrong).status, 400);
  }
  EXPECT_EQ(get("/v1/dead-letters").at("dead_letters").as_array().size(), 2u);
}

TEST_F(Http, ReadinessListsWhatIsMissing) {
  backend_.missing_ = {"recovery: 3 of 10"};
  const HttpAnswer answer = call("GET", "/-/ready");
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr("recovery: 3 of 10"));
  EXPECT_EQ(call("GET", "/-/healthy").status, 200);
  EXPECT_EQ(get("/v1/status").at("ready").as_bool(), false);
}

TEST_F(Http, ReadyWhenNothingIsMissing) { EXPECT_EQ(call("GET", "/-/ready").status, 200); }

TEST_F(Http, ReloadTellsWhatBecameOfIt) {
  backend_.reload_report = {.accepted = true, .bundle = "ab", .diagnostics = {"a: warning"}};
  const HttpAnswer answer = call("POST", "/-/reload");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(json::parse(answer.body),
            json::parse(R"({"reloaded":true,"bundle":"ab","diagnostics":["a: warning"]})"));
}

TEST_F(Http, RefusedReloadIs422WithEveryDiagnostic) {
  backend_.reload_report = {
      .accepted = false, .bundle = "old", .diagnostics = {"a:1:1: error", "b:2:2: error"}};
  const HttpAnswer answer = call("POST", "/-/reload");
  expect_problem(answer, 422, "refused");
  EXPECT_EQ(json::parse(answer.body).at("diagnostics").as_array().size(), 2u);
}

TEST_F(Http, MetricsHaveTheContentTypeThatPrometheusWants) {
  start();
  RawConnection client(port_);
  client.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.read_to_end(),
              HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
}

TEST_F(Http, RequestsAreCountedByRouteAndNotByPath) {
  call("GET", "/v1/alerts/" + std::string(32, 'a'));
  call("GET", "/secret-path");
  call("BREW", "/v1/alerts");
  const std::string text = metrics_.scrape(backend_.status());
  EXPECT_THAT(text, AllOf(HasSubstr("route=\"/v1/alerts/{id}\""), Not(HasSubstr("secret-path")),
                          Not(HasSubstr("BREW"))));
}

TEST_F(Http, StopAnswersWhatIsUnderWayAndSurvivesLateAnswers) {
  backend_.hold = true;
  start();
  RawConnection idle(port_);
  RawConnection client(port_);
  client.send("POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n{}\n");
  auto answer = backend_.take_held();
  std::thread stopping([this] { server_->stop(); });
  answer(one_taken());
  EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 200"));
  stopping.join();
  server_.reset();
  answer = nullptr;  // the last hold on the connection, after its server is gone
}

// The leak check of the address sanitizer looks at what is left of the connection.
TEST_F(Http, StopWaitsNotForEverForAnAnswerAndTakesItStill) {
  backend_.hold = true;
  start();
  RawConnection client(port_);
  client.send("POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n{}\n");
  auto answer = backend_.take_held();
  server_->stop();
  EXPECT_EQ(client.read_to_end(), "");
  answer(one_taken());
  server_.reset();
  answer(one_taken());
}

TEST_F(Http, TakenPortIsToldAsUnavailable) {
  start();
  http::ServerOptions options;
  options.port = port_;
  http::Server second(options, *api_, *api_);
  const auto port = second.start();
  ASSERT_FALSE(port);
  EXPECT_EQ(port.error().code, ErrorCode::kUnavailable);
}

TEST(HttpClient, TellsWhyThereIsNoAnswer) {
  EXPECT_EQ(call_http({.url = "ftp://x/"}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(call_http({.url = "not a url"}).error().code, ErrorCode::kInvalid);
  const auto refused = call_http({.url = "http://127.0.0.1:1/"});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("connect"));
}

}  // namespace
}  // namespace tocsin::daemon
