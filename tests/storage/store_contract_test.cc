#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "storage/memory_store.h"
#include "store_fixture.h"

// What every store promises; the store in memory and the one on disk are held to the same.
namespace tocsin::storage {
namespace {

using namespace testing;

class InMemory {
 public:
  Store& store() { return *store_; }
  bool reopen() { return false; }

 private:
  std::unique_ptr<Store> store_ = make_memory_store();
};

class OnDisk {
 public:
  OnDisk() { reopen(); }
  Store& store() { return *store_; }
  bool reopen() {
    store_.reset();
    Result<std::unique_ptr<Store>> opened = open_folder(folder_.path());
    if (!opened) throw std::runtime_error(opened.error().message);
    store_ = std::move(*opened);
    return true;
  }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
};

template <typename Backend>
class StoreContract : public ::testing::Test {
 protected:
  StoreContract() { store().set_catalogue(catalogue_); }
  Store& store() { return backend_.store(); }
  // Each test looks at the store as it is, and, where there is a disk, as it is found again.
  template <typename Look>
  void now_and_reopened(Look look) {
    look();
    if (backend_.reopen()) look();
  }
  void commit_alerts(std::vector<AlertRecord> records, WallTime now = at_second(1000)) {
    Batch& batch = store().begin();
    for (AlertRecord& record : records) batch.put_alert(std::move(record));
    const Status status = store().commit(batch, now);
    ASSERT_TRUE(status) << status.error().message;
  }
  std::vector<uint64_t> outbox_numbers(std::string_view sink, size_t limit = 100) {
    auto entries = store().read_outbox(sink, limit);
    EXPECT_TRUE(entries) << entries.error().message;
    std::vector<uint64_t> numbers;
    if (entries) {
      for (const OutboxEntry& entry : *entries) numbers.push_back(entry.number);
    }
    return numbers;
  }
  std::vector<std::string> alerts(const Store::AlertQuery& query) {
    std::vector<std::string> found;
    EXPECT_TRUE(store().read_alerts(query, [&](const Store::StoredAlert& alert) {
      found.push_back(alert.json);
      return true;
    }));
    return found;
  }
  std::vector<std::string> log(uint64_t from = 0) {
    std::vector<std::string> found;
    EXPECT_TRUE(store().read_alert_log(from, [&](const Store::StoredAlert& alert) {
      found.push_back(alert.json);
      return true;
    }));
    return found;
  }

