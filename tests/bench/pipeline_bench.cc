// The whole durable path from a file: read, decode, dedupe, journal, evaluate, commit with fsync.
//
//   pipeline_bench [--events N] [--rules N] [--dir D] [--shards N] [--soak SECONDS]
//
// Prints events/s, processor time per event, bytes on disk per event and memory. For "on one core":
// taskset -c 0 pipeline_bench. A soak takes what another thread makes, so it has no end of itself.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <mutex>
#include <thread>

#include "daemon/pipeline.h"
#include "ingest/event_decoder.h"
#include "storage/rocksdb_store.h"
#include "tests/bench/workload.h"

namespace tocsin::bench {
namespace {

using std::chrono::steady_clock;
constexpr size_t kChunkBytes = 1 << 20;

struct Settings {
  uint64_t events = 20'000'000;
  int rules = 100;
  std::string dir = "build/pipeline-bench-data";  // as .gitignore knows
  size_t shards = 1;
  int soak_seconds = 0;
};

// Writes the input once; one that is there already is taken as it is.
void write_input(const std::string& path, uint64_t events) {
  if (std::filesystem::exists(path)) return;
  const std::string fresh = path + ".new";
  std::FILE* file = std::fopen(fresh.c_str(), "wb");
  if (file == nullptr) std::abort();
  std::string block;
  for (uint64_t first = 0; first < events; first += 10'000) {
    block.clear();
    append_events(block, first, std::min<uint64_t>(10'000, events - first));
    if (std::fwrite(block.data(), 1, block.size(), file) != block.size()) std::abort();
  }
  std::fclose(file);
  std::filesystem::rename(fresh, path);
}

class Input {
 public:
  virtual ~Input() = default;
  // Whole lines, a chunk at a time. False at the end.
  virtual bool next(ingest::RawBatch& batch) = 0;
};

class LineReader final : public Input {
 public:
  explicit LineReader(const std::string& path) : fd_(open(path.c_str(), O_RDONLY)) {}
  ~LineReader() override { close(fd_); }
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  bool next(ingest::RawBatch& batch) override {
    batch.bytes.resize(kChunkBytes + ingest::kPadding);
    batch.bytes.replace(0, rest_.size(), rest_);
    const ssize_t got = read(fd_, batch.bytes.data() + rest_.size(), kChunkBytes - rest_.size());
    if (got <= 0) return false;
    const size_t filled = rest_.size() + static_cast<size_t>(got);
    const size_t end = batch.bytes.rfind('\n', filled - 1) + 1;
    rest_.assign(batch.bytes, end, filled - end);
    batch.size = end;
    offset_ += end;
    batch.next_position = std::to_string(offset_);
    return true;
  }

 private:
  int fd_;
  std::string rest_;
  uint64_t offset_ = 0;
};

// Made while the ones before are taken, for as long as asked.
class EndlessInput final : public Input {
 public:
  explicit EndlessInput(std::chrono::seconds duration)
      : end_(steady_clock::now() + duration), maker_([this] { make(); }) {}
  ~EndlessInput() override {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    changed_.notify_all();
    maker_.join();
  }
  EndlessInput(const EndlessInput&) = delete;
  EndlessInput& operator=(const EndlessInput&) = delete;

  bool next(ingest::RawBatch& batch) override {
    if (steady_clock::now() >= end_) return false;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !ready_.empty(); });
    batch.bytes = std::move(ready_.front());
    ready_.pop_front();
    lock.unlock();
    changed_.notify_all();
    batch.size = batch.bytes.size() - ingest::kPadding;
    offset_ += batch.size;
    batch.next_position = std::to_string(offset_);
    return true;
  }

 private:
  static constexpr size_t kAhead = 4;
  static constexpr uint64_t kEventsEach = 2500;

  void make() {
    for (uint64_t first = 0;; first += kEventsEach) {
      std::string bytes;
      bytes.reserve(kChunkBytes + kChunkBytes / 2);
      append_events(bytes, first, kEventsEach);
      bytes.append(ingest::kPadding, '\0');
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return done_ || ready_.size() < kAhead; });
      if (done_) return;
      ready_.push_back(std::move(bytes));
      lock.unlock();
      changed_.notify_all();
    }
  }

  const steady_clock::time_point end_;
  uint64_t offset_ = 0;
  std::mutex mutex_;  // guards the next two
  std::deque<std::string> ready_;
  bool done_ = false;
  std::condition_variable changed_;
  std::thread maker_;
};

