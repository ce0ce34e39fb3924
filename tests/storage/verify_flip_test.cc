#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "full_folder.h"
#include "recording_observer.h"
#include "storage/key_value.h"
#include "storage/rocksdb_key_value.h"
#include "storage/rocksdb_options.h"

// A flipped byte in any file of a data folder: verify tells it, and nobody is ever served it.
namespace tocsin::storage {
namespace {

using namespace testing;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

// Tables of what the first opening read from the log, and a log of what the second committed.
std::string folder_with_logs(const TemporaryFolder& folder) {
  const std::string live = folder.path("live");
  fill(live);
  const auto store = open_folder(live);
  EXPECT_TRUE(store) << store.error().message;
  EXPECT_TRUE(commit_events(**store, *small_catalogue(), 50, 2000, at_second(2)));
  const std::string copy = folder.path("copy");
  fs::copy(live, copy);  // as a killed process leaves it
  return copy;
}

// Column family of each table file, by its name.
std::map<std::string, std::string> families_of(const std::string& path) {
  std::map<std::string, std::string> found;
  const auto tables =
      RocksDbKeyValue::open({.path = path, .read_only = true}, rocksdb::Env::Default());
  EXPECT_TRUE(tables) << tables.error().message;
  for (const auto& file : (*tables)->table_files()) {
    found[fs::path(file.name).filename().string()] = file.column_family_name;
  }
  return found;
}

struct Looked {
  std::string damage;  // or why it could not look
  bool clean() const { return damage.empty(); }
};

Looked look(const std::string& path) {
  RecordingObserver observer;
  const Result<VerifiedFolder> seen = verify_folder(path, observer);
  return {seen ? observer.text() : seen.error().message};
}

// Flips a byte of `file` at seeded places and at both ends; `judge` is told where.
void flip(const fs::path& file, size_t times, std::mt19937_64& random,
          const std::function<void()>& judge) {
  const std::string bytes = read_file(file);
  ASSERT_FALSE(bytes.empty()) << file;
  std::set<size_t> places{0, bytes.size() - 1};
  while (places.size() < std::min(times, bytes.size())) places.insert(random() % bytes.size());
  for (const size_t at : places) {
    const auto mask = static_cast<char>(1 << (random() % 8));
    SCOPED_TRACE(fmt::format("{}, byte {} of {}, mask {:#x}", file.filename().string(), at,
                             bytes.size(), static_cast<uint8_t>(mask)));
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ mask);
    write_file(file, flipped);
    judge();
  }
  write_file(file, bytes);
}

class FlippedByte : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = folder_with_logs(folder_);
    const Result<std::string> all = read_all(path_);
    ASSERT_TRUE(all) << all.error().message;
    sound_ = *all;
    ASSERT_EQ(look(path_).damage, "");
  }
  // What is read is what was written, or nothing is.
  void expect_never_served() {
    const Result<std::string> all = read_all(path_);
    if (all) {
      EXPECT_EQ(*all, sound_);
    }
  }
  void expect_told() {
    EXPECT_FALSE(look(path_).clean());
    expect_never_served();
  }

  TemporaryFolder folder_;
  std::string path_;
  std::string sound_;
  std::mt19937_64 random_{20260727};
};

TEST_F(FlippedByte, InATableOfEveryFamilyIsTold) {
  std::set<std::string> families;
  for (const auto& [name, family] : families_of(path_)) {
    families.insert(family);
    SCOPED_TRACE(family);
    flip(fs::path(path_) / name, 12, random_, [this] { expect_told(); });
  }
  EXPECT_EQ(families.size(), kTables) << "a table without a file was not tried";
}

TEST_F(FlippedByte, InATableIsNamedWithItsFile) {
  for (const auto& [name, family] : families_of(path_)) {
    flip(fs::path(path_) / name, 1, random_, [&, file = name] {
      const std::string damage = look(path_).damage;
      EXPECT_THAT(damage, HasSubstr("T0530 " + (fs::path(path_) / file).string()));
      EXPECT_THAT(damage, HasSubstr("tocsin restore"));
    });
  }
}

TEST_F(FlippedByte, InTheLogIsTold) {
  flip(file_of(path_, ".log"), 100, random_, [this] { expect_told(); });
}

TEST_F(FlippedByte, InTheManifestIsTold) {
  for (const auto& entry : fs::directory_iterator(path_)) {
    if (!entry.path().filename().string().starts_with("MANIFEST")) continue;
    flip(entry.path(), 150, random_, [this] { expect_told(); });
  }
}

