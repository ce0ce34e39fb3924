#include "storage/verify_rows.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recording_observer.h"
#include "storage/key_value_store.h"
#include "storage/keys.h"
#include "storage/memory_key_value.h"
#include "store_fixture.h"

// Rows that contradict one another are told, whichever of them it is that is wrong.
namespace tocsin::storage {
namespace {

using namespace testing;
using ::testing::HasSubstr;

constexpr Hash128 kOpenAlert{1, ~uint64_t{1}};
constexpr Hash128 kClosedAlert{2, ~uint64_t{2}};

// A store in memory whose rows can be changed behind its back.
class Tables {
 public:
  Tables() {
    auto tables = std::make_unique<MemoryKeyValue>();
    tables_ = tables.get();
    store_ = std::move(*KeyValueStore::open(std::move(tables), {.sync_commits = false}));
    store_->set_catalogue(catalogue_);
    EXPECT_TRUE(store_->declare_sinks({"hook"}));
    commit(1, [](Batch& batch) {
      batch.put_alert(alert_record(1, 0));
      batch.put_alert(alert_record(2, 0));
      batch.put_dead_letter(dead_letter(1));
      batch.put_dead_letter(dead_letter(2));
    });
    commit(2, [](Batch& batch) {
      batch.put_alert(alert_record(1, 1));
      batch.put_alert(alert_record(2, 1, /*open=*/false));
      batch.append(
          Control{.kind = Control::Kind::kAdvance, .source = "s1", .time = {}, .bundle = {}});
      batch.mark_checkpoint();
    });
    commit(3, [](Batch&) {});
  }

  // Three plain events and what `more` adds.
  void commit(uint64_t number, const std::function<void(Batch&)>& more) {
    Arena arena;
    Batch& batch = store_->begin();
    for (uint64_t n = 3 * number; n < 3 * number + 3; ++n) {
      batch.append(plain_event(*catalogue_, n, arena));
    }
    more(batch);
    ASSERT_TRUE(store_->commit(batch, at_second(static_cast<int64_t>(number))));
  }

  Store& store() { return *store_; }
  std::string get(Table table, const std::string& key) const {
    return tables_->get(table, key)->value_or("");
  }
  void put(Table table, const std::string& key, std::string_view value) {
    const auto writes = tables_->make_writes();
    writes->put(table, key, value);
    ASSERT_TRUE(tables_->write(*writes, false));
  }
  void remove(Table table, const std::string& key) {
    ASSERT_TRUE(tables_->get(table, key)->has_value()) << "nothing to remove";
    const auto writes = tables_->make_writes();
    writes->remove(table, key);
    ASSERT_TRUE(tables_->write(*writes, false));
  }
  // Moves a row to another key.
  void move(Table table, const std::string& from, const std::string& to) {
    const std::string value = get(table, from);
    remove(table, from);
    put(table, to, value);
  }
  void count(const std::function<void(Counters&)>& change) {
    Counters counters;
    ASSERT_TRUE(decode(get(Table::kMeta, std::string(keys::kCounters)), counters));
    change(counters);
    put(Table::kMeta, std::string(keys::kCounters), encode(counters));
  }
  RecordingObserver verify() const {
    RecordingObserver observer;
    VerifiedFolder seen;
    verify_rows(*tables_, observer, seen);
    return observer;
  }

