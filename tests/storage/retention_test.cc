#include <fmt/format.h>
#include <gtest/gtest.h>

#include "storage/key_value_store.h"
#include "storage/memory_key_value.h"
#include "store_fixture.h"

// Forgetting when there is much to forget, and when the clock was wrong.
namespace tocsin::storage {
namespace {

using namespace testing;
using std::chrono::seconds;

// Counts the changes of each write.
class CountingKeyValue : public MemoryKeyValue {
 public:
  explicit CountingKeyValue(size_t& largest) : largest_(largest) {}

  std::unique_ptr<Writes> make_writes() override {
    return std::make_unique<Counted>(MemoryKeyValue::make_writes());
  }
  Status write(Writes& writes, bool sync) override {
    auto& counted = static_cast<Counted&>(writes);
    largest_ = std::max(largest_, counted.count);
    return MemoryKeyValue::write(*counted.inner, sync);
  }

 private:
  struct Counted : Writes {
    explicit Counted(std::unique_ptr<Writes> writes) : inner(std::move(writes)) {}
    void put(Table table, std::string_view key, std::string_view value) override {
      ++count;
      inner->put(table, key, value);
    }
    void remove(Table table, std::string_view key) override {
      ++count;
      inner->remove(table, key);
    }
    void remove_range(Table table, std::string_view begin, std::string_view end) override {
      ++count;
      inner->remove_range(table, begin, end);
    }
    void clear() override {
      count = 0;
      inner->clear();
    }
    const std::unique_ptr<Writes> inner;
    size_t count = 0;
  };

  size_t& largest_;
};

class RetentionTest : public ::testing::Test {
 protected:
  void open(uint64_t dead_letters_max = 0) {
    auto opened = KeyValueStore::open(
        std::make_unique<CountingKeyValue>(largest_write_),
        {.compression = Compression::kNone, .dead_letters_max = dead_letters_max});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    store_->set_catalogue(catalogue_);
  }
  void commit_letters(int64_t first, int64_t count, WallTime now = at_second(1)) {
    Batch& batch = store_->begin();
    for (int64_t n = first; n < first + count; ++n) batch.put_dead_letter(dead_letter(n));
    ASSERT_TRUE(store_->commit(batch, now));
  }
  void commit_checkpoint(uint64_t n, WallTime now) {
    Batch& batch = store_->begin();
    batch.append(plain_event(*catalogue_, n, arena_));
    batch.mark_checkpoint();
    ASSERT_TRUE(store_->commit(batch, now));
  }
  void commit_alert(const AlertRecord& record, WallTime now) {
    Batch& batch = store_->begin();
    batch.put_alert(record);
    ASSERT_TRUE(store_->commit(batch, now));
  }
  std::vector<int64_t> letters() {
    std::vector<int64_t> positions;
    EXPECT_TRUE(store_->read_dead_letters(0, [&positions](const DeadLetter& letter) {
      positions.push_back(letter.position);
      return true;
    }));
    EXPECT_EQ(store_->statistics().dead_letters, positions.size());
    return positions;
  }
  size_t alert_lines() {
    size_t lines = 0;
    EXPECT_TRUE(store_->read_alert_log(0, [&lines](const auto&) { return ++lines != 0; }));
    return lines;
  }

