#include "storage/rocksdb_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/codec.h"
#include "storage/keys.h"
#include "storage/rocksdb_open.h"
#include "store_fixture.h"
#include "tests/support/fault_file_system.h"

// What the store on disk promises beyond the contract: who may open it, and what a failing disk
// does.
namespace tocsin::storage {
namespace {

using namespace testing;
using ::testing::HasSubstr;

std::unique_ptr<Store> must_open(const std::string& path, bool read_only = false) {
  Result<std::unique_ptr<Store>> store = open_folder(path, read_only);
  EXPECT_TRUE(store) << store.error().message;
  return store ? std::move(*store) : nullptr;
}

TEST(RocksDbStore, MakesItsFolderForItsOwnerOnly) {
  TemporaryFolder folder;
  const auto store = must_open(folder.path("a/b"));
  struct stat status {};
  ASSERT_EQ(::stat(folder.path("a/b").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0700u);
}

TEST(RocksDbStore, RefusesASecondOwner) {
  TemporaryFolder folder;
  const auto store = must_open(folder.path());
  const auto second = open_folder(folder.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(second.error().message, HasSubstr("another tocsin holds it"));
}

// Takes the lock of a folder as another tocsin does, tells so, and holds it until `stop` is closed.
[[noreturn]] void hold_lock(const char* path, int told, int stop) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const int file = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  char byte = file >= 0 && ::fcntl(file, F_SETLK, &lock) == 0 ? 'y' : 'n';
  if (::write(told, &byte, 1) != 1) ::_exit(2);
  ::_exit(::read(stop, &byte, 1) == 0 ? 0 : 3);
}

TEST(RocksDbStore, RefusesAnotherProcessBeforeItReadsItsLogs) {
  TemporaryFolder folder;
  const std::string lock = folder.path("data/LOCK");
  // Another's log may look like anything: it is none of our business.
  std::filesystem::create_directories(folder.path("data/999999.log"));
  int told[2];
  int stop[2];
  ASSERT_EQ(::pipe(told), 0);
  ASSERT_EQ(::pipe(stop), 0);
  const pid_t owner = ::fork();
  ASSERT_GE(owner, 0);
  if (owner == 0) {
    ::close(stop[1]);
    hold_lock(lock.c_str(), told[1], stop[0]);
  }
  char answer = 0;
  ASSERT_EQ(::read(told[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  const auto second = open_folder(folder.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(second.error().message, HasSubstr("another tocsin holds it"));
  ::close(stop[1]);
  int status = 0;
  ASSERT_EQ(::waitpid(owner, &status, 0), owner);
  EXPECT_EQ(status, 0);
  for (const int end : {told[0], told[1], stop[0]}) ::close(end);
}

TEST(RocksDbStore, DoesNotBlameAnotherForALockThatItCannotMake) {
  TemporaryFolder folder;
  std::filesystem::create_directories(folder.path("data/LOCK"));
  const auto store = open_folder(folder.path());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kUnavailable) << store.error().message;
}

TEST(RocksDbStore, LetsAReaderInBesideItsOwner) {
  TemporaryFolder folder;
  const auto catalogue = small_catalogue();
  const auto owner = must_open(folder.path());
  ASSERT_TRUE(commit_events(*owner, *catalogue, 0, 3));
  const auto reader = must_open(folder.path(), /*read_only=*/true);
  EXPECT_EQ(journal_ids(*reader).size(), 3u);
  const Status status = commit_events(*reader, *catalogue, 3, 1);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kInvalid);
  EXPECT_FALSE(reader->put_meta("a", "b"));
  EXPECT_FALSE(reader->declare_sinks({"a"}));
  ASSERT_TRUE(commit_events(*owner, *catalogue, 3, 1));
}

TEST(RocksDbStore, FindsNothingToReadWhereNothingIs) {
  TemporaryFolder folder;
  const auto reader = open_folder(folder.path(), /*read_only=*/true);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, ErrorCode::kNotFound);
}

void write_format(const std::string& path, uint32_t version) {
  std::vector<std::string> names;
  ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, path, &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open({}, path, families, &handles, &db).ok());
  ASSERT_TRUE(db->Put({}, rocksdb::Slice(keys::kFormat.data(), keys::kFormat.size()),
                      encode_format(version))
                  .ok());
  for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
  delete db;
}

TEST(RocksDbStore, RefusesAnotherFormatWithAWayOut) {
  TemporaryFolder folder;
  must_open(folder.path());
  write_format(folder.path(), kFormatVersion + 1);
  const auto newer = open_folder(folder.path());
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(newer.error().message, HasSubstr("written by a newer tocsin"));
  write_format(folder.path(), 0);
  const auto older = open_folder(folder.path());
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(older.error().message, HasSubstr("run the tocsin that wrote it"));
}

// Of a format that nobody can bring up to ours, with fewer tables.
void make_format_0(const std::string& path) {
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, path, &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);
  for (const char* name : {"journal", "journal_index", "ids", "state", "alerts", "alert_log",
                           "alert_index", "outbox", "positions", "dead_letters"}) {
    rocksdb::ColumnFamilyHandle* handle = nullptr;
    ASSERT_TRUE(db->CreateColumnFamily({}, name, &handle).ok());
    db->DestroyColumnFamilyHandle(handle);
  }
  ASSERT_TRUE(
      db->Put({}, rocksdb::Slice(keys::kFormat.data(), keys::kFormat.size()), encode_format(0))
          .ok());
}

TEST(RocksDbStore, RefusesAnOlderFolderAndLeavesItAsItIs) {
  TemporaryFolder folder;
  make_format_0(folder.path());
  for (const bool read_only : {true, false}) {
    const auto store = open_folder(folder.path(), read_only);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(store.error().message, HasSubstr("has format 0, this tocsin works with format 2"));
    EXPECT_THAT(store.error().message, HasSubstr("run the tocsin that wrote it"));
  }
  std::vector<std::string> names;
  ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, folder.path(), &names).ok());
  EXPECT_EQ(names.size(), 11u);
}