  const std::shared_ptr<const Catalogue> catalogue_ = small_catalogue();
  Backend backend_;
  Arena arena_;
};

using Backends = ::testing::Types<InMemory, OnDisk>;
TYPED_TEST_SUITE(StoreContract, Backends);

TYPED_TEST(StoreContract, NumbersRecordsFromOneAndReadsThemInOrder) {
  ASSERT_TRUE(commit_events(this->store(), *this->catalogue_, 0, 3));
  ASSERT_TRUE(commit_events(this->store(), *this->catalogue_, 3, 2));
  this->now_and_reopened([&] {
    EXPECT_EQ(this->store().last_seq(), 5u);
    EXPECT_EQ(journal_ids(this->store()),
              (std::vector<std::string>{"event-0", "event-1", "event-2", "event-3", "event-4"}));
    EXPECT_EQ(journal_ids(this->store(), 3),
              (std::vector<std::string>{"event-2", "event-3", "event-4"}));
    EXPECT_EQ(journal_ids(this->store(), 6), std::vector<std::string>{});
  });
}

// Whether the ids are still there, or retention has dropped them.
TYPED_TEST(StoreContract, FindsEveryRevisionOfAnEventInOrderOfArrival) {
  const auto commit = [this](uint64_t number, std::vector<std::pair<uint64_t, uint32_t>> events) {
    Batch& batch = this->store().begin();
    batch.append(
        Control{.kind = Control::Kind::kAdvance, .source = "s1", .time = {}, .bundle = {}});
    for (const auto& [n, rev] : events) {
      Event event = plain_event(*this->catalogue_, n, this->arena_);
      event.rev = rev;
      if (rev != 0) event.op = Operation::kCorrect;
      batch.append(event);
    }
    batch.mark_checkpoint();
    ASSERT_TRUE(this->store().commit(batch, at_second(static_cast<int64_t>(number))));
  };
  commit(1, {{0, 0}, {1, 0}, {2, 0}});
  commit(2, {{3, 0}, {1, 1}});
  commit(3, {{4, 0}});
  commit(4, {{1, 2}, {1, 3}, {5, 0}});
  const auto revisions = [this](uint64_t n) {
    std::string found;
    const Event event = plain_event(*this->catalogue_, n, this->arena_);
    const Hash128 key = event_key(this->catalogue_->source(event.source).name, event.id);
    const Status status = this->store().read_revisions(key, [&](const auto& record) {
      EXPECT_EQ(record.event->id, event.id);
      found += fmt::format("{} rev {} at {}; ", record.seq, record.event->rev,
                           to_ms(record.committed) / 1000);
      return true;
    });
    EXPECT_TRUE(status) << status.error().message;
    return found;
  };
  const auto expect_all = [&] {
    EXPECT_EQ(revisions(1), "3 rev 0 at 1; 7 rev 1 at 2; 11 rev 2 at 4; 12 rev 3 at 4; ");
    EXPECT_EQ(revisions(5), "13 rev 0 at 4; ");
    EXPECT_EQ(revisions(77), "");
  };
  this->now_and_reopened(expect_all);
  ASSERT_TRUE(this->store().apply_retention({.seen_ids = kMaxEventTime}, at_second(5)));
  this->now_and_reopened(expect_all);
  ASSERT_TRUE(this->store().apply_retention({.journal = Milliseconds(2500)}, at_second(5)));
  this->now_and_reopened([&] {
    EXPECT_EQ(revisions(1), "11 rev 2 at 4; 12 rev 3 at 4; ");
    EXPECT_EQ(revisions(0), "");
  });
}

TYPED_TEST(StoreContract, KeepsEveryFieldOfAnyEvent) {
  const auto seed =
      static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<Event> written;
  for (int commit = 0; commit < 3; ++commit) {
    Batch& batch = this->store().begin();
    for (int i = 0; i < 500; ++i) {
      written.push_back(random_event(*this->catalogue_, random, this->arena_));
      ASSERT_EQ(batch.append(written.back()), written.size());
    }
    ASSERT_TRUE(this->store().commit(batch, at_second(1)));
  }
  this->now_and_reopened([&] {
    size_t n = 0;
    ASSERT_TRUE(this->store().read_journal(1, [&](const Store::JournalRecord& record) {
      EXPECT_EQ(record.seq, n + 1);
      EXPECT_NE(record.event, nullptr);
      const std::string differs = difference(*record.event, written[n]);
      EXPECT_EQ(differs, "") << "record " << record.seq;
      ++n;
      return differs.empty();
    }));
    EXPECT_EQ(n, written.size());
    Arena arena;
    for (size_t i = 0; i < written.size(); i += 37) {
      auto event = this->store().read_event(i + 1, arena);
      ASSERT_TRUE(event) << event.error().message;
      EXPECT_EQ(difference(*event, written[i]), "") << "record " << i + 1;
    }
  });
}

TYPED_TEST(StoreContract, ReadsAnEventBeforeItIsCommitted) {
  ASSERT_TRUE(commit_events(this->store(), *this->catalogue_, 0, 2));
  Batch& batch = this->store().begin();
  const Event event = plain_event(*this->catalogue_, 7, this->arena_);
  const JournalSeq seq = batch.append(event);
  EXPECT_EQ(seq, 3u);
  auto found = this->store().read_event(seq, this->arena_);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(difference(*found, event), "");
  auto beyond = this->store().read_event(4, this->arena_);
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().code, ErrorCode::kNotFound);
}

TYPED_TEST(StoreContract, ForgetsABatchThatIsBegunAnew) {
  this->store().begin().append(plain_event(*this->catalogue_, 1, this->arena_));
  Batch& batch = this->store().begin();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.append(plain_event(*this->catalogue_, 2, this->arena_)), 1u);
  ASSERT_TRUE(this->store().commit(batch, at_second(1)));
  EXPECT_EQ(journal_ids(this->store()), std::vector<std::string>{"event-2"});
}