TEST_F(FlippedByte, InCurrentOrTheDurabilityIsTold) {
  for (const char* name : {"CURRENT", "DURABILITY"}) {
    flip(fs::path(path_) / name, 1000, random_, [this] { expect_told(); });
  }
}

// RocksDB writes them for people: no byte of them is read when a folder is opened.
TEST_F(FlippedByte, InWhatHoldsNoDataChangesNothing) {
  size_t tried = 0;
  for (const auto& entry : fs::directory_iterator(path_)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("OPTIONS") && name != "IDENTITY") continue;
    ++tried;
    flip(entry.path(), 30, random_, [this] {
      EXPECT_EQ(look(path_).damage, "");
      const Result<std::string> all = read_all(path_);
      ASSERT_TRUE(all) << all.error().message;
      EXPECT_EQ(*all, sound_);
    });
  }
  EXPECT_GE(tried, 2u);
}

// Also in front of the owner, who would go on from there.
TEST_F(FlippedByte, InTheManifestKeepsTheOwnerFromOpening) {
  for (const auto& entry : fs::directory_iterator(path_)) {
    if (!entry.path().filename().string().starts_with("MANIFEST")) continue;
    flip(entry.path(), 40, random_, [this] {
      const std::string again = folder_.path("again");
      fs::remove_all(again);
      fs::copy(path_, again);
      const auto store = open_folder(again);
      ASSERT_FALSE(store);
      EXPECT_EQ(store.error().code, ErrorCode::kCorrupt) << store.error().message;
    });
  }
}

TEST(VerifyFolder, SaysThatThereIsNone) {
  TemporaryFolder folder;
  RecordingObserver observer;
  const auto seen = verify_folder(folder.path("nothing"), observer);
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().code, ErrorCode::kNotFound) << seen.error().message;
}

TEST(VerifyFolder, CountsWhatItLookedAt) {
  TemporaryFolder folder;
  fill(folder.path());
  RecordingObserver observer;
  const auto seen = verify_folder(folder.path(), observer);
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_EQ(observer.text(), "");
  EXPECT_EQ(seen->first_seq, 1u);
  EXPECT_EQ(seen->last_seq, 50u);
  EXPECT_EQ(seen->checkpoint_seq, 50u);
  EXPECT_EQ(seen->events, 50u);
  EXPECT_EQ(seen->ids, 50u);
  EXPECT_EQ(seen->alerts, 20u);
  EXPECT_EQ(seen->transitions, 20u);
  EXPECT_EQ(seen->outbox, 20u);
  EXPECT_EQ(seen->dead_letters, 20u);
  EXPECT_EQ(seen->state_entries, 20u);
  EXPECT_GE(seen->files, 2u);
}

// The owner flushes, merges and takes files away all the time.
TEST(VerifyFolder, FindsNothingBesideABusyOwner) {
  TemporaryFolder folder;
  RocksDbOptions options;
  options.path = folder.path();
  options.write_buffer_bytes = 64 << 10;
  auto opened = open_rocksdb_store(options);
  ASSERT_TRUE(opened) << opened.error().message;
  Store& store = **opened;
  const auto catalogue = small_catalogue();
  store.set_catalogue(catalogue);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> committed{0};
  // While a folder is looked at so many come in, however slow the look is.
  constexpr uint64_t kEventsALook = 20'000;
  std::atomic<uint64_t> allowed{kEventsALook};
  std::thread owner([&] {
    for (uint64_t n = 0; !stop; n += 500) {
      while (n >= allowed && !stop) std::this_thread::yield();
      Arena arena;
      Batch& batch = store.begin();
      for (uint64_t i = n; i < n + 500; ++i) batch.append(plain_event(*catalogue, i, arena));
      batch.put_alert(alert_record(n, 0));
      batch.put_state(fmt::format("key {}", n % 5), std::string(2000, 'x'));
      batch.mark_checkpoint();
      ASSERT_TRUE(store.commit(batch, at_second(static_cast<int64_t>(n))));
      committed = n + 500;
    }
  });
  while (committed < 5000) std::this_thread::yield();
  for (int i = 0; i < 12; ++i) {
    allowed += kEventsALook;
    const uint64_t before = committed;
    RecordingObserver observer;
    const auto seen = verify_folder(folder.path(), observer);
    EXPECT_TRUE(seen) << seen.error().message;
    EXPECT_EQ(observer.text(), "");
    if (seen) {
      EXPECT_GE(seen->last_seq, before);
    }
  }
  stop = true;
  owner.join();
}

}  // namespace
}  // namespace tocsin::storage
