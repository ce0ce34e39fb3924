// A disk that fails, at each single operation of a whole small run: nothing that was acknowledged
// is lost, what is found afterwards is a state that the run passes through, and in the end all is
// told as in a run that nothing disturbed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <map>
#include <random>
#include <set>
#include <tuple>

#include "storage/rocksdb_open.h"
#include "tests/daemon/fed_pipeline.h"
#include "tests/daemon/temporary_folder.h"
#include "tests/support/fault_file_system.h"

namespace tocsin::daemon {
namespace {

using std::chrono::hours;
namespace fs = std::filesystem;
using Fault = FaultFileSystem::Fault;
using Tail = FaultFileSystem::Tail;

constexpr int kDays = 10;

// What comes in on a day: events of three countries, now and then one that is late, a correction,
// and one that cannot be read.
std::string lines_of(int day) {
  std::mt19937 random(static_cast<unsigned>(day) + 7);
  std::string lines;
  for (int i = 0; i < 6; ++i) {
    static constexpr std::array kRegions{"XA", "XB", "XC"};
    const int number = day * 10 + i;
    lines += event_line(number, i == 4 && day > 4 ? day - 4 : day, kRegions[random() % 3],
                        static_cast<int>(5 + random() % 20));
    if (i == 2) lines.insert(lines.rfind('}'), R"(,"tlp":"red")");
  }
  if (day % 5 == 3) {
    std::string correction = event_line((day - 1) * 10, day - 1, "XA", 90);
    correction.insert(correction.rfind('}'), R"(,"rev":1)");
    lines += correction;
  }
  if (day % 4 == 1) lines += "no event\n";
  return lines;
}

// Where a run stands: the end of the journal, and the position that was stored with it.
using Place = std::pair<JournalSeq, std::string>;
// What was told, by alert and seq.
using Told = std::map<std::pair<std::string, uint32_t>, std::string>;

// The first thing that is in one alone, or otherwise; empty: they are the same.
std::string difference(const Told& found, const Told& expected) {
  for (const auto& [key, line] : expected) {
    const auto other = found.find(key);
    if (other == found.end()) return "missing: " + line;
    if (other->second != line) return fmt::format("found {}\nexpected {}", other->second, line);
  }
  for (const auto& [key, line] : found) {
    if (!expected.contains(key)) return "too much: " + line;
  }
  return {};
}

// A daemon's work on one folder, step by step, over openings of its store.
class Work {
 public:
  Work(std::string folder, std::shared_ptr<FaultFileSystem> disk)
      : folder_(std::move(folder)),
        disk_(std::move(disk)),
        env_(rocksdb::NewCompositeEnv(disk_)),
        serialized_(rules::serialize(bundle_text())),
        bundle_(compile(serialized_)) {}

  Status open_store() {
    auto opened = storage::open_rocksdb_store(
        {.path = folder_, .write_buffer_bytes = 16u << 10, .dead_letters_max = 2}, env_.get());
    if (!opened) return opened.error();
    store_ = std::move(*opened);
    store_->set_catalogue(bundle_->catalogue);
    return Status::ok();
  }
  Status open_pipeline() {
    pipeline_ = std::make_unique<Pipeline>(*store_, bundle_, serialized_, options());
    std::string warning;
    if (Status status = store_->declare_sinks({"log"}); !status) return status;
    if (Status status = pipeline_->recover(compile, {}, warning, WallTime{}); !status)
      return status;
    EXPECT_EQ(warning, "");
    return pipeline_->commit(at_hour(0), /*checkpoint=*/true);
  }
  void close() {
    pipeline_.reset();
    store_.reset();
  }

  static constexpr int kSteps = 3 * kDays;
  // Each day input, then the sink, then now and then retention.
  Status step(int number) {
    const int day = number / 3;
    switch (number % 3) {
      case 0:
        return take(day);
      case 1:
        return deliver();
      default:
        return day % 5 == 4 ? retain(at_hour(24 * day)) : Status::ok();
    }
  }

  Place place() const { return {store_->last_seq(), store_->position("test").value_or("")}; }
  std::string acknowledged() const { return acknowledged_; }
  // Of the calm run: every place that a run passes through.
  std::set<Place> passed;
  Told told;