TYPED_TEST(StoreContract, CountsTheBytesOfAllThatABatchHolds) {
  Batch& batch = this->store().begin();
  EXPECT_EQ(batch.bytes(), 0u);
  auto grows_by = [&batch, before = size_t{0}](size_t least) mutable {
    const size_t grown = batch.bytes() - before;
    before = batch.bytes();
    EXPECT_GT(grown, least);
    EXPECT_LT(grown, least + 1000);
  };
  const std::string text(3000, 'x');
  DeadLetter letter = dead_letter(1);
  letter.raw = letter.message = letter.stream = letter.reason = text;
  batch.put_dead_letter(letter);
  grows_by(4 * text.size());
  AlertRecord alert = alert_record(1, 0);
  alert.json = text;
  batch.put_alert(alert);
  grows_by(text.size());
  batch.put_position(text, text);
  grows_by(2 * text.size());
  batch.put_state(text, text);
  grows_by(2 * text.size());
  batch.put_state("deleted", "");
  grows_by(7);
  Event event = plain_event(*this->catalogue_, 1, this->arena_);
  event.id = text;
  batch.append(event);
  grows_by(0);
  EXPECT_EQ(this->store().begin().bytes(), 0u);
}

TYPED_TEST(StoreContract, KeepsControlRecordsInTheirPlace) {
  Batch& batch = this->store().begin();
  batch.append({.kind = Control::Kind::kExpectSource, .source = "s1", .time = {}, .bundle = {}});
  batch.append(plain_event(*this->catalogue_, 1, this->arena_));
  batch.append(
      {.kind = Control::Kind::kAdvance, .source = "s1", .time = from_ms(-77), .bundle = {}});
  batch.append({.kind = Control::Kind::kActivate, .source = {}, .time = {}, .bundle = "abcd"});
  batch.append({.kind = Control::Kind::kLeavePartition,
                .source = "s1",
                .time = {},
                .bundle = {},
                .partition = UINT16_MAX});
  EXPECT_EQ(batch.events(), 1u);
  ASSERT_TRUE(this->store().commit(batch, at_second(1)));
  this->now_and_reopened([&] {
    std::vector<std::string> seen;
    ASSERT_TRUE(this->store().read_journal(1, [&](const Store::JournalRecord& record) {
      seen.push_back(
          record.control == nullptr
              ? std::string(record.event->id)
              : std::to_string(static_cast<int>(record.control->kind)) + "/" +
                    record.control->source + "/" + std::to_string(to_ms(record.control->time)) +
                    "/" + record.control->bundle + "/" + std::to_string(record.control->partition));
      return true;
    }));
    EXPECT_EQ(seen, (std::vector<std::string>{"3/s1/0//0", "event-1", "0/s1/-77//0", "1//0/abcd/0",
                                              "5/s1/0//65535"}));
    auto control = this->store().read_event(1, this->arena_);
    ASSERT_FALSE(control);
    EXPECT_EQ(control.error().code, ErrorCode::kNotFound);
  });
}