std::unique_ptr<Input> open_input(const Settings& settings) {
  if (settings.soak_seconds != 0)
    return std::make_unique<EndlessInput>(std::chrono::seconds(settings.soak_seconds));
  const std::string path = fmt::format("{}/events-{}.ndjson", settings.dir, settings.events);
  std::fprintf(stderr, "writing %lu events to %s\n", settings.events, path.c_str());
  write_input(path, settings.events);
  return std::make_unique<LineReader>(path);
}

uint64_t folder_bytes(const std::string& path) {
  uint64_t sum = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) sum += entry.file_size();
  }
  return sum;
}

int run(const Settings& settings) {
  namespace fs = std::filesystem;
  fs::create_directories(settings.dir);
  const std::string data = settings.dir + "/data";
  fs::remove_all(data);

  auto bundle = load_workload(settings.rules);
  auto store = storage::open_rocksdb_store({.path = data});
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
    return 3;
  }
  daemon::Pipeline pipeline(**store, bundle, "bench",
                            {.shards = settings.shards, .future_tolerance = std::nullopt});
  std::string warning;
  if (!pipeline.recover([](const std::string&) { return nullptr; }, {}, warning, WallTime{}))
    return 3;

  auto symbols = std::make_shared<ingest::CurrentSymbols>(bundle->catalogue);
  auto decoder = std::make_shared<ingest::EventDecoder>(symbols, ingest::EventForm::kLines);
  const std::unique_ptr<Input> input = open_input(settings);
  const auto begin = steady_clock::now();
  const double cpu_begin = thread_seconds();
  auto last_commit = begin;
  auto last_checkpoint = begin;
  auto last_report = begin;
  uint64_t commits = 0;
  uint64_t reported = 0;
  uint64_t events = 0;
  while (true) {
    ingest::RawBatch batch;
    batch.stream = "file/bench";
    batch.decoder = decoder;
    if (!input->next(batch)) break;
    pipeline.feed(std::move(batch), WallTime{});
    const auto now = steady_clock::now();
    if (now - last_commit >= std::chrono::milliseconds(100)) {
      events += pipeline.uncommitted_events();
      const bool checkpoint = now - last_checkpoint >= std::chrono::seconds(30);
      if (Status status = pipeline.commit(WallTime{}, checkpoint); !status) {
        std::fprintf(stderr, "%s\n", status.error().message.c_str());
        return 3;
      }
      if (checkpoint) last_checkpoint = now;
      last_commit = now;
      ++commits;
    }
    if (now - last_report >= std::chrono::seconds(10)) {
      const double seconds = std::chrono::duration<double>(now - last_report).count();
      std::fprintf(stderr, "%6.0f s  %9.0f events/s  memory %.0f MiB  ids %zu  state %.1f MiB\n",
                   std::chrono::duration<double>(now - begin).count(),
                   static_cast<double>(events - reported) / seconds, memory_mib(),
                   pipeline.seen_ids(),
                   static_cast<double>(pipeline.engine().state_bytes()) / 1048576.0);
      reported = events;
      last_report = now;
    }
  }
  events += pipeline.uncommitted_events();
  if (!pipeline.commit(WallTime{}, true)) return 3;
  const double seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
  const double cpu = thread_seconds() - cpu_begin;
  const auto counts = (*store)->statistics();
  uint64_t selected = 0;
  for (const rules::RuleCounters& rule : pipeline.engine().counters()) selected += rule.selected;
  const auto total = static_cast<double>(events);
  fmt::print(
      "rules {} shards {} events {} selected {:.1f} % seconds {:.1f}\n"
      "events/s {:.0f}  ns/event {:.0f}  thread ns/event {:.0f}  commits {}\n"
      "disk bytes/event {:.1f}  journal events {}  alerts {}  peak memory {:.0f} MiB\n",
      settings.rules, settings.shards, events, 100.0 * static_cast<double>(selected) / total,
      seconds, total / seconds, seconds * 1e9 / total, cpu * 1e9 / total, commits,
      static_cast<double>(folder_bytes(data)) / total, counts.journal_events, counts.alert_records,
      peak_memory_mib());
  return counts.journal_events == events ? 0 : 1;
}

}  // namespace
}  // namespace tocsin::bench

int main(int argc, char** argv) {
  CLI::App program("the whole durable path from a file");
  tocsin::bench::Settings settings;
  program.add_option("--events", settings.events, "events in the input")->capture_default_str();
  program.add_option("--rules", settings.rules, "10, 100, 1000 or 10000")->capture_default_str();
  program.add_option("--dir", settings.dir, "where input and data folder go")
      ->capture_default_str();
  program.add_option("--shards", settings.shards, "engines side by side")->capture_default_str();
  program.add_option("--soak", settings.soak_seconds, "so many seconds of events without end");
  CLI11_PARSE(program, argc, argv);
  return tocsin::bench::run(settings);
}
