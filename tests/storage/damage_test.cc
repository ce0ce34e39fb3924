#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/wal_check.h"
#include "store_fixture.h"

// What becomes of a data folder when the last write is torn, or a byte flips.
namespace tocsin::storage {
namespace {

using namespace testing;
namespace fs = std::filesystem;

// A folder as a killed process leaves it: copied while it is open. Sizes of the log after each of
// the commits of `per_commit` events.
struct Snapshot {
  std::string path;
  std::vector<size_t> log_ends;
};

Snapshot snapshot(const TemporaryFolder& folder, int commits, uint64_t per_commit) {
  const auto catalogue = small_catalogue();
  const std::string live = folder.path("live");
  auto store = open_folder(live);
  EXPECT_TRUE(store);
  Snapshot taken{folder.path("snapshot"), {}};
  for (int i = 0; i < commits; ++i) {
    EXPECT_TRUE(
        commit_events(**store, *catalogue, static_cast<uint64_t>(i) * per_commit, per_commit));
    taken.log_ends.push_back(fs::file_size(file_of(live, ".log")));
  }
  fs::copy(live, taken.path);
  return taken;
}

TEST(TornWrite, LeavesTheStateBeforeIt) {
  TemporaryFolder folder;
  const Snapshot taken = snapshot(folder, 3, 2);
  const std::string log = read_file(file_of(taken.path, ".log"));
  ASSERT_EQ(log.size(), taken.log_ends[2]);
  const std::string torn = folder.path("torn");
  for (size_t cut = taken.log_ends[1]; cut <= log.size(); ++cut) {
    SCOPED_TRACE(fmt::format("cut at byte {}", cut));
    fs::remove_all(torn);
    fs::copy(taken.path, torn);
    write_file(file_of(torn, ".log"), std::string_view(log).substr(0, cut));
    const uint64_t expected = cut == log.size() ? 6 : 4;
    const auto judged = check_wal(torn, /*synced=*/true);
    ASSERT_TRUE(judged) << judged.error().message;
    ASSERT_EQ(events_after_opening(torn, /*read_only=*/true), expected);
    // An owner also writes tables of what it has read, which takes its time.
    if (cut % 64 == 0 || cut + 4 > log.size()) {
      ASSERT_EQ(events_after_opening(torn), expected);
      ASSERT_EQ(events_after_opening(torn), expected) << "opened again";
    }
  }
}

TEST(TornWrite, IsToldOnceByTheOwnerThatLeavesItOut) {
  TemporaryFolder folder;
  const Snapshot taken = snapshot(folder, 3, 2);
  const std::string file = file_of(taken.path, ".log");
  const std::string log = read_file(file);
  std::vector<std::string> told;
  const auto open = [&](bool read_only) {
    const auto store = open_rocksdb_store(
        {.path = taken.path, .read_only = read_only, .on_torn = [&](const TornLog& torn) {
           told.push_back(fmt::format("{}: {}", torn.file, torn.bytes));
         }});
    EXPECT_TRUE(store);
  };
  write_file(file, std::string_view(log).substr(0, taken.log_ends[1] + 10));
  open(/*read_only=*/true);
  EXPECT_THAT(told, ::testing::IsEmpty()) << "a reader leaves it there";
  open(/*read_only=*/false);
  open(/*read_only=*/false);
  EXPECT_THAT(told, ::testing::ElementsAre(file + ": 10"));
}

TEST(TornWrite, MayHaveHoles) {
  TemporaryFolder folder;
  const Snapshot taken = snapshot(folder, 2, 5000);
  std::string log = read_file(file_of(taken.path, ".log"));
  const size_t page = (taken.log_ends[0] / 4096 + 2) * 4096;
  ASSERT_LT(page + 4096, log.size());
  log.replace(page, 4096, 4096, '\0');
  write_file(file_of(taken.path, ".log"), log);
  EXPECT_EQ(events_after_opening(taken.path), 5000u);
}

TEST(FlippedByte, InTheLogIsFoundAtOpening) {
  TemporaryFolder folder;
  const Snapshot taken = snapshot(folder, 3, 2);
  const std::string log = read_file(file_of(taken.path, ".log"));
  for (size_t at = 0; at < log.size(); at += 1) {
    std::string flipped = log;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    const WalVerdict verdict = judge_wal(flipped, /*synced=*/true);
    ASSERT_EQ(verdict.end, WalEnd::kDamaged) << "byte " << at;
  }
  std::string flipped = log;
  flipped[taken.log_ends[0] + 40] ^= 4;
  write_file(file_of(taken.path, ".log"), flipped);
  const auto store = open_folder(taken.path);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(store.error().message, ::testing::HasSubstr("damaged at byte"));
}

TEST(FlippedByte, InALargeLogIsFoundInEveryPartOfIt) {
  TemporaryFolder folder;
  const Snapshot taken = snapshot(folder, 3, 6000);
  const std::string log = read_file(file_of(taken.path, ".log"));
  ASSERT_GT(log.size(), 3u * 32768);
  for (size_t at = 0; at < log.size(); at += 7919) {
    std::string flipped = log;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x20);
    ASSERT_EQ(judge_wal(flipped, true).end, WalEnd::kDamaged) << "byte " << at;
  }
  EXPECT_EQ(judge_wal(log, true).end, WalEnd::kClean);
}

// Everything there is, read in every way; events must be the right ones. True when damage was met.
bool damage_is_met(const std::string& path, uint64_t events) {
  auto store = open_folder(path);
  if (!store) return store.error().code == ErrorCode::kCorrupt;
  uint64_t n = 0;
  bool right = true;
  const Status journal = (*store)->read_journal(1, [&](const Store::JournalRecord& record) {
    right = right && record.event != nullptr && record.event->id == fmt::format("event-{}", n++);
    return true;
  });
  EXPECT_TRUE(right);
  uint64_t ids = 0;
  const Status seen = (*store)->read_seen_ids(kMinEventTime, [&](const auto&) { ++ids; });
  const bool met = !journal || !seen;
  if (!journal) {
    EXPECT_EQ(journal.error().code, ErrorCode::kCorrupt) << journal.error().message;
  }
  if (!seen) {
    EXPECT_EQ(seen.error().code, ErrorCode::kCorrupt) << seen.error().message;
  }
  EXPECT_TRUE(met || (n == events && ids == events)) << n << " events, " << ids << " ids";
  return met;
}

TEST(FlippedByte, InATableIsNeverServedAsData) {
  TemporaryFolder folder;
  const Snapshot taken = snapshot(folder, 2, 3000);
  ASSERT_EQ(events_after_opening(taken.path), 6000u);  // replays the log into tables
  const std::string table = file_of(taken.path, ".sst").filename().string();
  const std::string bytes = read_file(fs::path(taken.path) / table);
  int met = 0;
  int tried = 0;
  for (size_t at = 11; at < bytes.size(); at += bytes.size() / 40) {
    const std::string flipped = folder.path("flipped");
    fs::copy(taken.path, flipped);
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    write_file(fs::path(flipped) / table, changed);
    if (damage_is_met(flipped, 6000)) ++met;
    ++tried;
    fs::remove_all(flipped);
  }
  // Some bytes (statistics in the file's properties) are read by nobody.
  EXPECT_GT(met, tried * 8 / 10) << met << " of " << tried;
}

}  // namespace
}  // namespace tocsin::storage