  const std::shared_ptr<const Catalogue> catalogue_ = small_catalogue();
  size_t largest_write_ = 0;
  std::unique_ptr<Store> store_;
  Arena arena_;
};

// An hour of a clock far ahead, between two of a right one.
constexpr WallTime kAhead = from_ms(1'900'000'000'000);

TEST_F(RetentionTest, DropsJournalThatAWrongClockStampedWithWhatCameAfterIt) {
  open();
  commit_checkpoint(0, at_second(100));
  commit_checkpoint(1, kAhead);
  commit_checkpoint(2, at_second(200));
  commit_checkpoint(3, at_second(300));
  const Store::Retention keep{.journal = seconds(50)};
  ASSERT_TRUE(store_->apply_retention(keep, at_second(190)));
  EXPECT_EQ(journal_ids(*store_), (std::vector<std::string>{"event-1", "event-2", "event-3"}))
      << "nothing tells yet that the second is old";
  EXPECT_EQ(store_->statistics().journal_events, 3u);
  ASSERT_TRUE(store_->apply_retention(keep, at_second(290)));
  EXPECT_EQ(journal_ids(*store_), (std::vector<std::string>{"event-3"}));
  EXPECT_EQ(store_->statistics().journal_events, 1u);
}

// Events may say any time; how long they are kept is counted from their commit.
TEST_F(RetentionTest, AnEventStampedYearsAheadAgesNothing) {
  open();
  commit_checkpoint(0, at_second(100));
  Event ahead = plain_event(*catalogue_, 1, arena_);
  ahead.time = ahead.time_end = ahead.time + std::chrono::hours(24 * 365 * 30);
  Batch& batch = store_->begin();
  batch.append(ahead);
  batch.mark_checkpoint();
  ASSERT_TRUE(store_->commit(batch, at_second(110)));
  commit_checkpoint(2, at_second(120));
  const Store::Retention keep{.journal = seconds(50)};
  ASSERT_TRUE(store_->apply_retention(keep, at_second(125)));
  EXPECT_EQ(journal_ids(*store_), (std::vector<std::string>{"event-0", "event-1", "event-2"}));
  ASSERT_TRUE(store_->apply_retention(keep, at_second(165)));
  EXPECT_EQ(journal_ids(*store_), (std::vector<std::string>{"event-2"}))
      << "the one ahead goes like any other";
}

TEST_F(RetentionTest, DropsClosedAlertsThatAWrongClockStampedWithWhatCameAfterThem) {
  open();
  commit_alert(alert_record(1, 0, false), kAhead);
  commit_alert(alert_record(2, 0, false), at_second(200));
  commit_alert(alert_record(3, 0, false), at_second(300));
  const Store::Retention keep{.closed_alerts = seconds(50)};
  ASSERT_TRUE(store_->apply_retention(keep, at_second(240)));
  EXPECT_EQ(alert_lines(), 3u);
  ASSERT_TRUE(store_->apply_retention(keep, at_second(290)));
  EXPECT_EQ(alert_lines(), 1u);
}

TEST_F(RetentionTest, DropsDeadLettersThatAWrongClockStampedWithWhatCameAfterThem) {
  open();
  commit_letters(1, 1, kAhead);
  commit_letters(2, 1, at_second(200));
  commit_letters(3, 1, at_second(300));
  const Store::Retention keep{.dead_letters = seconds(50)};
  ASSERT_TRUE(store_->apply_retention(keep, at_second(240)));
  EXPECT_EQ(letters(), (std::vector<int64_t>{1, 2, 3}));
  ASSERT_TRUE(store_->apply_retention(keep, at_second(290)));
  EXPECT_EQ(letters(), (std::vector<int64_t>{3}));
}

TEST_F(RetentionTest, NeverWritesMoreThanAStepAtOnce) {
  open();
  for (uint64_t n = 0; n < 2500; ++n) commit_checkpoint(n, at_second(1));
  for (int64_t n = 0; n < 2500; ++n) commit_letters(n, 1);
  for (uint64_t n = 0; n < 2500; ++n) commit_alert(alert_record(n, 0, false), at_second(1));
  const auto largest_write_of = [this](const Store::Retention& retention) {
    largest_write_ = 0;
    EXPECT_TRUE(store_->apply_retention(retention, at_second(1000)));
    return largest_write_;
  };
  EXPECT_LE(largest_write_of({.journal = seconds(1)}), 10u);
  EXPECT_LE(largest_write_of({.dead_letters = seconds(1)}), 1001u);
  EXPECT_LE(largest_write_of({.seen_ids = kMaxEventTime}), 2000u);
  EXPECT_LE(largest_write_of({.closed_alerts = seconds(1)}), 4001u);
  EXPECT_TRUE(journal_ids(*store_).empty());
  EXPECT_TRUE(letters().empty());
  EXPECT_EQ(alert_lines(), 0u);
  size_t ids = 0;
  ASSERT_TRUE(store_->read_seen_ids(kMinEventTime, [&ids](const auto&) { ++ids; }));
  EXPECT_EQ(ids, 0u);
}

TEST_F(RetentionTest, KeepsNoMoreDeadLettersThanItMayAndDropsTheOldest) {
  open(/*dead_letters_max=*/10);
  commit_letters(1, 8);
  commit_letters(9, 5);
  EXPECT_EQ(letters(), (std::vector<int64_t>{4, 5, 6, 7, 8, 9, 10, 11, 12, 13}));
  EXPECT_EQ(store_->statistics().dead_letters_dropped, 3u);
  ASSERT_TRUE(store_->remove_dead_letters({4, 13}));
  commit_letters(14, 3);
  EXPECT_EQ(letters(), (std::vector<int64_t>{6, 7, 8, 9, 10, 11, 12, 14, 15, 16}));
  commit_letters(17, 2500);
  EXPECT_EQ(letters().front(), 2507);
  EXPECT_EQ(letters().size(), 10u);
  EXPECT_EQ(store_->statistics().dead_letters_dropped, 3u + 1u + 2500u);
}

}  // namespace
}  // namespace tocsin::storage
