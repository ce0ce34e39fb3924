#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "marked_events.h"
#include "recording_observer.h"
#include "storage/key_value_store.h"
#include "storage/memory_key_value.h"
#include "storage/memory_store.h"
#include "store_fixture.h"

// Retention by marking: content goes, numbers and ids stay.
namespace tocsin::storage {
namespace {

using namespace testing;
using std::chrono::days;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class Folder {
 public:
  Folder() { open(); }
  void open() {
    store_.reset();
    RocksDbOptions options;
    options.path = folder_.path();
    options.compression_level = 0;  // LZ4 leaves texts that come once as they are
    auto opened = open_rocksdb_store(options);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    store_->set_catalogue(catalogue_);
  }
  // Events number `first` on, marked in turn red, amber and clear.
  void commit(int day, uint64_t first, uint64_t count) {
    Arena arena;
    Batch& batch = store_->begin();
    for (uint64_t n = first; n < first + count; ++n) {
      batch.append(marked_event(*catalogue_, n, marking(n), arena));
    }
    batch.mark_checkpoint();
    ASSERT_TRUE(store_->commit(batch, at_day(day)));
  }
  static Tlp marking(uint64_t n) { return std::array{Tlp::kRed, Tlp::kAmber, Tlp::kClear}[n % 3]; }
  uint64_t erase(const Store::ByMarking& by, int day) {
    return erase_all({.journal = by, .closed_alerts = {}}, day).events;
  }
  // To the end, and from the disk.
  Store::Erased erase_all(const Store::Erasure& erasure, int day) {
    Store::Erased all;
    for (all.more = true; all.more;) {
      const auto part = store_->erase_marked(erasure, at_day(day));
      EXPECT_TRUE(part) << part.error().message;
      if (!part) return all;
      all = {all.events + part->events, all.alerts + part->alerts, part->more};
    }
    std::atomic<bool> cancelled = false;
    const Status purged = store_->purge_erased(cancelled);
    EXPECT_TRUE(purged) << purged.error().message;
    return all;
  }
  // "e" for each event that is whole, "x" for an erased one, in order; fails on a gap.
  std::string shape() {
    std::string found;
    JournalSeq next = store_->first_seq();
    const Status status = store_->read_journal(1, [&](const Store::JournalRecord& record) {
      EXPECT_EQ(record.seq, next++);
      found += record.erased != nullptr ? 'x' : record.event != nullptr ? 'e' : 'c';
      return true;
    });
    EXPECT_TRUE(status) << status.error().message;
    return found;
  }
  std::string damage() {
    RecordingObserver observer;
    const auto seen = verify_folder(folder_.path(), observer);
    return seen ? observer.text() : seen.error().message;
  }
  // Files of the folder that hold the bytes.
  std::string files_with(std::string_view bytes) const {
    std::string found;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      if (!entry.is_regular_file()) continue;
      if (read_file(entry.path()).find(bytes) != std::string::npos) {
        found += entry.path().filename().string() + " ";
      }
    }
    return found;
  }
  // RocksDB takes files away on a thread of its own.
  std::string files_with_in_the_end(std::string_view bytes) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::string found = files_with(bytes);
    while (!found.empty() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
      found = files_with(bytes);
    }
    return found;
  }
  Store& store() { return *store_; }
  const std::string path() const { return folder_.path(); }
  const Catalogue& catalogue() const { return *catalogue_; }

 private:
  TemporaryFolder folder_;
  std::shared_ptr<const Catalogue> catalogue_ = small_catalogue();
  std::unique_ptr<Store> store_;
};

TEST(Erasure, TakesTheContentOfWhatIsMarkedAndOld) {
  Folder folder;
  folder.commit(0, 0, 6);
  folder.commit(20, 6, 6);
  EXPECT_EQ(folder.erase(limits(Milliseconds(0), days(30)), 29), 0u);
  EXPECT_EQ(folder.shape(), "eeeeeeeeeeee");
  EXPECT_EQ(folder.store().erased_before(), kMinEventTime);
  EXPECT_EQ(folder.erase(limits(Milliseconds(0), days(30)), 31), 2u);
  EXPECT_EQ(folder.shape(), "xeexeeeeeeee");
  EXPECT_EQ(folder.erase(limits(Milliseconds(0), days(30)), 31), 0u) << "once is enough";
  folder.open();
  EXPECT_EQ(folder.shape(), "xeexeeeeeeee");
  EXPECT_EQ(folder.erase(limits(Milliseconds(0), days(30)), 60), 2u);
  EXPECT_EQ(folder.shape(), "xeexeexeexee");
  EXPECT_EQ(folder.damage(), "");
  EXPECT_EQ(folder.store().statistics().journal_events, 12u) << "numbers stay";
}