TYPED_TEST(StoreContract, FindsNamesAgainUnderAnotherCatalogue) {
  ASSERT_TRUE(commit_events(this->store(), *this->catalogue_, 0, 4));
  // One source more at the front: all numbers move. One indicator less: its events have no name.
  Catalogue::Draft draft;
  for (const Indicator& indicator : this->catalogue_->indicators()) {
    if (indicator.name != "i.2") draft.indicators.push_back(indicator);
  }
  Source first;
  first.name = "a-new-one";
  draft.sources.push_back({first, {}});
  for (const Source& source : this->catalogue_->sources()) {
    Source copy = source;
    copy.indicators.clear();
    draft.sources.push_back({copy, {}});
  }
  for (const Region& region : this->catalogue_->regions()) {
    draft.regions.push_back({region, region.level == RegionLevel::kCountry
                                         ? ""
                                         : this->catalogue_->region(region.parent).id});
  }
  const auto other = std::make_shared<const Catalogue>(std::move(draft));
  this->store().set_catalogue(other);
  std::vector<std::string> sources;
  ASSERT_TRUE(this->store().read_journal(1, [&](const Store::JournalRecord& record) {
    sources.push_back(record.event == nullptr ? "unknown"
                                              : other->source(record.event->source).name);
    return true;
  }));
  EXPECT_EQ(sources, (std::vector<std::string>{"s0", "s1", "unknown", "s3"}));
  auto unknown = this->store().read_event(3, this->arena_);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
}

TYPED_TEST(StoreContract, KeepsUncommittedNamesWhenTheCatalogueChanges) {
  Batch& batch = this->store().begin();
  batch.append(plain_event(*this->catalogue_, 1, this->arena_));
  this->store().set_catalogue(small_catalogue());
  batch.append(plain_event(*this->catalogue_, 2, this->arena_));
  EXPECT_TRUE(this->store().read_event(1, this->arena_));
  ASSERT_TRUE(this->store().commit(batch, at_second(1)));
  EXPECT_EQ(journal_ids(this->store()), (std::vector<std::string>{"event-1", "event-2"}));
}

TYPED_TEST(StoreContract, StopsReadingWhenToldSo) {
  ASSERT_TRUE(commit_events(this->store(), *this->catalogue_, 0, 10));
  int seen = 0;
  ASSERT_TRUE(this->store().read_journal(1, [&](const auto&) { return ++seen < 4; }));
  EXPECT_EQ(seen, 4);
}

TYPED_TEST(StoreContract, GivesSeenIdsFromATimeOn) {
  ASSERT_TRUE(commit_events(this->store(), *this->catalogue_, 0, 10));
  this->now_and_reopened([&] {
    const Event fifth = plain_event(*this->catalogue_, 5, this->arena_);
    std::vector<Store::SeenId> ids;
    ASSERT_TRUE(this->store().read_seen_ids(fifth.time, [&](auto id) { ids.push_back(id); }));
    ASSERT_EQ(ids.size(), 5u);
    EXPECT_EQ(ids[0].key, event_key("s1", "event-5"));
    EXPECT_EQ(ids[0].rev, 0u);
    EXPECT_EQ(ids[0].time, fifth.time);
    ids.clear();
    ASSERT_TRUE(this->store().read_seen_ids(kMaxEventTime, [&](auto id) { ids.push_back(id); }));
    EXPECT_TRUE(ids.empty());
  });
}

TYPED_TEST(StoreContract, KeepsStateAsOfItsCheckpoint) {
  EXPECT_EQ(this->store().checkpoint_seq(), 0u);
  Batch& batch = this->store().begin();
  batch.append(plain_event(*this->catalogue_, 1, this->arena_));
  batch.put_state("a", "1");
  batch.put_state("b", "2");
  batch.mark_checkpoint();
  ASSERT_TRUE(this->store().commit(batch, at_second(1)));
  ASSERT_TRUE(commit_events(this->store(), *this->catalogue_, 2, 1));
  Batch& next = this->store().begin();
  next.put_state("a", "");
  next.put_state("c", "3");
  next.mark_checkpoint();
  ASSERT_TRUE(this->store().commit(next, at_second(2)));
  ASSERT_TRUE(commit_events(this->store(), *this->catalogue_, 3, 1));
  this->now_and_reopened([&] {
    EXPECT_EQ(this->store().checkpoint_seq(), 2u);
    std::string state;
    ASSERT_TRUE(this->store().read_state(
        [&](auto key, auto value) { state += std::string(key) + "=" + std::string(value) + " "; }));
    EXPECT_EQ(state, "b=2 c=3 ");
    EXPECT_EQ(this->store().get_state("b").value(), "2");
    EXPECT_EQ(this->store().get_state("a").value(), std::nullopt) << "it is gone";
  });
}

