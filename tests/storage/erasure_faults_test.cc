#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include "folder_text.h"
#include "marked_events.h"
#include "recording_observer.h"
#include "storage/rocksdb_open.h"
#include "store_fixture.h"
#include "tests/support/fault_file_system.h"

// A disk that fails in the middle of an erasure, at each of its operations: the folder is whole,
// each commit's events are all erased or all there, and the next erasure ends as one that nothing
// disturbed.
namespace tocsin::storage {
namespace {

using namespace testing;
using std::chrono::days;
namespace fs = std::filesystem;
using Fault = FaultFileSystem::Fault;
using Tail = FaultFileSystem::Tail;

constexpr uint64_t kEventsPerCommit = 3;  // the first is marked red

Status erase_all(Store& store) {
  const Store::Erasure erasure{.journal = limits(Milliseconds(0), days(1)),
                               .closed_alerts = limits(Milliseconds(0), days(1)),
                               .marking_of = marking_in};
  for (bool more = true; more;) {
    const auto part = store.erase_marked(erasure, at_day(50));
    if (!part) return part.error();
    more = part->more;
  }
  std::atomic<bool> cancelled = false;
  return store.purge_erased(cancelled);
}

class ErasureOnAFailingDisk : public ::testing::TestWithParam<Trouble> {
 protected:
  ErasureOnAFailingDisk() {
    const auto store = open(made_, nullptr);
    for (uint64_t commit = 0; commit < 4; ++commit) {
      Arena arena;
      Batch& batch = store->begin();
      for (uint64_t i = 0; i < kEventsPerCommit; ++i) {
        batch.append(marked_event(*catalogue_, commit * kEventsPerCommit + i,
                                  i == 0 ? Tlp::kRed : Tlp::kGreen, arena));
      }
      batch.put_alert(marked_alert(commit, 0, false));
      batch.mark_checkpoint();
      EXPECT_TRUE(store->commit(batch, at_day(static_cast<int>(commit))));
    }
    EXPECT_TRUE(store->declare_sinks({"hook", "log"}));  // for folder_text(); they have sent all
  }

  std::unique_ptr<Store> open(const std::string& path, rocksdb::Env* env) {
    RocksDbOptions options{.path = path};
    options.compression_level = 0;  // LZ4 leaves texts that come once as they are
    auto store = env == nullptr ? open_rocksdb_store(options) : open_rocksdb_store(options, env);
    EXPECT_TRUE(store) << store.error().message;
    if (!store) return nullptr;
    (*store)->set_catalogue(catalogue_);
    return std::move(*store);
  }

  std::string text_of(const Store& store) {
    const Result<std::string> text = folder_text(store, *catalogue_);
    EXPECT_TRUE(text) << text.error().message;
    return text ? *text : "";
  }

  // Of what must be gone in the end.
  bool has_canary(const std::string& path) {
    for (const auto& entry : fs::directory_iterator(path)) {
      if (!entry.is_regular_file()) continue;
      const std::string bytes = read_file(entry.path());
      for (uint64_t commit = 0; commit < 4; ++commit) {
        if (bytes.find(unlike("actor", commit * kEventsPerCommit)) != std::string::npos)
          return true;
        if (commit % 2 == 0 && bytes.find(unlike("summary", commit)) != std::string::npos) {
          return true;
        }
      }
    }
    return false;
  }

  static std::string damage_of(const std::string& path) {
    RecordingObserver observer;
    const auto seen = verify_folder(path, observer);
    return seen ? observer.text() : seen.error().message;
  }

  TemporaryFolder folder_;
  const std::shared_ptr<const Catalogue> catalogue_ = small_catalogue();
  const std::string made_ = folder_.path("made");
};

constexpr int kTroubles = 5;
INSTANTIATE_TEST_SUITE_P(
    With, ErasureOnAFailingDisk,
    ::testing::Values(Trouble{0, "full", Fault::kNoSpace},
                      Trouble{1, "failing_once", Fault::kIoError, true},
                      Trouble{2, "power_cut", Fault::kNoPower, false, Tail::kGone},
                      Trouble{3, "power_cut_torn", Fault::kNoPower, false, Tail::kHalf},
                      Trouble{4, "power_cut_zeros", Fault::kNoPower, false, Tail::kZeros}),
    [](const auto& each) { return std::string(each.param.name); });

// It takes long, so the operations are shared out among the troubles.
TEST_P(ErasureOnAFailingDisk, IsWholeAtEachOperationAndGoesOnToTheEnd) {
  const Trouble& trouble = GetParam();
  const auto run = [&](const std::string& path, FaultFileSystem& disk, rocksdb::Env* env, int nth) {
    const auto store = open(path, env);
    if (nth == 0) {
      disk.count_anew();
    } else {
      disk.fail_from(nth, trouble.fault, FaultFileSystem::kAll, trouble.once);
    }
    return erase_all(*store);
  };

  const std::string calm = folder_.path("calm");
  fs::copy(made_, calm);
  const auto calm_disk = std::make_shared<FaultFileSystem>();
  const std::unique_ptr<rocksdb::Env> calm_env = rocksdb::NewCompositeEnv(calm_disk);
  ASSERT_TRUE(run(calm, *calm_disk, calm_env.get(), 0));
  const int operations = calm_disk->counted();
  ASSERT_GT(operations, 20);
  const std::string expected = text_of(*open(calm, nullptr));
  ASSERT_FALSE(has_canary(calm));
  const std::string before = text_of(*open(made_, nullptr));
  ASSERT_NE(before, expected);

  int failed = 0;
  for (int nth = 1 + trouble.number; nth <= operations; nth += kTroubles * kFaultStride) {
    SCOPED_TRACE(fmt::format("operation {} of {}", nth, operations));
    const std::string path = folder_.path("run");
    fs::copy(made_, path);
    const auto disk = std::make_shared<FaultFileSystem>();
    const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(disk);
    const Status status = run(path, *disk, env.get(), nth);
    if (!status) {
      ++failed;
      EXPECT_EQ(status.error().code, ErrorCode::kUnavailable) << status.error().message;
    }
    if (trouble.fault == Fault::kNoPower) {
      disk->power_on(trouble.tail);
    } else {
      disk->repair();
    }
    {
      const auto store = open(path, env.get());
      ASSERT_NE(store, nullptr);
      size_t events = 0;
      size_t erased = 0;
      ASSERT_TRUE(store->read_journal(1, [&](const Store::JournalRecord& record) {
        events += record.event != nullptr ? 1 : 0;
        erased += record.erased != nullptr ? 1 : 0;
        return true;
      }));
      EXPECT_EQ(events + erased, 4 * kEventsPerCommit);
      EXPECT_TRUE(erased == 0 || erased == 4) << erased;
      ASSERT_EQ(damage_of(path), "");
      ASSERT_TRUE(erase_all(*store));
      ASSERT_EQ(text_of(*store), expected);
    }
    ASSERT_EQ(damage_of(path), "");
    ASSERT_FALSE(has_canary(path));
    fs::remove_all(path);
  }
  EXPECT_GT(failed, operations / (kTroubles * kFaultStride) / 2);
}

}  // namespace
}  // namespace tocsin::storage