 private:
  std::shared_ptr<const Catalogue> catalogue_ = small_catalogue();
  KeyValue* tables_ = nullptr;
  std::unique_ptr<Store> store_;
};

TEST(VerifyRows, FindsNothingInWhatWasWritten) {
  Tables tables;
  const RecordingObserver found = tables.verify();
  EXPECT_EQ(found.text(), "");
  EXPECT_EQ(found.events.size(), 9u);
  EXPECT_EQ(found.events.front(), "s3/event-3");
}

TEST(VerifyRows, FindsNothingInWhatRetentionLeft) {
  Tables tables;
  ASSERT_TRUE(tables.store().done("hook", {1, 2, 3, 4}));
  ASSERT_TRUE(tables.store().apply_retention({.journal = Milliseconds(1),
                                              .closed_alerts = Milliseconds(1),
                                              .dead_letters = Milliseconds(1)},
                                             at_second(3)));
  // The ids of what is gone stay longer.
  EXPECT_EQ(tables.verify().text(), "");
  ASSERT_TRUE(tables.store().apply_retention({.seen_ids = kMaxEventTime}, at_second(3)));
  EXPECT_EQ(tables.verify().text(), "");
  EXPECT_EQ(tables.verify().events.size(), 3u);
  EXPECT_EQ(tables.store().statistics().alert_records, 2u);
  // An alert of which the beginning was dropped may be told of again.
  tables.commit(4, [](Batch& batch) { batch.put_alert(alert_record(2, 2, /*open=*/false)); });
  EXPECT_EQ(tables.verify().text(), "");
}

struct Case {
  const char* name;
  std::function<void(Tables&)> change;
  const char* code;
  const char* told;
};

using keys::lettered;
using keys::number;

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases{

      {"MissingChunk", [](Tables& t) { t.remove(Table::kJournal, number(4)); }, "T0532",
       "table journal, key 8: records 4 to 7 are missing before it"},
      {"MissingLastChunk", [](Tables& t) { t.remove(Table::kJournal, number(8)); }, "T0534",
       "10 records were committed, the journal ends at 7"},
      Case{"ChunkOfAnotherPlace",
           [](Tables& t) { t.put(Table::kJournal, number(8), t.get(Table::kJournal, number(4))); },
           "T0532", "table journal, key 8: read journal chunk 8: it is another chunk's"},
      {"MissingIndexRow", [](Tables& t) { t.remove(Table::kJournalIndex, number(4)); }, "T0532",
       "table journal_index, key 4: there is none"},
      {"IndexRowOfNothing",
       [](Tables& t) {
         t.put(Table::kJournalIndex, number(99), encode(ChunkRow{at_second(1), 1, 1}));
       },
       "T0532", "table journal_index, key 99: the journal has no such chunk"},
      {"IndexRowThatCountsOtherwise",
       [](Tables& t) {
         t.put(Table::kJournalIndex, number(4), encode(ChunkRow{at_second(2), 4, 4}));
       },
       "T0532", "table journal_index, key 4: it does not agree with its chunk"},
      {"IdsOfAnotherChunk",
       [](Tables& t) { t.put(Table::kIds, number(4), t.get(Table::kIds, number(1))); }, "T0533",
       "of the 3 events of its chunk, 3 ids are not here"},
      {"DamagedIds",
       [](Tables& t) {
         std::string blob = t.get(Table::kIds, number(1));
         blob[20] ^= 1;
         t.put(Table::kIds, number(1), blob);
       },
       "T0533", "table ids, key 1: read ids 1: the checksum is wrong"},
      {"IdsWithoutIndex", [](Tables& t) { t.remove(Table::kIdsIndex, number(1)); }, "T0533",
       "table ids_index, key 1: there is none, though there are ids"},
      {"IndexWithoutIds", [](Tables& t) { t.remove(Table::kIds, number(1)); }, "T0533",
       "table ids_index, key 1: there are no such ids"},
      {"MissingCounters", [](Tables& t) { t.remove(Table::kMeta, std::string(keys::kCounters)); },
       "T0534", "without counters"},
      {"MissingFormat", [](Tables& t) { t.remove(Table::kMeta, std::string(keys::kFormat)); },
       "T0539", "the format version is missing"},
      {"ForeignRow", [](Tables& t) { t.put(Table::kMeta, "s:other", "x"); }, "T0539",
       "`s:other`: no tocsin of this format writes it"},
      {"FewerEventsCounted", [](Tables& t) { t.count([](auto& c) { --c.journal_events; }); },
       "T0534", "8 events were counted, 9 are there"},
      {"MoreRecordsCounted", [](Tables& t) { t.count([](auto& c) { ++c.last_seq; }); }, "T0534",
       "11 records were committed, the journal ends at 10"},
      {"CheckpointAhead", [](Tables& t) { t.count([](auto& c) { c.checkpoint_seq = 11; }); },
       "T0534", "the checkpoint is 11, the last record 10"},
      {"DroppedBeyondTheCheckpoint",
       [](Tables& t) { t.count([](auto& c) { c.dropped_seq = 10; }); }, "T0534",
       "records up to 10 were dropped, though the checkpoint is 7"},
      {"MoreOpenAlertsCounted", [](Tables& t) { t.count([](auto& c) { ++c.alerts_open; }); },
       "T0534", "2 open alerts were counted, 1 are there"},
      {"FewerTransitionsCounted", [](Tables& t) { t.count([](auto& c) { --c.alert_records; }); },
       "T0534", "3 transitions of alerts were counted, 4 are there"},
      {"OlderLastLine", [](Tables& t) { t.count([](auto& c) { c.last_order = 3; }); }, "T0534",
       "the last line of the alert log is 3, there is a 4"},
      {"FewerDeadLettersCounted", [](Tables& t) { t.count([](auto& c) { c.dead_letters = 1; }); },
       "T0534", "1 dead letters were counted, 2 are there"},
      {"DeadLetterAhead", [](Tables& t) { t.move(Table::kDeadLetters, number(2), number(9)); },
       "T0537", "table dead_letters, key 9: the last that was committed is 2"},
      {"DeadLetterThatIsNone", [](Tables& t) { t.put(Table::kDeadLetters, number(1), "x"); },
       "T0537", "table dead_letters, key 1: its bytes make no sense"},
      {"MissingTransition", [](Tables& t) { t.remove(Table::kAlerts, keys::alert(kOpenAlert, 0)); },
       "T0535", "the alert's first transition is missing"},
      {"GapInAnAlert",
       [](Tables& t) {
         t.move(Table::kAlerts, keys::alert(kOpenAlert, 1), keys::alert(kOpenAlert, 2));
       },
       "T0535", "the transition before it is 0, so that some are missing"},
      {"TransitionThatIsNone",
       [](Tables& t) { t.put(Table::kAlerts, keys::alert(kOpenAlert, 1), "x"); }, "T0535",
       "0000000000000001fffffffffffffffe/1: its bytes make no sense"},
      {"MissingLogLine", [](Tables& t) { t.remove(Table::kAlertLog, number(3)); }, "T0535",
       "table alert_log, key 3: there is none"},
      {"TwoLinesOfOneTransition",
       [](Tables& t) {
         AlertRef ref;
         ASSERT_TRUE(decode(t.get(Table::kAlertLog, number(3)), ref));
         ref.order = 5;
         t.put(Table::kAlertLog, number(5), encode(ref));
       },
       "T0535", "table alert_log, key 5: it names alert"},
      {"HeadOfAnEarlierTransition",
       [](Tables& t) {
         t.put(Table::kAlertIndex, lettered(keys::kAlertHead, kOpenAlert),
               t.get(Table::kAlertLog, number(1)));
       },
       "T0535", "it does not agree with alert 0000000000000001fffffffffffffffe/1"},
      Case{"MissingHead",
           [](Tables& t) { t.remove(Table::kAlertIndex, lettered(keys::kAlertHead, kOpenAlert)); },
           "T0535", "there is none, though alert 0000000000000001fffffffffffffffe/1 is there"},
      {"MissingLatest",
       [](Tables& t) { t.remove(Table::kAlertIndex, lettered(keys::kLatestAlert, uint64_t{4})); },
       "T0535", "there is none, though alert 0000000000000002fffffffffffffffd/1 is there"},
      {"OpenAlertThatIsNotListed",
       [](Tables& t) {
         t.remove(Table::kAlertIndex, lettered(keys::kLatestOpenAlert, uint64_t{3}));
       },
       "T0535", "there is none, though alert 0000000000000001fffffffffffffffe/1 is there"},
      {"ClosedAlertThatIsListedAsOpen",
       [](Tables& t) {
         t.put(Table::kAlertIndex, lettered(keys::kLatestOpenAlert, uint64_t{4}),
               t.get(Table::kAlertLog, number(4)));
       },
       "T0535", "it is another one's"},
      {"LatestThatIsNot",
       [](Tables& t) {
         t.put(Table::kAlertIndex, lettered(keys::kLatestAlert, uint64_t{1}),
               t.get(Table::kAlertLog, number(1)));
       },
       "T0535", "it names transition 0 as the last of its alert, which goes on"},
      {"OutboxOfNoTransition",
       [](Tables& t) {
         AlertRef ref{kClosedAlert, 7, 9, at_second(1), true};
         t.put(Table::kOutbox, keys::outbox(1, 9), encode(ref));
       },
       "T0536", "it waits to send alert 0000000000000002fffffffffffffffd/7"},
      {"OutboxOfNoSink",
       [](Tables& t) {
         t.put(Table::kOutbox, keys::outbox(9, 1), t.get(Table::kAlertLog, number(1)));
       },
       "T0536", "sink 9 was never declared"},
      {"SinksThatAreNone", [](Tables& t) { t.put(Table::kMeta, std::string(keys::kSinks), "x"); },
       "T0536", "the list of sinks makes no sense"}};
  return kCases;
}

TEST(VerifyRows, TellsEachContradictionAndWhereItIs) {
  for (const Case& each : cases()) {
    SCOPED_TRACE(each.name);
    Tables tables;
    each.change(tables);
    const std::string found = tables.verify().text();
    EXPECT_THAT(found, HasSubstr(each.code));
    EXPECT_THAT(found, HasSubstr(each.told));
  }
}

}  // namespace
}  // namespace tocsin::storage