  Told alert_log() const {
    Told log;
    const Status status = store_->read_alert_log(0, [&](const storage::Store::StoredAlert& alert) {
      log[{to_hex(alert.alert), alert.seq}] = alert.json;
      return true;
    });
    EXPECT_TRUE(status) << status.error().message;
    return log;
  }
  storage::Store& store() { return *store_; }

 private:
  Status take(int day) {
    const std::string lines = lines_of(day);
    ingest::RawBatch batch;
    batch.stream = "test";
    batch.decoder = std::make_shared<ingest::EventDecoder>(
        std::make_shared<ingest::CurrentSymbols>(bundle_->catalogue), ingest::EventForm::kLines);
    batch.bytes = lines;
    batch.size = lines.size();
    batch.bytes.resize(lines.size() + ingest::kPadding);
    batch.next_position = fmt::format("{:02}", day + 1);
    batch.on_committed = [this, next = batch.next_position](const ingest::Receipt& receipt) {
      if (!receipt.status) return;
      acknowledged_ = next;
      passed.insert(place());
    };
    pipeline_->feed(std::move(batch), at_hour(24 * day));
    Status status = pipeline_->commit(at_hour(24 * day), /*checkpoint=*/day % 3 == 0);
    if (status) passed.insert(place());
    return status;
  }

  // As the loop does, behind a checkpoint.
  Status retain(WallTime now) {
    while (store_->checkpoint_seq() != store_->last_seq()) {
      if (Status status = pipeline_->commit(now, /*checkpoint=*/true); !status) return status;
      passed.insert(place());
    }
    storage::Store::Erasure erasure;
    erasure.journal.limits[static_cast<size_t>(Tlp::kRed)] = hours(24 * 3 + 12);
    if (const auto erased = store_->erase_marked(erasure, now); !erased) return erased.error();
    return store_->apply_retention({.journal = hours(24 * 8),
                                    .closed_alerts = hours(24 * 2),
                                    .dead_letters = hours(24 * 3),
                                    .seen_ids = pipeline_->dedupe_horizon()},
                                   now);
  }

  Status deliver() {
    const auto entries = store_->read_outbox("log", 1000);
    if (!entries) return entries.error();
    std::vector<uint64_t> numbers;
    for (const storage::OutboxEntry& entry : *entries) {
      const auto [line, is_new] = told.try_emplace({to_hex(entry.alert), entry.seq}, entry.json);
      EXPECT_EQ(line->second, entry.json) << "told again, and otherwise";
      numbers.push_back(entry.number);
    }
    return store_->done("log", numbers);
  }

  const std::string folder_;
  const std::shared_ptr<FaultFileSystem> disk_;
  const std::unique_ptr<rocksdb::Env> env_;
  const std::string serialized_;
  const std::shared_ptr<const rules::Bundle> bundle_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Pipeline> pipeline_;
  std::string acknowledged_;
};

class FaultAtEachOperation : public testing::TestWithParam<Trouble> {
 protected:
  // A run without faults, and what it found.
  struct Calm {
    std::set<Place> passed;
    Told told;
    Told alert_log;
    int operations = 0;
  };
  Calm calm_run() {
    const std::string folder = fresh_folder();
    const auto disk = std::make_shared<FaultFileSystem>();
    Work work(folder, disk);
    EXPECT_TRUE(work.open_store());
    work.passed.insert(work.place());
    EXPECT_TRUE(work.open_pipeline());
    for (int number = 0; number < Work::kSteps; ++number) EXPECT_TRUE(work.step(number));
    return {work.passed, work.told, work.alert_log(), disk->counted()};
  }

  // As the store is after it was made, to spare each run the making.
  std::string fresh_folder() {
    const std::string made = folder_.path("made");
    if (!fs::exists(made)) {
      EXPECT_TRUE(storage::open_rocksdb_store({.path = made}));
    }
    const std::string fresh = folder_.path(fmt::format("run-{}", ++runs_));
    fs::copy(made, fresh);
    return fresh;
  }

  // The same run, with the trouble at one operation.
  void run_with_trouble_at(int nth, const Calm& calm) {
    const std::string folder = fresh_folder();
    const auto disk = std::make_shared<FaultFileSystem>();
    Work work(folder, disk);
    disk->fail_from(nth, GetParam().fault, FaultFileSystem::kAll, GetParam().once);
    Status status = work.open_store();
    if (status) status = work.open_pipeline();
    expect_environment(status);
    if (!status) {
      ASSERT_NO_FATAL_FAILURE(mend(*disk, work, calm));
    }
    for (int number = 0; number < Work::kSteps;) {
      status = work.step(number);
      expect_environment(status);
      if (status) ++number;
      if (status) status = work.store().health();
      expect_environment(status);
      if (!status) {
        ASSERT_NO_FATAL_FAILURE(mend(*disk, work, calm));
      }
    }
    ASSERT_EQ(difference(work.told, calm.told), "");
    ASSERT_EQ(difference(work.alert_log(), calm.alert_log), "");
    if (disk->has_failed()) ++met_;
    work.close();
    fs::remove_all(folder);
  }

