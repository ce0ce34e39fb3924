#include "daemon/pipeline_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "storage/key_value_store.h"
#include "storage/memory_key_value.h"
#include "storage/memory_store.h"
#include "tests/daemon/fed_pipeline.h"

namespace tocsin::daemon {
namespace {

using std::chrono::hours;

WallTime wall_now() { return std::chrono::floor<Milliseconds>(std::chrono::system_clock::now()); }

// The loop over a store that outlives it, and a queue to feed it by.
class RunningLoop {
 public:
  // `first` is done before anything else.
  RunningLoop(storage::Store& store, LoopOptions options, PipelineOptions pipeline = {},
              std::function<void(Pipeline*)> first = {})
      : serialized_(rules::serialize(bundle_text())),
        pipeline_(store, compile(serialized_), serialized_, pipeline),
        decoder_(std::make_shared<ingest::EventDecoder>(
            std::make_shared<ingest::CurrentSymbols>(pipeline_.bundle().catalogue),
            ingest::EventForm::kLines)) {
    std::string warning;
    EXPECT_TRUE(pipeline_.recover(compile, {}, warning, WallTime{}));
    EXPECT_TRUE(pipeline_.commit(wall_now(), true));
    PipelineLoop::Callbacks callbacks;
    callbacks.on_commit = [this](const CommitReport& report) { note(report); };
    callbacks.on_alerts = [] {};
    callbacks.on_failure = [this](const Error&) { ++failures; };
    callbacks.on_end_of_stream = [](const std::string&) {};
    callbacks.on_clock_jump = callbacks.on_standstill = [](Milliseconds) {};
    callbacks.on_look = [] {};
    callbacks.has_room = [this] { return has_room.load(); };
    callbacks.on_erased = [this](const storage::Store::Erased& part) {
      erased += part.events;
      ++erased_parts;
    };
    loop_ = std::make_unique<PipelineLoop>(pipeline_, store, queue_, options, callbacks);
    if (first) loop_->post(std::move(first));
    loop_->start();
  }
  ~RunningLoop() {
    stop();
    EXPECT_EQ(failures, expected_failures);
  }

  void stop() {
    queue_.close();
    loop_->stop();
  }

  void push(const std::string& lines,
            std::function<void(const ingest::Receipt&)> on_committed = nullptr) {
    ingest::RawBatch batch;
    batch.on_committed = std::move(on_committed);
    batch.stream = "test";
    batch.decoder = decoder_;
    batch.bytes = lines;
    batch.size = lines.size();
    batch.bytes.resize(lines.size() + ingest::kPadding);
    ASSERT_TRUE(queue_.push(std::move(batch), lines.size()));
  }

  std::shared_ptr<const PipelineSnapshot> snapshot() const { return loop_->snapshot(); }
  ingest::BatchQueue& queue() { return queue_; }

  void post(std::function<void(Pipeline*)> work) { loop_->post(std::move(work)); }
  bool is_judging() const { return loop_->is_judging(); }

  std::atomic<bool> has_room{true};  // on the disk
  std::atomic<int> failures{0};
  std::atomic<uint64_t> erased{0};  // events
  std::atomic<int> erased_parts{0};
  int expected_failures = 0;

  // The records of each commit so far, once there are so many in all.
  std::vector<uint64_t> commits_of(uint64_t records) {
    std::unique_lock lock(mutex_);
    const bool came = committed_.wait_for(lock, std::chrono::seconds(30),
                                          [&] { return !commits_.empty() && records_ >= records; });
    EXPECT_TRUE(came) << "waited in vain for a commit";
    return commits_;
  }

 private:
  void note(const CommitReport& report) {
    const std::scoped_lock lock(mutex_);
    commits_.push_back(report.counts.records);
    records_ += report.counts.records;
    committed_.notify_all();
  }

  std::string serialized_;
  Pipeline pipeline_;
  std::shared_ptr<ingest::EventDecoder> decoder_;
  ingest::BatchQueue queue_{64u << 20};
  std::unique_ptr<PipelineLoop> loop_;
  std::mutex mutex_;
  std::condition_variable committed_;
  std::vector<uint64_t> commits_;  // guarded by mutex_
  uint64_t records_ = 0;           // guarded by mutex_
};

// Tables that cannot be written once they are told so.
class FailingTables : public storage::MemoryKeyValue {
 public:
  explicit FailingTables(const std::atomic<bool>& failing) : failing_(failing) {}
  Status write(storage::Writes& writes, bool sync) override {
    return failing_ ? unavailable("no space left") : MemoryKeyValue::write(writes, sync);
  }

