#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/log_durability.h"
#include "storage/rocksdb_open.h"
#include "storage/wal_check.h"
#include "store_fixture.h"
#include "tests/support/fault_file_system.h"

// What a power cut leaves of the log, and what is made of it, under either durability and when the
// setting changes in between.
namespace tocsin::storage {
namespace {

using namespace testing;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr size_t kSector = 512;

// Of what was not synced, the first whole sectors never reached the disk, the rest did.
void lose_sectors(const fs::path& log, uint64_t synced, size_t most) {
  std::string bytes = read_file(log);
  const size_t begin = (synced + kSector - 1) / kSector * kSector;
  const size_t end = std::min((bytes.size() - 1) / kSector * kSector, begin + most);
  ASSERT_LT(begin, end);
  bytes.replace(begin, end - begin, end - begin, '\0');
  write_file(log, bytes);
}

TEST(PowerCut, LosesNothingAcknowledgedWhenTheOutboxWasWorkedOff) {
  TemporaryFolder folder;
  const auto disk = std::make_shared<FaultFileSystem>();
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(disk);
  const auto catalogue = small_catalogue();
  {
    auto opened = open_rocksdb_store({.path = folder.path()}, env.get());
    ASSERT_TRUE(opened) << opened.error().message;
    Store& store = **opened;
    store.set_catalogue(catalogue);
    ASSERT_TRUE(store.declare_sinks({"hook"}));
    Batch& batch = store.begin();
    std::vector<uint64_t> numbers;
    for (uint64_t i = 1; i <= 200; ++i) {
      batch.put_alert(alert_record(i, 0));
      numbers.push_back(i);
    }
    ASSERT_TRUE(store.commit(batch, at_second(1)));
    ASSERT_TRUE(store.done("hook", numbers));
    disk->fail_from(2, FaultFileSystem::Fault::kIoError);  // power goes before the next sync
    ASSERT_FALSE(commit_events(store, *catalogue, 0, 1000));
    disk->repair();
  }
  const fs::path log = file_of(folder.path(), ".log");
  lose_sectors(log, disk->synced_bytes(log.string()), 2 * kSector);
  const auto store = open_folder(folder.path());
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ((*store)->statistics().alert_records, 200u);
  EXPECT_TRUE((*store)->read_outbox("hook", 10)->empty());
  EXPECT_EQ((*store)->last_seq(), 0u);
}

// A folder whose log, written under `durability`, has a hole in its second commit of three.
std::string folder_with_hole(const TemporaryFolder& folder, Durability durability) {
  const std::string live = folder.path("live");
  const std::string cut = folder.path("cut");
  auto store = open_folder(live, false, durability);
  EXPECT_TRUE(store) << store.error().message;
  const auto catalogue = small_catalogue();
  EXPECT_TRUE(commit_events(**store, *catalogue, 0, 10));
  const uint64_t size = fs::file_size(file_of(live, ".log"));
  EXPECT_TRUE(commit_events(**store, *catalogue, 10, 1000));
  EXPECT_TRUE(commit_events(**store, *catalogue, 1010, 10));
  fs::copy(live, cut);
  lose_sectors(file_of(cut, ".log"), size, kSector);
  return cut;
}

TEST(PowerCut, WithDurabilityIntervalLosesTheEndAlsoWhenTheSettingIsChangedAfterwards) {
  for (const Durability now : {Durability::kInterval, Durability::kCommit}) {
    TemporaryFolder folder;
    const std::string cut = folder_with_hole(folder, Durability::kInterval);
    for (int opening = 0; opening < 2; ++opening) {
      const auto store = open_folder(cut, false, now);
      ASSERT_TRUE(store) << store.error().message;
      EXPECT_EQ(journal_ids(**store).size(), 10u);
    }
  }
}

TEST(PowerCut, WithDurabilityCommitMakesNoHoleBeforeALaterWriteWhateverTheSettingIsNow) {
  for (const Durability now : {Durability::kInterval, Durability::kCommit}) {
    TemporaryFolder folder;
    const std::string cut = folder_with_hole(folder, Durability::kCommit);
    const auto store = open_folder(cut, false, now);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(store.error().message, HasSubstr("damaged at byte"));
  }
}

TEST(LogDurability, IsThatOfTheWeakestLogLeft) {
  TemporaryFolder folder;
  const auto told = [&folder] { return *read_log_durability(folder.path()); };
  const auto opened = [&folder](Durability durability) {
    const auto store = open_folder(folder.path(), false, durability);
    EXPECT_TRUE(store) << store.error().message;
    EXPECT_TRUE(commit_events(**store, *small_catalogue(), (*store)->last_seq(), 1));
  };
  EXPECT_EQ(told(), std::nullopt);
  opened(Durability::kCommit);
  EXPECT_EQ(told(), Durability::kCommit);
  opened(Durability::kInterval);
  EXPECT_EQ(told(), Durability::kInterval);
  opened(Durability::kCommit);
  EXPECT_EQ(told(), Durability::kCommit) << "the log of before is in tables now";
}

TEST(LogDurability, ThatMakesNoSenseIsDamage) {
  TemporaryFolder folder;
  ASSERT_TRUE(open_folder(folder.path()));
  const fs::path file = fs::path(folder.path()) / "DURABILITY";
  ASSERT_EQ(read_file(file), "commit\n");
  write_file(file, "conmit\n");
  const auto store = open_folder(folder.path());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(store.error().message, HasSubstr("neither `commit` nor `interval`"));
}

TEST(UnreadableLog, IsNoCrash) {
  TemporaryFolder folder;
  ASSERT_TRUE(open_folder(folder.path()));
  fs::create_directory(fs::path(folder.path()) / "999999.log");  // opens, and does not read
  const auto store = open_folder(folder.path());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(store.error().message, HasSubstr("999999.log"));
}

}  // namespace
}  // namespace tocsin::storage
