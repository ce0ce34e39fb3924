#include "daemon/backups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <future>
#include <thread>

#include "daemon/http/api.h"
#include "storage/key_value_store.h"
#include "storage/memory_key_value.h"
#include "storage/rocksdb_store.h"
#include "tests/daemon/fake_backend.h"
#include "tests/daemon/temporary_folder.h"

// Backups of the running daemon, as they are asked for.
namespace tocsin::daemon {
namespace {

using testing::HasSubstr;
namespace json = boost::json;

// Whose backup takes as long as a test wants it to.
class SlowTables : public storage::MemoryKeyValue {
 public:
  SlowTables(std::promise<void>& began, std::shared_future<void> may_end)
      : began_(began), may_end_(std::move(may_end)) {}
  Result<storage::Backup> back_up(const storage::BackupOptions& options,
                                  JournalSeq last_seq) override {
    options.progress(1 << 20, 5 << 20);
    began_.set_value();
    may_end_.wait();
    return storage::Backup{
        .number = 12, .taken = WallTime{}, .bytes = 99, .files = 3, .last_seq = last_seq};
  }

 private:
  std::promise<void>& began_;
  std::shared_future<void> may_end_;
};

class BackupsRoute : public testing::Test {
 protected:
  http::Response ask(const std::string& method, const std::string& token = "0123456789abcdef",
                     std::map<std::string, std::string> query = {}, std::string body = {}) {
    if (!api_) {
      http::Api::Options options;
      options.access.tokens = {"0123456789abcdef"};
      api_ = std::make_unique<http::Api>(options, backend_, metrics_, log_);
    }
    http::Request request{.method = method,
                          .path = "/v1/backups",
                          .query = std::move(query),
                          .headers = {{"host", "localhost"}, {"authorization", "Bearer " + token}},
                          .body = std::move(body)};
    std::promise<http::Response> answer;
    api_->handle(std::move(request),
                 [&](http::Response response) { answer.set_value(std::move(response)); });
    return answer.get_future().get();
  }
  json::object list() {
    const http::Response answer = ask("GET");
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json::parse(answer.body).as_object();
  }
  // Of the last run, once it has ended.
  json::object ended_run() {
    while (true) {
      const json::object run = list().at("run").as_object();
      if (run.at("state").as_string() != "running") return run;
      std::this_thread::yield();
    }
  }

  TemporaryFolder folder_;
  Log log_{"error", "logfmt"};
  Metrics metrics_{{.version = "test", .rocksdb = "", .librdkafka = "", .boost = ""}};
  FakeBackend backend_;
  std::unique_ptr<http::Api> api_;
};

TEST_F(BackupsRoute, IsNotThereWithoutAConfiguredFolder) {
  for (const char* method : {"GET", "POST"}) {
    const http::Response answer = ask(method);
    EXPECT_EQ(answer.status, 404);
    EXPECT_THAT(answer.body, HasSubstr("no backups are configured"));
  }
}

TEST_F(BackupsRoute, TakesOneAtATimeAndTellsHowFarItIs) {
  std::promise<void> began;
  std::promise<void> may_end;
  auto store = storage::KeyValueStore::open(
      std::make_unique<SlowTables>(began, may_end.get_future().share()), {});
  ASSERT_TRUE(store);
  Backups backups({.folder = folder_.path("backups"), .keep = 7}, **store, metrics_, log_);
  backend_.configured_backups = {&backups, [](Backups*) {}};
  const http::Response taken = ask("POST");
  EXPECT_EQ(taken.status, 202) << taken.body;
  EXPECT_EQ(json::parse(taken.body).at("run").as_int64(), 1);
  began.get_future().wait();
  const json::object running = list().at("run").as_object();
  EXPECT_EQ(running.at("state").as_string(), "running");
  EXPECT_EQ(running.at("done_bytes").as_int64(), 1 << 20);
  EXPECT_EQ(running.at("of_bytes").as_int64(), 5 << 20);
  const http::Response second = ask("POST");
  EXPECT_EQ(second.status, 409);
  EXPECT_THAT(second.body, HasSubstr("a backup is being taken"));
  may_end.set_value();
  const json::object ended = ended_run();
  EXPECT_EQ(ended.at("state").as_string(), "succeeded");
  EXPECT_EQ(ended.at("backup").as_int64(), 12);
}

TEST_F(BackupsRoute, ListsWhatThereIsAndKeepsTheNewest) {
  auto store = storage::open_rocksdb_store({.path = folder_.path("data")});
  ASSERT_TRUE(store);
  Backups backups({.folder = folder_.path("backups"), .keep = 2}, **store, metrics_, log_);
  backend_.configured_backups = {&backups, [](Backups*) {}};
  EXPECT_TRUE(list().at("backups").as_array().empty());
  for (int i = 1; i <= 3; ++i) {
    ASSERT_EQ(ask("POST").status, 202);
    EXPECT_EQ(ended_run().at("number").as_int64(), i);
  }
  const json::object found = list();
  EXPECT_EQ(found.at("keep").as_int64(), 2);
  ASSERT_EQ(found.at("backups").as_array().size(), 2u);
  EXPECT_EQ(found.at("backups").at(1).at("number").as_int64(), 3);
  EXPECT_TRUE(found.at("damaged").as_array().empty());
  const std::string metrics = metrics_.scrape({});
  EXPECT_THAT(metrics, HasSubstr("tocsin_backups_total{outcome=\"succeeded\"} 3\n"));
  EXPECT_THAT(metrics, HasSubstr("tocsin_backups_total{outcome=\"failed\"} 0\n"));
}

TEST_F(BackupsRoute, TellsWhyNoneWasTaken) {
  Backups backups({.folder = folder_.path("backups"), .keep = 7}, *backend_.store(), metrics_,
                  log_);
  backend_.configured_backups = {&backups, [](Backups*) {}};
  ASSERT_EQ(ask("POST").status, 202);
  const json::object ended = ended_run();
  EXPECT_EQ(ended.at("state").as_string(), "failed");
  EXPECT_THAT(std::string(ended.at("error").as_string()), HasSubstr("this store has no disk"));
  const std::string metrics = metrics_.scrape({});
  EXPECT_THAT(metrics, HasSubstr("tocsin_backups_total{outcome=\"failed\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("tocsin_backup_last_success_timestamp_seconds 0\n"));
}

TEST_F(BackupsRoute, AsksForATokenAndTakesNoPath) {
  Backups backups({.folder = folder_.path("backups"), .keep = 7}, *backend_.store(), metrics_,
                  log_);
  backend_.configured_backups = {&backups, [](Backups*) {}};
  EXPECT_EQ(ask("POST", "someone else's token").status, 401);
  EXPECT_EQ(ask("GET", "someone else's token").status, 401);
  EXPECT_EQ(ask("POST", "0123456789abcdef", {{"path", "/etc"}}).status, 400);
  EXPECT_EQ(ask("POST", "0123456789abcdef", {}, R"({"path":"/etc"})").status, 400);
  EXPECT_FALSE(backups.last());
}

}  // namespace
}  // namespace tocsin::daemon