TYPED_TEST(StoreContract, KeepsPositionsAndNamedValues) {
  Batch& batch = this->store().begin();
  batch.put_position("kafka/t/0", "17");
  batch.put_position("file/x", "a");
  batch.put_position("file/x", "b");
  ASSERT_TRUE(this->store().commit(batch, at_second(1)));
  ASSERT_TRUE(this->store().put_meta("bundle", "abc"));
  this->now_and_reopened([&] {
    EXPECT_EQ(this->store().position("kafka/t/0"), "17");
    EXPECT_EQ(this->store().position("file/x"), "b");
    EXPECT_EQ(this->store().position("none"), std::nullopt);
    EXPECT_EQ(*this->store().meta("bundle"), "abc");
    EXPECT_EQ(*this->store().meta("none"), std::nullopt);
  });
}

TYPED_TEST(StoreContract, KnowsTheLastTransitionOfEachAlert) {
  this->commit_alerts({alert_record(1, 0), alert_record(2, 0), alert_record(1, 1)});
  this->commit_alerts({alert_record(3, 0), alert_record(2, 1, /*open=*/false)});
  const std::string one = R"({"alert":1,"seq":1})";
  const std::string two = R"({"alert":2,"seq":1})";
  const std::string three = R"({"alert":3,"seq":0})";
  this->now_and_reopened([&] {
    EXPECT_EQ(this->alerts({}), (std::vector<std::string>{two, three, one}));
    EXPECT_EQ(this->alerts({.open_only = true}), (std::vector<std::string>{three, one}));
    EXPECT_EQ(this->alerts({.limit = 1}), (std::vector<std::string>{two}));
    EXPECT_EQ(this->alerts({.before = 5}), (std::vector<std::string>{three, one}));
    EXPECT_EQ(this->alerts({.before = 0}), std::vector<std::string>{});
    const auto life = this->store().read_alert(alert_record(1, 0).alert);
    ASSERT_TRUE(life);
    EXPECT_EQ(*life, (std::vector<std::string>{R"({"alert":1,"seq":0})", one}));
    const auto found = [this](std::string_view beginning, size_t limit = 9) {
      std::vector<std::string> alerts;
      const auto some = this->store().find_alerts(beginning, limit);
      EXPECT_TRUE(some) << beginning;
      for (const Store::StoredAlert& alert : some.value()) alerts.push_back(alert.json);
      return alerts;
    };
    EXPECT_EQ(found("000"), (std::vector<std::string>{one, two, three}));
    EXPECT_EQ(found("000", 2), (std::vector<std::string>{one, two}));
    EXPECT_EQ(found("0000000000000002f"), (std::vector<std::string>{two}));
    EXPECT_EQ(found("1"), std::vector<std::string>{});
    EXPECT_EQ(this->store().find_alerts("", 1).error().code, ErrorCode::kInvalid);
    EXPECT_EQ(this->store().find_alerts("x", 1).error().code, ErrorCode::kInvalid);
    EXPECT_EQ(this->log().size(), 5u);
    EXPECT_EQ(this->log(4), (std::vector<std::string>{three, two}));
    auto none = this->store().read_alert({9, 9});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
    EXPECT_EQ(this->store().statistics().alerts_open, 2u);
    EXPECT_EQ(this->store().statistics().alert_records, 5u);
  });
}

