// The whole daemon in this process, over a disk that fails: what stays up, and how it goes on.
#include "daemon/app.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include "daemon/commands/commands.h"
#include "storage/rocksdb_open.h"
#include "tests/daemon/running_app.h"
#include "tests/support/fault_file_system.h"

namespace tocsin::daemon {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Fault = FaultFileSystem::Fault;
namespace fs = std::filesystem;

class AppOnAFailingDisk : public RunningApp {
 protected:
  AppOnAFailingDisk() {
    config_.sinks.emplace_back();
    config_.sinks.back().name = "log";
    config_.sinks.back().path = folder_.path("alerts.ndjson");
  }

  OpenStore opener() {
    return [this](const storage::RocksDbOptions& options) {
      return storage::open_rocksdb_store(options, env_.get());
    };
  }
  void start() {
    ASSERT_NO_FATAL_FAILURE(RunningApp::start(opener()));
    wait_until_ready();
  }
  // Fails all that writes, and loses the store by it.
  void lose_store(Fault fault = Fault::kIoError) {
    disk_->fail_from(1, fault, FaultFileSystem::kAll);
    EXPECT_THAT(post(99).body, HasSubstr("not stored"));
    EXPECT_TRUE(comes_true([&] { return get("/v1/alerts").status == 503; }));
  }
  std::vector<std::string> journal() const {
    std::vector<std::string> ids;
    const auto store = storage::open_rocksdb_store({.path = config_.data_dir, .read_only = true});
    EXPECT_TRUE(store) << store.error().message;
    const std::string serialized = rules::serialize(bundle_text());
    (*store)->set_catalogue(compile(serialized)->catalogue);
    EXPECT_TRUE((*store)->read_journal(1, [&](const storage::Store::JournalRecord& record) {
      if (record.event != nullptr) ids.emplace_back(record.event->id);
      return true;
    }));
    return ids;
  }

