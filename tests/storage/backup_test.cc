#include "storage/backup.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "full_folder.h"
#include "recording_observer.h"
#include "storage/log_durability.h"
#include "storage/memory_store.h"

// What was committed can be had again from a folder of backups.
namespace tocsin::storage {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

std::vector<uint32_t> numbers_of(const BackupList& list) {
  std::vector<uint32_t> numbers;
  for (const Backup& backup : list.backups) numbers.push_back(backup.number);
  return numbers;
}

uint64_t bytes_in(const std::string& folder) {
  uint64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

Status restore(const std::string& backups, uint32_t number, const std::string& data) {
  const Result<Backup> copied = copy_backup(backups, number, data);
  if (!copied) return copied.error();
  return finish_restore(data);
}

std::string damage_of(const std::string& data) {
  RecordingObserver observer;
  const auto seen = verify_folder(data, observer);
  return seen ? observer.text() : seen.error().message;
}

class Backups : public ::testing::Test {
 protected:
  Result<Backup> back_up(uint32_t keep = 0) {
    auto store = open_folder(data_);
    EXPECT_TRUE(store) << store.error().message;
    return (*store)->back_up({.folder = backups_, .keep = keep});
  }
  void commit(uint64_t first, uint64_t count) {
    auto store = open_folder(data_);
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE(commit_events(**store, *small_catalogue(), first, count));
  }

  TemporaryFolder folder_;
  const std::string data_ = folder_.path("data");
  const std::string backups_ = folder_.path("backups");
  const std::string restored_ = folder_.path("restored");
};

TEST_F(Backups, AreRestoredToWhatWasThere) {
  fill(data_);
  const Result<Backup> backup = back_up();
  ASSERT_TRUE(backup) << backup.error().message;
  EXPECT_EQ(backup->number, 1u);
  EXPECT_EQ(backup->last_seq, 50u);
  const Status status = restore(backups_, 0, restored_);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(*read_all(restored_), *read_all(data_));
  EXPECT_EQ(damage_of(restored_), "");
  const auto durability = read_log_durability(restored_);
  ASSERT_TRUE(durability);
  EXPECT_EQ(*durability, Durability::kCommit);
}

TEST_F(Backups, ShareTheTablesThatDidNotChange) {
  commit(0, 20'000);
  ASSERT_TRUE(back_up());
  const uint64_t one = bytes_in(backups_);
  commit(20'000, 10);
  ASSERT_TRUE(back_up());
  EXPECT_LT(bytes_in(backups_) - one, one / 4);
  for (const uint32_t number : {1u, 2u}) {
    fs::remove_all(restored_);
    ASSERT_TRUE(restore(backups_, number, restored_));
    EXPECT_EQ(events_after_opening(restored_), number == 1 ? 20'000u : 20'010u);
  }
}

TEST_F(Backups, KeepTheNewest) {
  fill(data_);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(back_up(/*keep=*/2));
  const auto list = list_backups(backups_);
  ASSERT_TRUE(list);
  EXPECT_THAT(numbers_of(*list), ElementsAre(3, 4));
  EXPECT_THAT(list->damaged, IsEmpty());
  EXPECT_EQ(list->backups[1].last_seq, 50u);
  ASSERT_TRUE(restore(backups_, 3, restored_));
  EXPECT_EQ(*read_all(restored_), *read_all(data_));
}

TEST_F(Backups, AreReadableByTheirOwnerAlone) {
  fill(data_);
  ASSERT_TRUE(back_up());
  ASSERT_TRUE(restore(backups_, 0, restored_));
  for (const std::string& path : {backups_, restored_}) {
    EXPECT_EQ(fs::status(path).permissions() & (fs::perms::group_all | fs::perms::others_all),
              fs::perms::none)
        << path;
  }
}

// What comes meanwhile may or may not be in it; what was there before is, and all of it agrees.
TEST_F(Backups, OfAStoreUnderLoadAreSound) {
  RocksDbOptions options;
  options.path = data_;
  options.write_buffer_bytes = 128 << 10;
  auto opened = open_rocksdb_store(options);
  ASSERT_TRUE(opened) << opened.error().message;
  Store& store = **opened;
  const auto catalogue = small_catalogue();
  store.set_catalogue(catalogue);
  ASSERT_TRUE(store.declare_sinks({"hook"}));
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> committed{0};
  std::atomic<uint64_t> most{20'000};  // more with each backup, so that the last is not of millions
  std::thread owner([&] {
    for (uint64_t n = 0; !stop; n += 200) {
      while (n >= most && !stop) std::this_thread::yield();
      Arena arena;
      Batch& batch = store.begin();
      for (uint64_t i = n; i < n + 200; ++i) batch.append(plain_event(*catalogue, i, arena));
      batch.put_alert(alert_record(n % 1000, static_cast<uint32_t>(n / 1000)));
      batch.put_position("file/x", std::to_string(n + 200));
      batch.put_state("upto", std::to_string(n + 200));
      batch.mark_checkpoint();
      ASSERT_TRUE(store.commit(batch, at_second(static_cast<int64_t>(n))));
      committed = n + 200;
    }
  });
  while (committed < 2000) std::this_thread::yield();
  for (uint32_t i = 1; i <= 6; ++i) {
    const uint64_t before = committed;
    most = before + 20'000;
    const Result<Backup> backup = store.back_up({.folder = backups_});
    ASSERT_TRUE(backup) << backup.error().message;
    EXPECT_GE(backup->last_seq, before);
    fs::remove_all(restored_);
    ASSERT_TRUE(restore(backups_, i, restored_));
    EXPECT_EQ(damage_of(restored_), "");
    const auto copy = open_folder(restored_);
    ASSERT_TRUE(copy) << copy.error().message;
    const JournalSeq last = (*copy)->last_seq();
    EXPECT_GE(last, backup->last_seq);
    EXPECT_EQ((*copy)->checkpoint_seq(), last);
    EXPECT_EQ((*copy)->position("file/x"), std::to_string(last)) << "of the same commit";
    EXPECT_EQ(journal_ids(**copy).size(), last);
  }
  stop = true;
  owner.join();
}

TEST_F(Backups, AreTakenOneAtATime) {
  fill(data_);
  auto store = open_folder(data_);
  ASSERT_TRUE(store);
  ASSERT_TRUE((*store)->back_up({.folder = backups_}));
  Result<Backup> second = unavailable("not asked");
  ASSERT_TRUE(commit_events(**store, *small_catalogue(), 50, 60'000));
  const Result<Backup> first =
      (*store)->back_up({.folder = backups_, .progress = [&](uint64_t, uint64_t) {
                           second = (*store)->back_up({.folder = backups_});
                           return true;
                         }});
  ASSERT_TRUE(first) << first.error().message;
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("another backup is being taken there"));
}

TEST_F(Backups, ThatAreCutOffLeaveTheOthersAsTheyWere) {
  commit(0, 60'000);
  auto store = open_folder(data_);
  ASSERT_TRUE(store);
  uint64_t told = 0;
  const Result<Backup> cut =
      (*store)->back_up({.folder = backups_, .progress = [&](uint64_t done, uint64_t of) {
                           EXPECT_LE(done, of);
                           told = done;
                           return false;
                         }});
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, ErrorCode::kUnavailable) << cut.error().message;
  EXPECT_GT(told, 0u);
  const auto none = list_backups(backups_);
  ASSERT_TRUE(none);
  EXPECT_THAT(numbers_of(*none), IsEmpty());
  ASSERT_TRUE((*store)->back_up({.folder = backups_}));
  ASSERT_TRUE(restore(backups_, 0, restored_));
  EXPECT_EQ(events_after_opening(restored_), 60'000u);
}

TEST_F(Backups, AreNotTakenOfWhatIsDamaged) {
  commit(0, 5000);
  ASSERT_TRUE(open_folder(data_));  // what the log holds becomes tables
  const fs::path table = file_of(data_, ".sst");
  std::string bytes = read_file(table);
  auto store = open_folder(data_);
  ASSERT_TRUE(store);
  bytes[bytes.size() / 2] ^= 1;
  write_file(table, bytes);
  const Result<Backup> backup = (*store)->back_up({.folder = backups_});
  ASSERT_FALSE(backup);
  EXPECT_EQ(backup.error().code, ErrorCode::kCorrupt) << backup.error().message;
}

TEST_F(Backups, ThatAreDamagedAreNotRestored) {
  commit(0, 5000);
  ASSERT_TRUE(back_up());
  commit(5000, 5000);
  ASSERT_TRUE(back_up());
  size_t tried = 0;
  for (const auto& entry : fs::recursive_directory_iterator(backups_)) {
    if (!entry.is_regular_file() || entry.file_size() == 0) continue;
    const std::string bytes = read_file(entry.path());
    std::string flipped = bytes;
    flipped[bytes.size() / 3] ^= 1;
    write_file(entry.path(), flipped);
    SCOPED_TRACE(entry.path().string());
    ++tried;
    const auto list = list_backups(backups_);
    ASSERT_TRUE(list) << list.error().message;
    bool met = !list->damaged.empty();
    for (const uint32_t number : {1u, 2u}) {
      const Result<Backup> copied = copy_backup(backups_, number, restored_);
      met = met || !copied;
      if (copied) {
        EXPECT_EQ(damage_of(restored_folder(restored_)), "");
      }
      drop_restore(restored_);
    }
    EXPECT_TRUE(met) << "restored without a word";
    write_file(entry.path(), bytes);
  }
  EXPECT_GT(tried, 10u);
}

TEST_F(Backups, AreNotMixedWithOtherFiles) {
  fill(data_);
  fs::create_directories(backups_);
  write_file(fs::path(backups_) / "letter.txt", "dear");
  Result<Backup> backup = back_up();
  ASSERT_FALSE(backup);
  EXPECT_EQ(backup.error().code, ErrorCode::kInvalid) << backup.error().message;
  auto store = open_folder(data_);
  backup = (*store)->back_up({.folder = data_});
  ASSERT_FALSE(backup);
  EXPECT_EQ(backup.error().code, ErrorCode::kInvalid) << backup.error().message;
}

TEST_F(Backups, AreRestoredToAFreeFolderAlone) {
  fill(data_);
  ASSERT_TRUE(back_up());
  Result<Backup> copied = copy_backup(backups_, 0, data_);
  ASSERT_FALSE(copied);
  EXPECT_EQ(copied.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(copied.error().message, HasSubstr("it is not empty"));
  copied = copy_backup(backups_, 7, restored_);
  ASSERT_FALSE(copied);
  EXPECT_EQ(copied.error().code, ErrorCode::kNotFound);
  copied = copy_backup(folder_.path("nothing"), 0, restored_);
  ASSERT_FALSE(copied);
  EXPECT_EQ(copied.error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(fs::exists(restored_)) << "nothing was to be made";
}

// Whatever the moment, nobody takes half a restore for a data folder, and it can be done again.
TEST_F(Backups, WhoseRestoreWasCutOffAreRefusedUntilItIsDoneAgain) {
  fill(data_);
  ASSERT_TRUE(back_up());
  ASSERT_TRUE(copy_backup(backups_, 0, restored_));
  // As finish_restore() leaves it when it is killed: some files have moved.
  size_t moved = 0;
  for (const auto& entry : fs::directory_iterator(restored_folder(restored_))) {
    if (entry.path().filename() == "CURRENT" || moved++ >= 5) continue;
    fs::rename(entry.path(), fs::path(restored_) / entry.path().filename());
  }
  for (const bool read_only : {false, true}) {
    const auto store = open_folder(restored_, read_only);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(store.error().message, HasSubstr("a restore into it was not finished"));
  }
  ASSERT_TRUE(restore(backups_, 0, restored_));
  EXPECT_EQ(*read_all(restored_), *read_all(data_));
}

TEST(Backup, OfAStoreWithoutADiskIsRefused) {
  const auto store = make_memory_store();
  const Result<Backup> backup = store->back_up({.folder = "/nowhere"});
  ASSERT_FALSE(backup);
  EXPECT_EQ(backup.error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace tocsin::storage