TEST(Erasure, KeepsAStricterMarkingNoLongerThanALaxerOne) {
  Folder folder;
  folder.commit(0, 0, 3);
  Store::ByMarking by;
  by.limits[static_cast<size_t>(Tlp::kAmber)] = days(10);
  by.limits[static_cast<size_t>(Tlp::kRed)] = days(100);
  EXPECT_EQ(folder.erase(by, 11), 2u);
  EXPECT_EQ(folder.shape(), "xxe");
  // A limit that was shortened, or is new, also reaches what was looked at before.
  by.limits[static_cast<size_t>(Tlp::kClear)] = days(5);
  EXPECT_EQ(folder.erase(by, 12), 1u);
  EXPECT_EQ(folder.shape(), "xxx");
  EXPECT_EQ(folder.damage(), "");
}

TEST(Erasure, LeavesWhatRecoveryStillReads) {
  Folder folder;
  folder.commit(0, 0, 3);
  Arena arena;
  Batch& batch = folder.store().begin();
  batch.append(marked_event(folder.catalogue(), 3, Tlp::kRed, arena));
  ASSERT_TRUE(folder.store().commit(batch, at_day(0)));
  EXPECT_EQ(folder.erase(limits(Milliseconds(0), days(1)), 50), 1u);
  EXPECT_EQ(folder.shape(), "xeee") << "it is behind the checkpoint";
}

TEST(Erasure, LeavesNothingOfTheContentOnTheDisk) {
  Folder folder;
  folder.commit(0, 0, 9);
  folder.open();  // what the log holds becomes tables
  folder.commit(1, 9, 9);
  const std::vector<std::string> texts{unlike("id", 0),
                                       unlike("actor", 0),
                                       unlike("attr", 0),
                                       unlike("id", 9),
                                       unlike("actor", 9),
                                       unlike("attr", 15),
                                       unlike("tag", static_cast<uint64_t>(Tlp::kRed))};
  for (const std::string& text : texts) ASSERT_NE(folder.files_with(text), "") << text;
  EXPECT_EQ(folder.erase(limits(Milliseconds(0), days(30)), 40), 6u);
  for (const std::string& text : texts) EXPECT_EQ(folder.files_with_in_the_end(text), "") << text;
  for (const std::string& text : {unlike("id", 1), unlike("actor", 2), unlike("attr", 17)}) {
    EXPECT_NE(folder.files_with(text), "") << text << " was not to be erased";
  }
  EXPECT_EQ(folder.damage(), "");
}

TEST(Erasure, KeepsWhatDedupeAndRevisionsNeed) {
  Folder folder;
  Arena arena;
  Event event = marked_event(folder.catalogue(), 0, Tlp::kRed, arena);
  event.op = Operation::kRetract;
  event.rev = 3;
  const Hash128 key = event_key(folder.catalogue().source(event.source).name, event.id);
  Batch& batch = folder.store().begin();
  batch.append(event);
  batch.append(marked_event(folder.catalogue(), 3, Tlp::kRed, arena));
  batch.mark_checkpoint();
  ASSERT_TRUE(folder.store().commit(batch, at_day(0)));
  ASSERT_EQ(folder.erase(limits(Milliseconds(0), days(1)), 10), 2u);

  const EventTime day = std::chrono::floor<days>(event.time);
  std::vector<ErasedEvent> erased;
  ASSERT_TRUE(folder.store().read_journal(1, [&](const Store::JournalRecord& record) {
    erased.push_back(*record.erased);
    return true;
  }));
  EXPECT_EQ(erased[0], (ErasedEvent{Tlp::kRed, Operation::kRetract, day, key}));
  EXPECT_EQ(erased[1], (ErasedEvent{Tlp::kRed, Operation::kAssert, day, Hash128{}}));
  EXPECT_EQ(folder.store().erased_before(), day + days(1));

  std::vector<Store::SeenId> ids;
  ASSERT_TRUE(
      folder.store().read_seen_ids(day, [&](const Store::SeenId& id) { ids.push_back(id); }));
  ASSERT_EQ(ids.size(), 2u);
  EXPECT_EQ(ids[0].key, key);
  EXPECT_EQ(ids[0].rev, 3u);
  EXPECT_EQ(ids[0].time, day + days(1)) << "no finer than the day, and no earlier";

  const Result<Event> read = folder.store().read_event(1, arena);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(read.error().message, HasSubstr("erased by retention"));

  const auto revisions = [&] {
    size_t found = 0;
    EXPECT_TRUE(folder.store().read_revisions(key, [&](const Store::JournalRecord& record) {
      EXPECT_EQ(record.seq, 1u);
      EXPECT_NE(record.erased, nullptr);
      ++found;
      return true;
    }));
    return found;
  };
  EXPECT_EQ(revisions(), 1u);
  ASSERT_TRUE(folder.store().apply_retention({.seen_ids = kMaxEventTime}, at_day(11)));
  EXPECT_EQ(revisions(), 1u) << "by the key that it keeps itself";
  EXPECT_EQ(folder.damage(), "");
}