TYPED_TEST(StoreContract, LogsARepeatedTransitionOnce) {
  ASSERT_TRUE(this->store().declare_sinks({"hook"}));
  this->commit_alerts({alert_record(1, 0), alert_record(1, 1), alert_record(1, 1)});
  this->commit_alerts({alert_record(1, 0), alert_record(1, 1), alert_record(1, 2)});
  this->now_and_reopened([&] {
    EXPECT_EQ(this->log().size(), 3u);
    EXPECT_EQ(this->outbox_numbers("hook"), (std::vector<uint64_t>{1, 2, 3}));
  });
}

// It would be lost without a word: neither in the log nor sent.
TYPED_TEST(StoreContract, RefusesOtherWordsOfATransitionThatWasTold) {
  this->commit_alerts({alert_record(1, 0), alert_record(1, 1)});
  AlertRecord other = alert_record(1, 1, /*open=*/false);
  other.json = "{}";
  Batch& batch = this->store().begin();
  batch.put_alert(other);
  const Status status = this->store().commit(batch, at_second(1001));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(status.error().message, ::testing::HasSubstr("/1: the log has other words of it"));
  EXPECT_TRUE(this->store().health()) << "nothing was written";
  EXPECT_EQ(this->log().size(), 2u);
}

TYPED_TEST(StoreContract, RefusesOtherWordsOfATransitionOfTheSameBatch) {
  AlertRecord other = alert_record(1, 0);
  other.json = "{}";
  Batch& batch = this->store().begin();
  batch.put_alert(alert_record(1, 0));
  batch.put_alert(alert_record(1, 0));
  batch.put_alert(other);
  EXPECT_FALSE(this->store().commit(batch, at_second(1001)));
}

TYPED_TEST(StoreContract, GivesEachSinkWhatCameSinceItWasDeclared) {
  this->commit_alerts({alert_record(1, 0)});
  ASSERT_TRUE(this->store().declare_sinks({"first"}));
  this->commit_alerts({alert_record(2, 0)});
  ASSERT_TRUE(this->store().declare_sinks({"first", "second"}));
  AlertRecord shadow = alert_record(3, 0);
  shadow.notify = false;
  this->commit_alerts({alert_record(2, 1), shadow}, at_second(2000));
  this->now_and_reopened([&] {
    EXPECT_EQ(this->outbox_numbers("first"), (std::vector<uint64_t>{2, 3}));
    EXPECT_EQ(this->outbox_numbers("first", 1), (std::vector<uint64_t>{2}));
    EXPECT_EQ(this->outbox_numbers("second"), (std::vector<uint64_t>{3}));
    const auto entries = this->store().read_outbox("second", 10);
    EXPECT_EQ((*entries)[0].alert, alert_record(2, 1).alert);
    EXPECT_EQ((*entries)[0].seq, 1u);
    EXPECT_EQ((*entries)[0].committed, at_second(2000));
    EXPECT_EQ((*entries)[0].json, R"({"alert":2,"seq":1})");
    EXPECT_EQ(this->store().statistics().outbox_depth,
              (std::map<std::string, uint64_t>{{"first", 2}, {"second", 1}}));
    auto unknown = this->store().read_outbox("third", 10);
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  });
}

TYPED_TEST(StoreContract, SendsNothingTwiceThatIsDone) {
  ASSERT_TRUE(this->store().declare_sinks({"a", "b"}));
  this->commit_alerts({alert_record(1, 0), alert_record(1, 1), alert_record(1, 2)});
  ASSERT_EQ(this->outbox_numbers("a"), (std::vector<uint64_t>{1, 2, 3}));
  ASSERT_TRUE(this->store().done("a", {1, 3, 3, 99}));
  ASSERT_TRUE(this->store().done("a", {1}));
  this->now_and_reopened([&] {
    EXPECT_EQ(this->outbox_numbers("a"), (std::vector<uint64_t>{2}));
    EXPECT_EQ(this->outbox_numbers("b"), (std::vector<uint64_t>{1, 2, 3}));
    EXPECT_EQ(this->store().statistics().outbox_depth,
              (std::map<std::string, uint64_t>{{"a", 1}, {"b", 3}}));
  });
  ASSERT_TRUE(this->store().done("a", {2}));
  EXPECT_TRUE(this->outbox_numbers("a").empty());
  this->commit_alerts({alert_record(1, 3)});
  EXPECT_EQ(this->outbox_numbers("a"), (std::vector<uint64_t>{4}));
}