  // Nothing that can be mended looks like damage.
  static void expect_environment(const Status& status) {
    EXPECT_TRUE(status || status.error().code == ErrorCode::kUnavailable) << status.error().message;
  }

  static void restore(FaultFileSystem& disk) {
    if (GetParam().fault == Fault::kNoPower) {
      disk.power_on(GetParam().tail);
    } else {
      disk.repair();
    }
  }

  void mend(FaultFileSystem& disk, Work& work, const Calm& calm) {
    work.close();
    restore(disk);
    const Status opened = work.open_store();
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_TRUE(calm.passed.contains(work.place()))
        << work.place().first << " " << work.place().second;
    EXPECT_GE(work.place().second, work.acknowledged()) << "acknowledged, and lost";
    const Status recovered = work.open_pipeline();
    ASSERT_TRUE(recovered) << recovered.error().message;
  }

  const TemporaryFolder folder_;
  int runs_ = 0;
  int met_ = 0;  // runs in which the trouble came up
};

INSTANTIATE_TEST_SUITE_P(
    Disk, FaultAtEachOperation,
    testing::Values(Trouble{0, "full", Fault::kNoSpace},
                    Trouble{1, "full_once", Fault::kNoSpace, true},
                    Trouble{2, "dying", Fault::kIoError},
                    Trouble{3, "failing_once", Fault::kIoError, true},
                    Trouble{4, "read_only", Fault::kReadOnly},
                    Trouble{5, "power_cut", Fault::kNoPower, false, Tail::kGone},
                    Trouble{6, "power_cut_torn", Fault::kNoPower, false, Tail::kHalf},
                    Trouble{7, "power_cut_zeros", Fault::kNoPower, false, Tail::kZeros}),
    [](const auto& each) { return std::string(each.param.name); });

TEST_P(FaultAtEachOperation, LosesNothingAndEndsAsTheCalmRun) {
  const Calm calm = calm_run();
  ASSERT_GT(calm.told.size(), 15u) << "too few alerts to prove anything";
  ASSERT_GT(calm.operations, 100);
  for (int nth = 1 + GetParam().number % kFaultStride; nth <= calm.operations;
       nth += kFaultStride) {
    SCOPED_TRACE(fmt::format("operation {} of {}", nth, calm.operations));
    ASSERT_NO_FATAL_FAILURE(run_with_trouble_at(nth, calm));
  }
  EXPECT_GT(met_, calm.operations / kFaultStride / 2);
}

// It takes long, so the operations are shared out among the troubles.
TEST_P(FaultAtEachOperation, AFolderThatIsBeingMadeIsMadeInTheEnd) {
  const auto calm = std::make_shared<FaultFileSystem>();
  {
    Work work(folder_.path("calm"), calm);
    ASSERT_TRUE(work.open_store());
    ASSERT_TRUE(work.open_pipeline());
  }
  const int operations = calm->counted();
  ASSERT_GT(operations, 100);
  constexpr int kTroubles = 8;
  for (int nth = 1 + GetParam().number; nth <= operations; nth += kTroubles * kFaultStride) {
    SCOPED_TRACE(fmt::format("operation {} of {}", nth, operations));
    const std::string folder = folder_.path(fmt::format("new-{}", nth));
    const auto disk = std::make_shared<FaultFileSystem>();
    Work work(folder, disk);
    disk->fail_from(nth, GetParam().fault, FaultFileSystem::kAll, GetParam().once);
    Status status = work.open_store();
    if (status) status = work.open_pipeline();
    expect_environment(status);
    work.close();
    restore(*disk);
    status = work.open_store();
    if (status) status = work.open_pipeline();
    ASSERT_TRUE(status) << status.error().message;
    ASSERT_TRUE(work.step(0));
    work.close();
    fs::remove_all(folder);
  }
}

}  // namespace
}  // namespace tocsin::daemon