// Also of chunks that were erased from before, and whose ids are gone.
TEST(Erasure, LeavesEveryOtherEventAsItWas) {
  const auto seed =
      static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  Folder folder;
  Arena kept;
  std::vector<Event> written;
  for (int day = 0; day < 6; ++day) {
    Batch& batch = folder.store().begin();
    for (int n = 0; n < 400; ++n) {
      written.push_back(random_event(folder.catalogue(), random, kept));
      batch.append(written.back());
    }
    batch.mark_checkpoint();
    ASSERT_TRUE(folder.store().commit(batch, at_day(day)));
  }
  Store::ByMarking by = limits(days(3), days(1));
  for (const int day : {3, 4, 5, 6}) {
    folder.erase(by, day);
    if (day == 4) {
      ASSERT_TRUE(
          folder.store().apply_retention({.seen_ids = from_ms(1'605'000'000'000)}, at_day(4)));
    }
    const auto is_due = [&](const Event& event, size_t n) {
      const auto age = days(day) - days(n / 400);
      return (event.tlp == Tlp::kRed && age > days(1)) ||
             (event.tlp == Tlp::kAmberStrict && age > days(3));
    };
    size_t n = 0;
    const Status status = folder.store().read_journal(1, [&](const Store::JournalRecord& record) {
      const Event& event = written[n];
      EXPECT_EQ(record.erased != nullptr, is_due(event, n)) << "event " << n << ", day " << day;
      if (record.event != nullptr) {
        EXPECT_EQ(difference(*record.event, event), "") << n;
      }
      ++n;
      return true;
    });
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(n, written.size());
    EXPECT_EQ(folder.damage(), "");
  }
}

TEST(Erasure, DoesALittleAtATime) {
  const auto store = make_memory_store();
  const auto catalogue = small_catalogue();
  store->set_catalogue(catalogue);
  constexpr uint64_t kCommits = 2500;
  for (uint64_t n = 0; n < kCommits; ++n) {
    Arena arena;
    Batch& batch = store->begin();
    batch.append(marked_event(*catalogue, n, n % 2 == 0 ? Tlp::kRed : Tlp::kAmberStrict, arena));
    batch.put_alert(marked_alert(n, 0, false));
    batch.mark_checkpoint();
    ASSERT_TRUE(store->commit(batch, at_day(0)));
  }
  const Store::Erasure erasure{.journal = limits(days(20), days(10)),
                               .closed_alerts = limits(days(20), days(10)),
                               .marking_of = marking_in};
  const auto erase = [&](int day) {
    std::vector<uint64_t> parts;
    for (bool more = true; more;) {
      const auto part = store->erase_marked(erasure, at_day(day));
      EXPECT_TRUE(part) << part.error().message;
      if (!part) break;
      EXPECT_LE(part->alerts, 1000u);
      parts.push_back(part->events);
      more = part->more;
    }
    return parts;
  };
  EXPECT_THAT(erase(11), ElementsAre(500, 500, 250));
  EXPECT_THAT(erase(11), ElementsAre(0)) << "once is enough";
  // Half of what is looked at anew for the laxer marking was erased before.
  EXPECT_THAT(erase(21), ElementsAre(500, 500, 250));
  EXPECT_EQ(store->statistics().alert_records, kCommits / 2) << "the even ones are clear";
}