TYPED_TEST(StoreContract, KeepsForASinkThatIsAwayWhatItHadNotSent) {
  ASSERT_TRUE(this->store().declare_sinks({"a", "b"}));
  this->commit_alerts({alert_record(1, 0)});
  ASSERT_TRUE(this->store().declare_sinks({"b"}));
  this->commit_alerts({alert_record(1, 1)});
  ASSERT_TRUE(this->store().declare_sinks({"b", "a"}));
  this->now_and_reopened([&] {
    EXPECT_EQ(this->outbox_numbers("a"), (std::vector<uint64_t>{1}));
    EXPECT_EQ(this->outbox_numbers("b"), (std::vector<uint64_t>{1, 2}));
  });
}

TYPED_TEST(StoreContract, KeepsDeadLettersUntilRemoved) {
  Batch& batch = this->store().begin();
  for (int64_t i = 1; i <= 3; ++i) batch.put_dead_letter(dead_letter(i));
  DeadLetter huge = dead_letter(4);
  huge.raw.assign(kMaxEventBytes + 10, 'x');
  batch.put_dead_letter(huge);
  ASSERT_TRUE(this->store().commit(batch, at_second(1)));
  ASSERT_TRUE(this->store().remove_dead_letters({2, 2, 77}));
  this->now_and_reopened([&] {
    std::vector<DeadLetter> letters;
    ASSERT_TRUE(this->store().read_dead_letters(0, [&](const DeadLetter& letter) {
      letters.push_back(letter);
      return true;
    }));
    ASSERT_EQ(letters.size(), 3u);
    EXPECT_EQ(letters[0].number, 1u);
    EXPECT_EQ(letters[1].number, 3u);
    EXPECT_EQ(letters[1].position, 3);
    EXPECT_EQ(letters[1].reason, "syntax");
    EXPECT_EQ(letters[1].message, "line is no JSON");
    EXPECT_EQ(letters[1].stream, "file/x");
    EXPECT_EQ(letters[1].at, at_second(5));
    EXPECT_EQ(letters[1].raw, "{3");
    EXPECT_EQ(letters[2].raw.size(), kMaxEventBytes);
    EXPECT_EQ(this->store().statistics().dead_letters, 3u);
  });
}

