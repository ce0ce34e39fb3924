// Commands as they are called, against the API over a real socket.
#include "daemon/commands/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "daemon/http/api.h"
#include "daemon/http/server.h"
#include "tests/daemon/fake_backend.h"
#include "tests/daemon/temporary_folder.h"

namespace tocsin::daemon {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

Outcome run(std::vector<std::string> arguments) {
  Outcome outcome;
  CLI::App program;
  for (const auto add : {add_check, add_explain, add_alerts, add_status, add_dead_letters}) {
    add(program, outcome.code);
  }
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  try {
    program.parse(arguments);
  } catch (const CLI::ParseError& error) {
    ADD_FAILURE() << error.what();
  }
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

std::string id_of(uint64_t alert) { return to_hex(AlertText{.alert = alert}.id()); }

// Gives every request the same answer.
class FixedAnswer final : public http::Handler, public http::Observer {
 public:
  explicit FixedAnswer(http::Response answer) : answer_(std::move(answer)) {}
  void handle(http::Request, http::Respond respond) override { respond(answer_); }
  void connections_open(size_t) override {}
  void connection_refused(http::Refusal, std::string_view, std::string_view) override {}

 private:
  const http::Response answer_;
};

class Commands : public testing::Test {
 protected:
  void TearDown() override {
    if (server_) server_->stop();
  }
  Outcome ask(std::vector<std::string> arguments) {
    if (!server_) {
      api_ = std::make_unique<http::Api>(http::Api::Options{}, backend_, metrics_, log_);
      listen(*api_, *api_);
    }
    arguments.insert(arguments.end(), {"--url", "http://127.0.0.1:" + std::to_string(port_)});
    return run(std::move(arguments));
  }
  void listen(http::Handler& handler, http::Observer& observer) {
    server_ = std::make_unique<http::Server>(http::ServerOptions{}, handler, observer);
    const auto port = server_->start();
    ASSERT_TRUE(port) << port.error().message;
    port_ = *port;
  }
  // Of the rows of the table, the last eight digits of the ids.
  std::vector<std::string> ids_in(const std::string& lines) {
    std::vector<std::string> ids;
    constexpr std::string_view kKey = R"("id":")";
    std::istringstream text(lines);
    for (std::string line; std::getline(text, line);) {
      const size_t at = line.find(kKey);
      if (at != std::string::npos) ids.push_back(line.substr(at + kKey.size() + 31, 1));
    }
    return ids;
  }
  std::vector<uint64_t> letters_left() {
    std::vector<uint64_t> numbers;
    EXPECT_TRUE(backend_.store()->read_dead_letters(0, [&](const storage::DeadLetter& letter) {
      numbers.push_back(letter.number);
      return true;
    }));
    return numbers;
  }

  FakeBackend backend_;
  Metrics metrics_{{.version = "test", .rocksdb = "", .librdkafka = "", .boost = ""}};
  Log log_{"error", "logfmt"};
  std::unique_ptr<http::Api> api_;
  std::unique_ptr<http::Server> server_;
  uint16_t port_ = 0;
};

constexpr const char* kEnded = "2011-03-01T00:00:00Z";

TEST_F(Commands, AlertsOfARuleThatIsGoneSaySoWithTheirLastNumbers) {
  backend_.commit({{.alert = 1,
                    .action = "resolve",
                    .ends_at = kEnded,
                    .summary = "62 dead",
                    .condition = "rule removed"}});
  EXPECT_THAT(ask({"alerts", "--all"}).out, HasSubstr("rule removed: 62 dead"));
}

TEST_F(Commands, AlertsShowTheGravestFirstAndSayWhatIsLeftOut) {
  backend_.commit({{.alert = 1, .level = "emergency"},
                   {.alert = 2, .level = "watch"},
                   {.alert = 3, .level = "alert"},
                   {.alert = 4, .level = "watch"},
                   {.alert = 5, .action = "resolve", .level = "emergency", .ends_at = kEnded}});
  EXPECT_THAT(ids_in(ask({"alerts", "--format", "json"}).out), ElementsAre("1", "3", "4", "2"));
  EXPECT_THAT(ids_in(ask({"alerts", "--all", "--format", "json"}).out),
              ElementsAre("1", "3", "4", "2", "5"));
  const Outcome cut = ask({"alerts", "--limit", "2", "--format", "json"});
  EXPECT_THAT(ids_in(cut.out), ElementsAre("1", "3"));
  EXPECT_THAT(cut.err, HasSubstr("2 of 4 shown"));
  EXPECT_EQ(ask({"alerts"}).err, "");
}

TEST_F(Commands, AlertsFindAGraveOneBehindManyPages) {
  std::vector<AlertText> alerts{{.alert = 1, .level = "emergency"}};
  for (uint64_t i = 2; i < 2200; ++i) alerts.push_back({.alert = i << 8, .level = "info"});
  backend_.commit(alerts);
  const Outcome first = ask({"alerts", "--limit", "1", "--format", "json"});
  EXPECT_THAT(ids_in(first.out), ElementsAre("1"));
  EXPECT_THAT(first.err, HasSubstr("1 of 2199 shown"));
}

TEST_F(Commands, AlertsOfRulesOnTrialAreMarked) {
  backend_.commit({{.alert = 1}, {.alert = 2, .status = "shadow"}});
  EXPECT_THAT(ask({"alerts"}).out, Not(HasSubstr("shadow")));
  EXPECT_THAT(ask({"alerts", "--shadow"}).out, HasSubstr("warning shadow"));
}

TEST_F(Commands, AnAlertIsExplainedByTheBeginningOfItsId) {
  backend_.commit({{.alert = 0x1000000000000001}, {.alert = 0x2000000000000001}});
  for (const char* command : {"alerts", "explain"}) {
    SCOPED_TRACE(command);
    const Outcome one = ask({command, id_of(0x2000000000000001).substr(0, 17)});
    EXPECT_EQ(one.code, kDone) << one.err;
    EXPECT_THAT(one.out, HasSubstr(id_of(0x2000000000000001)));
    const Outcome several = ask({command, "0000"});
    EXPECT_EQ(several.code, kUsage);
    EXPECT_THAT(several.err, HasSubstr("several"));
    const Outcome none = ask({command, "7"});
    EXPECT_EQ(none.code, kAnswerIsNo);
    EXPECT_THAT(none.err, HasSubstr("no alert begins with 7"));
    EXPECT_EQ(ask({command, std::string(32, '7')}).code, kAnswerIsNo);
  }
}

TEST_F(Commands, WithheldAlertIsExplainedAsFarAsItMayBe) {
  backend_.commit({{.alert = 9, .tlp = "red"}});
  const std::string list = ask({"alerts", "--format", "json"}).out;
  const std::string id = list.substr(list.find(R"("id":")") + 6, 8);
  const Outcome one = ask({"explain", id});
  EXPECT_EQ(one.code, kDone) << one.err;
  EXPECT_THAT(one.out, HasSubstr("withheld"));
}

TEST_F(Commands, ARefusalIsToldAsWhatItIs) {
  struct Case {
    int status;
    int code;
  };
  for (const Case each : {Case{503, kEnvironment}, Case{403, kUsage}, Case{401, kUsage}}) {
    SCOPED_TRACE(each.status);
    FixedAnswer fixed(http::problem(each.status, "told so"));
    listen(fixed, fixed);
    for (const char* id : {"77", "77777777777777777777777777777777"}) {
      const Outcome outcome = ask({"explain", id});
      EXPECT_EQ(outcome.code, each.code);
      EXPECT_THAT(outcome.err, HasSubstr("told so"));
    }
    server_->stop();
  }
  const Outcome nobody = ask({"explain", "77"});
  EXPECT_EQ(nobody.code, kEnvironment);
  EXPECT_THAT(nobody.err, HasSubstr("is the daemon running?"));
}

TEST_F(Commands, StatusDoesNotTakeWhatItDoesNotKnowForCalm) {
  EXPECT_THAT(ask({"status"}).out,
              AllOf(HasSubstr("alerts       unknown"), Not(HasSubstr("0 firing"))));
  auto alerts = std::make_shared<OpenAlerts>();
  alerts->total = 2;
  backend_.open_alerts = alerts;
  EXPECT_THAT(ask({"status"}).out, HasSubstr("alerts       2 firing\n"));
  auto withheld = std::make_shared<OpenAlerts>();
  withheld->withheld = 3;
  backend_.open_alerts = withheld;
  EXPECT_THAT(ask({"status"}).out, HasSubstr("alerts       0 firing, +3 withheld"));
}

TEST_F(Commands, StatusTellsWhatNeverCameFromWhatIsLongAgo) {
  auto pipeline = std::make_shared<PipelineSnapshot>();
  pipeline->sources = {
      {.name = "desk",
       .watermark = from_ms(0),
       .newest = from_ms(0),
       .last_arrival = from_ms(86'400'000)},
      {.name = "wire", .watermark = from_ms(0), .newest = from_ms(0), .last_arrival = {}}};
  backend_.pipeline = pipeline;
  backend_.awaited_sources = {"mute", "desk"};
  const std::string out = ask({"status"}).out;
  EXPECT_THAT(out, testing::ContainsRegex("desk .* 1970-01-02T00:00:00Z"));
  EXPECT_THAT(out, testing::ContainsRegex("wire .* unknown"));
  EXPECT_THAT(out, testing::ContainsRegex("mute .* never"));
}

storage::DeadLetter letter(const std::string& stream, const std::string& raw) {
  return {.reason = "unknown_indicator",
          .message = "m",
          .stream = stream,
          .position = 1,
          .at = {},
          .raw = raw,
          .number = 0};
}

TEST_F(Commands, DeadLettersAreReplayedAsTheyCame) {
  backend_.mapped_stream = "file/table";
  const std::string cloud = R"({"specversion":"1.0","id":"c","data":{}})";
  backend_.commit({}, {letter("http", "{\"id\":\n\"a\"}"), letter("file/table", R"({"row":1})"),
                       letter("kafka/t/0", cloud), letter("file/table", "a,b,c"),
                       letter("http", "{\"id\": broken"), letter("http", R"({"id":"b"})"),
                       letter("http", "{" + std::string(70'000, ' ') + "}")});
  backend_.receipts = {{.status = {},
                        .records = 2,
                        .events = 1,
                        .duplicates = 0,
                        .skipped = 0,
                        .rejected = 1,
                        .problems = {{2, "unknown_indicator", "not known"}}},
                       {.status = {},
                        .records = 1,
                        .events = 0,
                        .duplicates = 1,
                        .skipped = 0,
                        .rejected = 0,
                        .problems = {}}};
  const Outcome replayed = ask({"dead-letters", "replay"});
  EXPECT_EQ(replayed.code, kAnswerIsNo);
  EXPECT_EQ(replayed.out, "2 of 7 taken\n");
  EXPECT_THAT(backend_.bodies(),
              ElementsAre("{\"id\": \"a\"}\n{\"id\":\"b\"}\n", "[" + cloud + "]"));
  EXPECT_FALSE(backend_.keep_refused) << "no second letter of what is refused again";
  EXPECT_THAT(replayed.err,
              AllOf(HasSubstr("2 (file/table, position 1): left where it is: a row"),
                    HasSubstr("4 (file/table, position 1): left where it is: a row"),
                    HasSubstr("5 (http, position 1): left where it is: not one whole JSON object"),
                    HasSubstr("6: still refused: not known"),
                    HasSubstr("7 (http, position 1): left where it is: only its beginning")));
  // Neither those that were not sent, nor the one that was refused again, may go.
  EXPECT_THAT(letters_left(), ElementsAre(2u, 4u, 5u, 6u, 7u));
}

TEST_F(Commands, DeadLettersStayWhenTheReceiptDoesNotNameThem) {
  backend_.commit({}, {letter("http", "{}"), letter("http", "{}")});
  backend_.receipt = {.status = {},
                      .records = 2,
                      .events = 1,
                      .duplicates = 0,
                      .skipped = 0,
                      .rejected = 1,
                      .problems = {}};
  EXPECT_EQ(ask({"dead-letters", "replay", "1", "2", "99"}).code, kEnvironment);
  EXPECT_THAT(letters_left(), ElementsAre(1u, 2u));
}

TEST(CheckCommand, TellsWhatConnectionsToKafkaMiss) {
  const TemporaryFolder folder;
  folder.write("rules.yaml", "tocsin: rules/1\npackage: none\nrules: []\n");
  folder.write("password", "canary\n");
  const auto check = [&](const std::string& rest) {
    return run({"check", "--rules", folder.path("rules.yaml"), "--config",
                folder.write("tocsin.yaml",
                             "tocsin: config/1\ndata_dir: data\nrules: rules.yaml\n" + rest)});
  };
  const std::string login = "protocol: sasl_ssl, sasl_mechanism: PLAIN, username: tocsin";
  const auto input = [&](const std::string& rest) {
    return "inputs: [{name: live, type: kafka, brokers: \"b:1\", topics: [t], " + rest + "}]\n";
  };
  const Outcome files =
      check(input("security: {" + login + ", password_file: absent-password, ca_file: absent-ca}"));
  EXPECT_EQ(files.code, kUsage);
  EXPECT_THAT(files.out, AllOf(HasSubstr("input live"), HasSubstr("absent-password"),
                               HasSubstr("absent-ca"), HasSubstr("No such file")));
  const Outcome property = check(input("properties: {no.such.property: x, acks: \"0\"}"));
  EXPECT_EQ(property.code, kUsage);
  EXPECT_THAT(property.out, AllOf(HasSubstr("no.such.property"), HasSubstr("acks")));
  const Outcome sink = check(
      "sinks: [{name: topic, type: kafka, brokers: \"b:1\", topic: t, "
      "security: {" +
      login + ", password_file: absent-password}}]\n");
  EXPECT_EQ(sink.code, kDone) << "it is tried again while the daemon runs";
  EXPECT_THAT(sink.out, AllOf(HasSubstr("sink topic"), HasSubstr("absent-password")));
  const Outcome good = check(input("security: {" + login + ", password_file: password}"));
  EXPECT_EQ(good.code, kDone) << good.out;
  EXPECT_THAT(good.out, Not(HasSubstr("canary")));
}

TEST(CheckCommand, LooksIntoAllFilesThatTheConfigurationNames) {
  const TemporaryFolder folder;
  folder.write("rules.yaml", "tocsin: rules/1\npackage: none\nrules: []\n");
  folder.write("tokens", "short\n");
  folder.write("good-tokens", "0123456789abcdef\n");
  folder.write("mapping.yaml", "tocsin: mapping/1\nsauce: wrong\n");
  folder.write("hook", "no-url\n");
  const auto check = [&](const std::string& rest) {
    return run({"check", "--rules", folder.path("rules.yaml"), "--config",
                folder.write("tocsin.yaml",
                             "tocsin: config/1\ndata_dir: data\nrules: rules.yaml\n" + rest)});
  };
  const Outcome all = check(
      "colour: red\n"  // what is wrong in the file itself hides nothing else
      "http: {tokens_file: tokens}\n"
      "inputs:\n"
      "  - {name: a, type: file, path: x, mapping: mapping.yaml}\n"
      "  - {name: b, type: file, path: x, mapping: absent.yaml}\n"
      "sinks: [{name: desk, type: webhook, url_file: hook, token_file: nowhere}]\n");
  EXPECT_EQ(all.code, kUsage);
  EXPECT_THAT(all.out,
              AllOf(HasSubstr("colour"), HasSubstr("at least 16 characters"),
                    HasSubstr("mapping.yaml:2"), HasSubstr("sauce"), HasSubstr("absent.yaml"),
                    HasSubstr("`url_file`"), HasSubstr("nowhere"), Not(HasSubstr("no-url"))));
  EXPECT_EQ(check("http: {tokens_file: nowhere}\n").code, kUsage);
  EXPECT_EQ(check("http: {listen: nowhere:1, allow_insecure_listen: true}\n").code, kUsage);
  EXPECT_EQ(check("sinks: [{name: a, type: webhook, url: h}]\n").code, kUsage);
  const Outcome good = check("http: {tokens_file: good-tokens}\n");
  EXPECT_EQ(good.code, kDone) << good.out;
}

}  // namespace
}  // namespace tocsin::daemon