  const std::shared_ptr<FaultFileSystem> disk_ = std::make_shared<FaultFileSystem>();
  const std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(disk_);
};

class EachFault : public AppOnAFailingDisk, public testing::WithParamInterface<Fault> {};
INSTANTIATE_TEST_SUITE_P(Disk, EachFault,
                         testing::Values(Fault::kNoSpace, Fault::kIoError, Fault::kReadOnly));

TEST_P(EachFault, HttpStaysUpAndTheStoreIsOpenedAgainInTheProcess) {
  start();
  ASSERT_EQ(post(1).status, 200);
  EXPECT_THAT(get("/metrics").body, AllOf(HasSubstr("tocsin_store_up 1\n"),
                                          HasSubstr("tocsin_store_reopened_total 0\n")));
  disk_->fail_from(1, GetParam(), FaultFileSystem::kAll);
  const HttpAnswer unknown = post(2);
  EXPECT_EQ(unknown.status, 503);
  EXPECT_THAT(unknown.body, HasSubstr("not stored"));
  // A first attempt fails, the second has to wait longer.
  ASSERT_TRUE(comes_true([&] {
    return get("/-/ready").body.find("is opened again every 2 s") != std::string::npos;
  })) << get("/-/ready").body;
  EXPECT_EQ(get("/-/ready").status, 503);
  EXPECT_EQ(get("/-/healthy").status, 200);
  for (const auto& refused : {post(2), get("/v1/alerts"), get("/v1/dead-letters")}) {
    EXPECT_EQ(refused.status, 503);
    EXPECT_THAT(refused.body, HasSubstr("the store has failed"));
  }
  EXPECT_THAT(get("/v1/status").body, AllOf(HasSubstr(R"("store":{"up":false,"reopened":0})"),
                                            HasSubstr(R"("paused_by":"store")")));
  EXPECT_THAT(get("/metrics").body,
              AllOf(HasSubstr("tocsin_store_up 0\n"), HasSubstr("tocsin_ready 0\n"),
                    HasSubstr("tocsin_intake_paused{reason=\"store\"} 1\n"),
                    HasSubstr("tocsin_commit_failures_total 1\n"),
                    Not(HasSubstr("tocsin_journal_events"))));
  disk_->repair();
  ASSERT_TRUE(comes_true([&] { return get("/-/ready").status == 200; }));
  // Whether it was stored was unknown: it is there once, whichever.
  const HttpAnswer again = post(2);
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_THAT(again.body,
              testing::AnyOf(HasSubstr("\"accepted\":1"), HasSubstr("\"duplicates\":1")));
  EXPECT_THAT(get("/metrics").body,
              AllOf(HasSubstr("tocsin_store_up 1\n"), HasSubstr("tocsin_store_reopened_total 1\n"),
                    HasSubstr("tocsin_intake_paused{reason=\"store\"} 0\n")));
  EXPECT_EQ(get("/v1/alerts").status, 200);
  EXPECT_EQ(stop(), kDone);
  EXPECT_THAT(journal(), ElementsAre("e1", "e2"));
}

// Others write too: what fails there is noticed although nothing is committed.
TEST_F(AppOnAFailingDisk, AWriteOfAnotherThatFailsIsNoticedToo) {
  start();
  ASSERT_EQ(call("POST", "/v1/events", "no event\n").status, 200);
  disk_->fail_from(1, Fault::kIoError, FaultFileSystem::kAll, /*once=*/true);
  EXPECT_EQ(call("DELETE", "/v1/dead-letters/1").status, 503);
  ASSERT_TRUE(comes_true([&] {
    return get("/metrics").body.find("tocsin_store_reopened_total 1\n") != std::string::npos;
  }));
  ASSERT_TRUE(comes_true([&] { return get("/-/ready").status == 200; }));
  EXPECT_EQ(stop(), kDone);
}

TEST_F(AppOnAFailingDisk, DamageThatAnOpeningMeetsEndsIt) {
  start();
  for (int i = 1; i <= 3; ++i) ASSERT_EQ(post(i).status, 200);
  lose_store();
  for (const auto& entry : fs::directory_iterator(config_.data_dir)) {
    if (entry.path().extension() != ".log" || entry.file_size() == 0) continue;
    std::fstream log(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    log.seekp(100);
    log.put('\x55');
  }
  disk_->repair();
  EXPECT_EQ(join(), kEnvironment);
}

// As when the disk is not mounted: an empty folder would forget everything, and nobody would know.
TEST_F(AppOnAFailingDisk, NoOtherFolderIsTakenForTheOneThatIsGone) {
  start();
  ASSERT_EQ(post(1).status, 200);
  lose_store();
  fs::rename(config_.data_dir, folder_.path("elsewhere"));
  disk_->repair();
  ASSERT_TRUE(comes_true([&] {
    return get("/-/ready").body.find("is its disk mounted?") != std::string::npos;
  })) << get("/-/ready").body;
  EXPECT_FALSE(fs::exists(config_.data_dir));
  {
    const auto other = storage::open_rocksdb_store({.path = config_.data_dir});
    ASSERT_TRUE(other) << other.error().message;
    ASSERT_TRUE((*other)->put_meta("instance", "another"));
  }
  ASSERT_TRUE(comes_true([&] {
    return get("/-/ready").body.find("another one than before") != std::string::npos;
  })) << get("/-/ready").body;
  fs::remove_all(config_.data_dir);
  fs::rename(folder_.path("elsewhere"), config_.data_dir);
  ASSERT_TRUE(comes_true([&] { return get("/-/ready").status == 200; }));
  EXPECT_EQ(stop(), kDone);
  EXPECT_THAT(journal(), testing::Contains("e1"));
}

TEST_F(AppOnAFailingDisk, AnInputGoesOnFromItsStoredPosition) {
  InputConfig input;
  input.name = "feed";
  input.path = folder_.write("feed.ndjson", "");
  input.follow = true;
  config_.inputs.push_back(input);
  start();
  std::vector<std::string> sent;
  const auto append = [&](int count) {
    std::ofstream feed(input.path, std::ios::app);
    for (int i = 0; i < count; ++i) {
      feed << event_line(static_cast<int>(sent.size()), 0, "XA", 1);
      sent.push_back(fmt::format("e{}", sent.size()));
    }
  };
  const auto are_journalled = [&] {
    return get("/metrics").body.find(fmt::format("tocsin_journal_events {}\n", sent.size())) !=
           std::string::npos;
  };
  append(500);
  ASSERT_TRUE(comes_true(are_journalled));
  disk_->fail_from(1, Fault::kNoSpace, FaultFileSystem::kAll);
  append(500);
  ASSERT_TRUE(comes_true([&] { return get("/-/ready").status == 503; }));
  append(500);
  disk_->repair();
  ASSERT_TRUE(comes_true(are_journalled)) << get("/metrics").body;
  EXPECT_EQ(stop(), kDone);
  EXPECT_EQ(journal(), sent);
}

TEST_F(AppOnAFailingDisk, RulesThatAreReloadedMeanwhileAreInForceAfterwards) {
  start();
  ASSERT_EQ(post(1).status, 200);
  lose_store();
  write_rules("Very dead");
  const HttpAnswer reloaded = call("POST", "/-/reload");
  EXPECT_EQ(reloaded.status, 200) << reloaded.body;
  disk_->repair();
  ASSERT_TRUE(comes_true([&] { return get("/-/ready").status == 200; }));
  ASSERT_EQ(post_many_dead().status, 200);
  ASSERT_TRUE(comes_true([&] { return says("/v1/alerts", "Very dead in Alpha"); }))
      << get("/v1/alerts").body;
  EXPECT_EQ(stop(), kDone);
}

TEST_F(AppOnAFailingDisk, ASignalEndsItWhileTheStoreIsAway) {
  start();
  lose_store();
  EXPECT_EQ(stop(), kDone);
}

TEST_F(AppOnAFailingDisk, AStartOnSuchADiskFails) {
  disk_->fail_from(1, Fault::kNoSpace, FaultFileSystem::kAll);
  EXPECT_EQ(App(config_, log_, opener()).run(), kEnvironment);
}

}  // namespace
}  // namespace tocsin::daemon