TYPED_TEST(StoreContract, DropsOldJournalUpToTheCheckpointOnly) {
  ASSERT_TRUE(commit_events(this->store(), *this->catalogue_, 0, 3, at_second(100)));
  Batch& batch = this->store().begin();
  batch.append(plain_event(*this->catalogue_, 3, this->arena_));
  batch.mark_checkpoint();
  ASSERT_TRUE(this->store().commit(batch, at_second(200)));
  ASSERT_TRUE(commit_events(this->store(), *this->catalogue_, 4, 2, at_second(300)));

  ASSERT_TRUE(this->store().apply_retention({.journal = std::chrono::seconds(50)}, at_second(190)));
  this->now_and_reopened([&] {
    EXPECT_EQ(journal_ids(this->store()),
              (std::vector<std::string>{"event-3", "event-4", "event-5"}));
    auto gone = this->store().read_event(2, this->arena_);
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, ErrorCode::kNotFound);
    EXPECT_EQ(this->store().statistics().journal_events, 3u);
  });
  ASSERT_TRUE(this->store().apply_retention({.journal = std::chrono::seconds(1)}, at_second(9000)));
  this->now_and_reopened([&] {
    EXPECT_EQ(journal_ids(this->store()), (std::vector<std::string>{"event-4", "event-5"}));
    EXPECT_EQ(this->store().last_seq(), 6u);
    // Dedupe needs ids longer than the journal is kept.
    size_t ids = 0;
    ASSERT_TRUE(this->store().read_seen_ids(kMinEventTime, [&](auto) { ++ids; }));
    EXPECT_EQ(ids, 6u);
  });
  const EventTime fourth = plain_event(*this->catalogue_, 3, this->arena_).time;
  ASSERT_TRUE(this->store().apply_retention({.seen_ids = fourth}, at_second(9000)));
  this->now_and_reopened([&] {
    size_t ids = 0;
    ASSERT_TRUE(this->store().read_seen_ids(kMinEventTime, [&](auto) { ++ids; }));
    EXPECT_EQ(ids, 3u);
  });
  ASSERT_TRUE(commit_events(this->store(), *this->catalogue_, 6, 1, at_second(9001)));
  EXPECT_EQ(journal_ids(this->store()),
            (std::vector<std::string>{"event-4", "event-5", "event-6"}));
}

TYPED_TEST(StoreContract, DropsClosedAlertsThatAreSent) {
  ASSERT_TRUE(this->store().declare_sinks({"hook"}));
  this->commit_alerts({alert_record(1, 0), alert_record(2, 0)}, at_second(10));
  this->commit_alerts({alert_record(1, 1, false), alert_record(3, 0)}, at_second(20));
  this->commit_alerts({alert_record(3, 1, false)}, at_second(30));
  const Store::Retention day{.closed_alerts = std::chrono::seconds(5)};

  ASSERT_TRUE(this->store().apply_retention(day, at_second(1000)));
  EXPECT_EQ(this->log().size(), 5u) << "nothing is sent yet";

  ASSERT_TRUE(this->store().done("hook", {1, 2, 3, 4, 5}));
  ASSERT_TRUE(this->store().apply_retention(day, at_second(27)));
  this->now_and_reopened([&] {
    EXPECT_EQ(this->log(),
              (std::vector<std::string>{R"({"alert":2,"seq":0})", R"({"alert":3,"seq":0})",
                                        R"({"alert":3,"seq":1})"}));
    EXPECT_EQ(this->alerts({.open_only = true}).size(), 1u);
    EXPECT_FALSE(this->store().read_alert(alert_record(1, 0).alert));
    EXPECT_EQ(this->store().statistics().alert_records, 3u);
    EXPECT_EQ(this->store().statistics().alerts_open, 1u);
  });
}

TYPED_TEST(StoreContract, DropsOldDeadLetters) {
  for (int64_t i = 1; i <= 3; ++i) {
    Batch& batch = this->store().begin();
    batch.put_dead_letter(dead_letter(i));
    ASSERT_TRUE(this->store().commit(batch, at_second(i * 100)));
  }
  ASSERT_TRUE(
      this->store().apply_retention({.dead_letters = std::chrono::seconds(100)}, at_second(350)));
  this->now_and_reopened([&] {
    std::vector<uint64_t> numbers;
    ASSERT_TRUE(this->store().read_dead_letters(0, [&](const DeadLetter& letter) {
      numbers.push_back(letter.number);
      return true;
    }));
    EXPECT_EQ(numbers, (std::vector<uint64_t>{3}));
    EXPECT_EQ(this->store().statistics().dead_letters, 1u);
  });
}

TYPED_TEST(StoreContract, CommitsNothingAsNothing) {
  ASSERT_TRUE(this->store().commit(this->store().begin(), at_second(1)));
  EXPECT_EQ(this->store().last_seq(), 0u);
  EXPECT_EQ(journal_ids(this->store()), std::vector<std::string>{});
}

}  // namespace
}  // namespace tocsin::storage