TEST(RocksDbStore, CountsWhatItHolds) {
  TemporaryFolder folder;
  const auto store = must_open(folder.path());
  ASSERT_TRUE(commit_events(*store, *small_catalogue(), 0, 100));
  const StoreStatistics statistics = store->statistics();
  EXPECT_EQ(statistics.journal_events, 100u);
  EXPECT_EQ(statistics.last_seq, 100u);
  EXPECT_GT(statistics.disk_bytes, 1000u);
  EXPECT_GT(statistics.engine.at("rocksdb.cur-size-all-mem-tables"), 0.0);
  EXPECT_EQ(statistics.engine.count("rocksdb.num-sst-files"), 1u);
  EXPECT_EQ(statistics.engine.count("rocksdb.estimate-pending-compaction-bytes"), 1u);
}

class FailingDisk : public ::testing::TestWithParam<FaultFileSystem::Fault> {
 protected:
  Result<std::unique_ptr<Store>> open() {
    RocksDbOptions options;
    options.path = folder_.path();
    options.write_buffer_bytes = 1 << 20;
    auto store = open_rocksdb_store(options, env_.get());
    if (store) (*store)->set_catalogue(catalogue_);
    return store;
  }

  TemporaryFolder folder_;
  const std::shared_ptr<const Catalogue> catalogue_ = small_catalogue();
  const std::shared_ptr<FaultFileSystem> disk_ = std::make_shared<FaultFileSystem>();
  const std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(disk_);
};

INSTANTIATE_TEST_SUITE_P(Disk, FailingDisk,
                         ::testing::Values(FaultFileSystem::Fault::kNoSpace,
                                           FaultFileSystem::Fault::kIoError));

// Whichever write of a commit fails, log or fsync: it says so, nothing answers until the store is
// reopened, and then the commit is there whole or not at all.
TEST_P(FailingDisk, StopsTheStoreUntilReopenedAndKeepsWhatWasAcknowledged) {
  uint64_t next = 0;
  for (int nth = 1; nth <= 3; ++nth) {
    SCOPED_TRACE(fmt::format("write {} fails", nth));
    auto opened = open();
    ASSERT_TRUE(opened) << opened.error().message;
    std::unique_ptr<Store> store = std::move(*opened);
    ASSERT_EQ(journal_ids(*store).size(), store->last_seq());
    next = store->last_seq();
    ASSERT_TRUE(commit_events(*store, *catalogue_, next, 10));
    next += 10;
    disk_->fail_from(nth, GetParam());
    uint64_t acknowledged = next;
    Status status;
    for (int i = 0; i < 3 && status; ++i) {
      status = commit_events(*store, *catalogue_, next, 10);
      next += 10;
      if (status) acknowledged = next;
    }
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(status.error().message, HasSubstr("commit 10 events"));
    EXPECT_THAT(status.error().message, HasSubstr(folder_.path()));
    disk_->repair();

    // There is room again, but what is in memory may not be what is on the disk.
    Arena arena;
    EXPECT_EQ(commit_events(*store, *catalogue_, next, 1).error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(store->read_event(1, arena).error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(store->read_journal(1, [](const auto&) { return true; }).error().code,
              ErrorCode::kUnavailable);
    EXPECT_EQ(store->put_meta("a", "b").error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(store->declare_sinks({"a"}).error().code, ErrorCode::kUnavailable);

    store.reset();
    auto again = open();
    ASSERT_TRUE(again) << again.error().message;
    const std::vector<std::string> ids = journal_ids(**again);
    EXPECT_TRUE(ids.size() == acknowledged || ids.size() == acknowledged + 10)
        << ids.size() << " events after " << acknowledged << " acknowledged";
    for (size_t i = 0; i < ids.size(); ++i) ASSERT_EQ(ids[i], fmt::format("event-{}", i));
  }
}

TEST(RocksDbStore, ReachesALoweredLimitOfDeadLettersBitByBit) {
  TemporaryFolder folder;
  const auto commit = [](Store& store, int64_t first, int64_t count) {
    Batch& batch = store.begin();
    for (int64_t n = first; n < first + count; ++n) batch.put_dead_letter(dead_letter(n));
    ASSERT_TRUE(store.commit(batch, WallTime{}));
  };
  commit(*must_open(folder.path()), 1, 5000);
  auto store = open_rocksdb_store({.path = folder.path(), .dead_letters_max = 10});
  ASSERT_TRUE(store) << store.error().message;
  commit(**store, 5001, 1);
  EXPECT_EQ((*store)->statistics().dead_letters, 5001u - 1002u) << "a commit waits for some alone";
  ASSERT_TRUE((*store)->apply_retention({}, WallTime{}));
  EXPECT_EQ((*store)->statistics().dead_letters, 10u);
}

}  // namespace
}  // namespace tocsin::storage