TEST(Erasure, SurvivesBackupAndRestore) {
  Folder folder;
  TemporaryFolder other;
  folder.commit(0, 0, 9);
  folder.erase(limits(Milliseconds(0), days(1)), 10);
  ASSERT_TRUE(folder.store().back_up({.folder = other.path("backups")}));
  for (const auto& entry : fs::recursive_directory_iterator(other.path("backups"))) {
    if (entry.is_regular_file()) {
      EXPECT_EQ(read_file(entry.path()).find(unlike("actor", 0)), std::string::npos);
    }
  }
  ASSERT_TRUE(copy_backup(other.path("backups"), 0, other.path("data")));
  ASSERT_TRUE(finish_restore(other.path("data")));
  RecordingObserver observer;
  const auto seen = verify_folder(other.path("data"), observer);
  ASSERT_TRUE(seen);
  EXPECT_EQ(observer.text(), "");
  EXPECT_EQ(seen->erased, 3u);
}

TEST(Erasure, DropsClosedAlertsByTheirMarking) {
  Folder folder;
  ASSERT_TRUE(folder.store().declare_sinks({"hook"}));
  Batch& batch = folder.store().begin();
  for (uint64_t alert = 1; alert <= 6; ++alert) batch.put_alert(marked_alert(alert, 0, true));
  ASSERT_TRUE(folder.store().commit(batch, at_day(0)));
  Batch& ends = folder.store().begin();
  for (uint64_t alert = 1; alert <= 4; ++alert) ends.put_alert(marked_alert(alert, 1, false));
  ASSERT_TRUE(folder.store().commit(ends, at_day(1)));
  folder.open();
  const auto erase = [&](int day) {
    return folder
        .erase_all({.journal = {},
                    .closed_alerts = limits(Milliseconds(0), days(10)),
                    .marking_of = marking_in},
                   day)
        .alerts;
  };
  EXPECT_EQ(erase(20), 0u) << "its sink has still to send it";
  std::vector<uint64_t> sent;
  const auto waiting = folder.store().read_outbox("hook", 100);
  ASSERT_TRUE(waiting);
  for (const OutboxEntry& entry : *waiting) sent.push_back(entry.number);
  ASSERT_TRUE(folder.store().done("hook", sent));
  EXPECT_EQ(erase(5), 0u) << "too young";
  ASSERT_NE(folder.files_with(unlike("summary", 2)), "");
  EXPECT_EQ(erase(20), 2u);
  for (uint64_t alert = 1; alert <= 6; ++alert) {
    const bool is_there = folder.store().read_alert(alert_record(alert, 0).alert).has_value();
    EXPECT_EQ(is_there, alert != 2 && alert != 4) << alert;
  }
  EXPECT_EQ(folder.files_with_in_the_end(unlike("summary", 2)), "");
  EXPECT_EQ(folder.store().statistics().alerts_open, 2u);
  EXPECT_EQ(folder.damage(), "");
}

// Whose disk does not give anything up for a while.
class StubbornTables : public MemoryKeyValue {
 public:
  StubbornTables(const bool& fails, int& purged) : fails_(fails), purged_(purged) {}
  Status purge(Table, std::string_view, std::string_view, std::atomic<bool>&) override {
    if (fails_) return unavailable("purge: no space left on device");
    ++purged_;
    return Status::ok();
  }

 private:
  const bool& fails_;
  int& purged_;
};

TEST(Erasure, AsksTheDiskAgainWhereItFailed) {
  bool fails = true;
  int purged = 0;
  auto store = KeyValueStore::open(std::make_unique<StubbornTables>(fails, purged), {});
  ASSERT_TRUE(store);
  const auto catalogue = small_catalogue();
  (*store)->set_catalogue(catalogue);
  Arena arena;
  Batch& batch = (*store)->begin();
  batch.append(marked_event(*catalogue, 0, Tlp::kRed, arena));
  batch.mark_checkpoint();
  ASSERT_TRUE((*store)->commit(batch, at_day(0)));
  const auto erased = (*store)->erase_marked(
      {.journal = limits(Milliseconds(0), days(1)), .closed_alerts = {}}, at_day(9));
  ASSERT_TRUE(erased);
  ASSERT_EQ(erased->events, 1u);
  std::atomic<bool> cancelled = false;
  EXPECT_FALSE((*store)->purge_erased(cancelled));
  EXPECT_FALSE((*store)->purge_erased(cancelled))
      << "nothing is left to erase, the disk has it yet";
  fails = false;
  EXPECT_TRUE((*store)->purge_erased(cancelled));
  EXPECT_EQ(purged, 3) << "journal, ids, ids_index";
  EXPECT_TRUE((*store)->purge_erased(cancelled));
  EXPECT_EQ(purged, 3) << "once is enough";
}

}  // namespace
}  // namespace tocsin::storage