 private:
  const std::atomic<bool>& failing_;
};

// Tables whose journal one thread alone can read, until it is let go.
class HeldTables : public storage::MemoryKeyValue {
 public:
  Status scan(storage::Table table, std::string_view from, const Each& each) const override {
    if (table == storage::Table::kJournal) {
      std::unique_lock lock(mutex_);
      may_read_.wait(lock, [this] { return reader_ == std::thread::id() || is_reader(); });
    }
    return MemoryKeyValue::scan(table, from, each);
  }
  void hold_for_all_but_this_thread() {
    const std::scoped_lock lock(mutex_);
    reader_ = std::this_thread::get_id();
  }
  void let_go() {
    const std::scoped_lock lock(mutex_);
    reader_ = {};
    may_read_.notify_all();
  }

 private:
  bool is_reader() const { return reader_ == std::this_thread::get_id(); }

  mutable std::mutex mutex_;
  mutable std::condition_variable may_read_;
  std::thread::id reader_;  // guarded by mutex_
};

// Only size makes a commit due.
LoopOptions patient() {
  LoopOptions options;
  options.commit_interval = options.checkpoint_interval = options.heartbeat_interval = hours(1);
  return options;
}

TEST(PipelineLoop, CommitsByBytesAlsoWhatIsNoEvent) {
  const auto store = storage::make_memory_store();
  LoopOptions options = patient();
  options.commit_max_bytes = 1u << 20;
  RunningLoop loop(*store, options);
  std::string garbage;
  for (int i = 0; i < 1000; ++i) garbage += "x\n";
  for (int i = 0; i < 50; ++i) loop.push(garbage);
  // A dead letter takes some hundred bytes: some thousands of them are a commit.
  for (const uint64_t records : loop.commits_of(30'000)) EXPECT_LE(records, 20'000U);
  loop.stop();
  EXPECT_EQ(store->statistics().dead_letters, 50'000U);
}

TEST(PipelineLoop, TakesASourceForSilentThatWasSoBeforeTheRestart) {
  const auto store = storage::make_memory_store();
  const WallTime now = wall_now();
  {
    Daemon daemon(*store, {}, bundle_text(), now - hours(60));  // idle is a day
    daemon.feed(event_line(1, 0, "XA", 1), now - hours(60));
    daemon.pipeline().listen(hours(29));
    daemon.feed(event_line(1, 0, "XA", 1, "wire"), now - hours(31));
    daemon.pipeline().listen(hours(1));
    daemon.commit(true, now - hours(30));
  }
  LoopOptions options = patient();
  options.heartbeat_interval = options.commit_interval = Milliseconds(1);
  RunningLoop loop(*store, options, {.backlog_grace = {}});
  loop.commits_of(0);  // the watermark of the silent one is moved, which is journalled
  loop.stop();
  const auto snapshot = loop.snapshot();
  ASSERT_EQ(snapshot->sources.size(), 2U);
  EXPECT_EQ(snapshot->sources[0].name, "desk");
  EXPECT_TRUE(snapshot->sources[0].idle);
  EXPECT_GE(snapshot->sources[0].watermark, now - hours(24));
  EXPECT_EQ(snapshot->sources[0].last_arrival, now - hours(60));
  EXPECT_EQ(snapshot->sources[1].name, "wire");
  EXPECT_FALSE(snapshot->sources[1].idle) << "silent for an hour while somebody listened";
  EXPECT_EQ(snapshot->sources[1].last_arrival, now - hours(31));
}

TEST(PipelineLoop, AnswersAllThatWaitsWhenTheStoreFailsAndTellsItOnce) {
  std::atomic<bool> failing{false};
  auto store = storage::KeyValueStore::open(std::make_unique<FailingTables>(failing), {});
  ASSERT_TRUE(store) << store.error().message;
  RunningLoop loop(**store, patient());
  loop.expected_failures = 1;
  std::atomic<int> refused{0};
  std::atomic<int> posted{0};
  std::atomic<int> ended{0};
  const auto work = [&](Pipeline* pipeline) { ++(pipeline != nullptr ? posted : ended); };
  loop.post(work);
  failing = true;
  for (int i = 0; i < 3; ++i) {
    loop.push(event_line(i, 0, "XA", 1), [&](const ingest::Receipt& receipt) {
      EXPECT_FALSE(receipt.status);
      ++refused;
    });
  }
  loop.stop();  // the last commit is the first to fail
  EXPECT_EQ(refused, 3);
  loop.post(work);
  EXPECT_EQ(posted, 1);
  EXPECT_EQ(ended, 1);
}

// What others write fails too, and a store that nothing is committed to must not stay so.
TEST(PipelineLoop, NoticesAStoreThatHasFailedForAnother) {
  std::atomic<bool> failing{false};
  auto store = storage::KeyValueStore::open(std::make_unique<FailingTables>(failing), {});
  ASSERT_TRUE(store) << store.error().message;
  RunningLoop loop(**store, patient());
  loop.expected_failures = 1;
  failing = true;
  EXPECT_FALSE((*store)->put_meta("a", "b"));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (loop.failures == 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(Milliseconds(5));
  }
}

TEST(PipelineLoop, ErasesWhatIsMarkedBehindACheckpointOfItsOwn) {
  const auto store = storage::make_memory_store();
  LoopOptions options;
  options.checkpoint_interval = hours(1);
  options.erasure.journal.limits[static_cast<size_t>(Tlp::kRed)] = Milliseconds(1);
  options.erasure_interval = Milliseconds(5);
  RunningLoop loop(*store, options);
  std::string red = event_line(1, 1, "XA", 5);
  red.insert(red.rfind('}'), R"(,"tlp":"red")");
  loop.push(red + event_line(2, 1, "XA", 5));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (loop.erased == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  loop.stop();
  EXPECT_EQ(loop.erased, 1u);
  std::string found;
  ASSERT_TRUE(store->read_journal(1, [&](const storage::Store::JournalRecord& record) {
    if (record.erased != nullptr) found += "erased ";
    if (record.event != nullptr) found += std::string(record.event->id) + " ";
    return true;
  }));
  EXPECT_THAT(found, testing::MatchesRegex("erased [^ ]+ "));
}

// And says that nothing is judged; what was in the queue before is still committed.
TEST(PipelineLoop, TakesNothingInUntilThereIsRoomAgain) {
  const auto store = storage::make_memory_store();
  LoopOptions options = patient();
  options.commit_interval = options.look_interval = Milliseconds(20);
  RunningLoop loop(*store, options);
  loop.push(event_line(1, 0, "XA", 1));
  loop.has_room = false;
  loop.commits_of(1);
  const auto until_paused = [&](bool paused) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (loop.queue().paused() != paused && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(Milliseconds(1));
    }
    return loop.queue().paused() == paused;
  };
  ASSERT_TRUE(until_paused(true));
  EXPECT_FALSE(loop.is_judging());
  int refused = 0;
  for (; refused < 5; ++refused) {
    ingest::RawBatch batch;
    if (loop.queue().try_push(batch, 1)) break;
  }
  EXPECT_EQ(refused, 5);
  loop.has_room = true;
  ASSERT_TRUE(until_paused(false));
  EXPECT_TRUE(loop.is_judging());
  loop.push(event_line(2, 0, "XA", 1));
  loop.commits_of(2);
  EXPECT_EQ(store->statistics().journal_events, 2U);
}

// They are judged on the journal from its beginning on, and after a crash once more.
TEST(PipelineLoop, TakesNothingOutOfTheJournalWhileRulesAreBeingJudged) {
  auto held = std::make_unique<HeldTables>();
  HeldTables& tables = *held;
  const auto store = std::move(*storage::KeyValueStore::open(std::move(held), {}));
  {
    const WallTime before = wall_now() - hours(2);
    Daemon daemon(*store, {}, bundle_text(), before);
    daemon.feed(event_line(1, 0, "XA", 1), before);
    daemon.commit(/*checkpoint=*/true, before);
  }
  rules::BundleText other = bundle_text();
  other.rules[0].text.replace(other.rules[0].text.find("window: 5d"), 10, "window: 6d");
  const std::string text = rules::serialize(other);
  std::atomic<bool> activated{false};
  LoopOptions options;
  options.commit_interval = options.retention_interval = Milliseconds(1);
  options.retention.journal = hours(1);
  options.erasure.journal.limits[static_cast<size_t>(Tlp::kRed)] = hours(1);
  options.erasure_interval = options.erasure_pause = Milliseconds(1);
  RunningLoop loop(*store, options, {}, [&](Pipeline* pipeline) {
    tables.hold_for_all_but_this_thread();
    pipeline->activate(compile(text), text, [&](const Status& status) {
      EXPECT_TRUE(status) << status.error().message;
      activated = true;
    });
  });
  for (uint64_t i = 1; i <= 5; ++i) {
    loop.push(event_line(static_cast<int>(i) + 1, 1, "XA", 1));
    loop.commits_of(i);
  }
  EXPECT_EQ(store->first_seq(), 1U);
  EXPECT_EQ(loop.erased_parts, 0) << "nor has any content been erased";
  EXPECT_FALSE(activated);
  tables.let_go();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (store->first_seq() == 1 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(Milliseconds(1));
  }
  EXPECT_GT(store->first_seq(), 1U);
  EXPECT_TRUE(activated);
}

}  // namespace
}  // namespace tocsin::daemon
