// What a durable event costs: events of about 400 bytes as JSON, committed in batches as every
// 100 ms at full load. Prints ns/event by stage, events/s and bytes/event for each packing.
//
//   storage_bench [seconds for each packing] [folder]

#include <fmt/format.h>
#include <time.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "rules/model/arena.h"
#include "rules/model/catalogue.h"
#include "storage/journal_writer.h"
#include "storage/rocksdb_store.h"

namespace tocsin::storage {
namespace {

constexpr int kIndicators = 1000;
constexpr int kCountries = 100;
constexpr int kRegionsPerCountry = 5;
constexpr size_t kBatch = 30'000;
// Different ones, used in turn. They lie in memory, not in the cache as in the pipeline, where an
// event is stored as soon as it is decoded: encoding is told too slow rather than too fast.
constexpr size_t kBatches = 8;

uint64_t mix(uint64_t n) { return hash128({reinterpret_cast<const char*>(&n), sizeof n}).low; }

double process_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::shared_ptr<const Catalogue> make_catalogue() {
  Catalogue::Draft draft;
  for (int i = 0; i < kIndicators; ++i) {
    Indicator indicator;
    indicator.name = fmt::format("bench.i{:03}", i);
    indicator.attrs = {{.name = "form", .values = {}},
                       {.name = "high", .type = AttrType::kInt, .values = {}},
                       {.name = "low", .type = AttrType::kInt, .values = {}}};
    draft.indicators.push_back(std::move(indicator));
  }
  Source source;
  source.name = "bench";
  draft.sources.push_back({source, {}});
  for (int country = 0; country < kCountries; ++country) {
    Region region;
    region.id = fmt::format("{}{}", static_cast<char>('A' + country / 10), country % 10);
    draft.regions.push_back({region, ""});
    for (int part = 0; part < kRegionsPerCountry; ++part) {
      Region finer;
      finer.id = fmt::format("{}-{}", region.id, part);
      finer.level = RegionLevel::kAdmin1;
      draft.regions.push_back({finer, region.id});
    }
  }
  return std::make_shared<const Catalogue>(std::move(draft));
}

// The events of the other benchmarks (workload.cc), as they are after decoding.
std::vector<Event> make_events(const Catalogue& catalogue, uint64_t first, Arena& arena) {
  static constexpr std::array<std::string_view, 8> kForm{"peaceful", "riot",  "strike", "raid",
                                                         "clash",    "march", "siege",  "sit-in"};
  std::vector<Event> events;
  for (uint64_t n = first; n < first + kBatch; ++n) {
    const uint64_t random = mix(n);
    const auto country = static_cast<int>(random % kCountries);
    Event event;
    event.id = arena.copy(fmt::format("bench-{:016x}", n));
    event.source = SourceId{0};
    event.indicator =
        *catalogue.find_indicator(fmt::format("bench.i{:03}", (random >> 32) % kIndicators));
    event.region =
        *catalogue.find_region(fmt::format("{}{}-{}", static_cast<char>('A' + country / 10),
                                           country % 10, (random >> 8) % kRegionsPerCountry));
    event.time = from_ms(1'577'836'800'000 + static_cast<int64_t>(n) * 864);
    event.time_end = event.time;
    event.time_precision = TimePrecision::kDay;
    event.geo_precision = 2;
    event.value = static_cast<double>((random >> 16) % 1000) / 10.0;
    event.confidence = 0.8;
    event.lat = country % 60 + 0.62;
    event.lon = country % 90 + 0.10;
    const auto actors = arena.array<std::string_view>(2);
    actors[0] = arena.copy(fmt::format("Government of Country {}", country));
    actors[1] = arena.copy(fmt::format("Movement {} of the region", (random >> 24) % 40));
    const auto tags = arena.array<std::string_view>(2);
    tags[0] = "capital";
    tags[1] = "protest";
    const auto attrs = arena.array<Attr>(3);
    attrs[0] = {"form", 0, kForm[(random >> 40) % kForm.size()]};
    attrs[1] = {"high", 1, static_cast<int64_t>(10 + (random >> 48) % 50)};
    attrs[2] = {"low", 2, static_cast<int64_t>((random >> 44) % 10)};
    event.actors = actors;
    event.tags = tags;
    event.attrs = attrs;
    events.push_back(event);
  }
  return events;
}

using Batches = std::vector<std::vector<Event>>;

struct Packing {
  const char* name;
  Compression method;
  int level;
};

struct Packed {
  double ns_per_event;
  double journal_bytes;
  double id_bytes;
};

// Encoding and packing alone, without a store.
Packed pack(const Packing& packing, const std::shared_ptr<const Catalogue>& catalogue,
            const Batches& batches) {
  JournalWriter writer(packing.method, packing.level);
  writer.set_catalogue(catalogue);
  size_t journal = 0;
  size_t ids = 0;
  double best = 1e9;
  for (int round = 0; round < 3; ++round) {
    journal = ids = 0;
    const double begin = thread_seconds();
    JournalSeq next = 1;
    for (const std::vector<Event>& events : batches) {
      writer.begin(next);
      for (const Event& event : events) writer.append(event);
      for (const SealedChunk& chunk : writer.finish(WallTime{})) {
        journal += chunk.bytes.size();
        ids += chunk.seen_ids.size();
      }
      next = writer.next();
    }
    best = std::min(best, thread_seconds() - begin);
  }
  const auto events = static_cast<double>(kBatch * kBatches);
  return {best / events * 1e9, static_cast<double>(journal) / events,
          static_cast<double>(ids) / events};
}

void run(const Packing& packing, const std::shared_ptr<const Catalogue>& catalogue,
         const Batches& batches, double seconds, const std::string& folder, double encode_ns) {
  const Packed packed = pack(packing, catalogue, batches);
  std::filesystem::remove_all(folder);
  auto opened = open_rocksdb_store({.path = folder, .compression_level = packing.level});
  if (!opened) {
    fmt::print(stderr, "{}\n", opened.error().message);
    std::exit(3);
  }
  Store& store = **opened;
  store.set_catalogue(catalogue);
  const double wall = wall_seconds();
  const double thread = thread_seconds();
  const double process = process_seconds();
  double commit_wall = 0;
  uint64_t events = 0;
  for (size_t i = 0; wall_seconds() - wall < seconds; ++i) {
    Batch& batch = store.begin();
    for (const Event& event : batches[i % batches.size()]) batch.append(event);
    const double before = wall_seconds();
    if (Status status = store.commit(batch, WallTime{}); !status) {
      fmt::print(stderr, "{}\n", status.error().message);
      std::exit(3);
    }
    commit_wall += wall_seconds() - before;
    events += kBatch;
  }
  const double count = static_cast<double>(events);
  const double thread_ns = (thread_seconds() - thread) / count * 1e9;
  const double process_ns = (process_seconds() - process) / count * 1e9;
  const double rate = count / (wall_seconds() - wall);
  const double commits = count / static_cast<double>(kBatch);
  const StoreStatistics statistics = store.statistics();
  fmt::print(
      "{:7} encode {:4.0f} ns, pack {:4.0f} ns, write {:4.0f} ns; thread {:4.0f} ns, process "
      "{:4.0f} ns/event; {:9.0f} events/s, commit {:.1f} ms; journal {:.1f} + ids {:.1f} "
      "bytes/event, on disk with log {:.1f}; flushed {:.0f} MB, rewritten {:.0f} MB\n",
      packing.name, encode_ns, packed.ns_per_event - encode_ns, thread_ns - packed.ns_per_event,
      thread_ns, process_ns, rate, commit_wall / commits * 1e3, packed.journal_bytes,
      packed.id_bytes, static_cast<double>(statistics.disk_bytes) / count,
      statistics.engine.at("rocksdb.flush-bytes-written") / 1e6,
      statistics.engine.at("rocksdb.compaction-bytes-written") / 1e6);
  opened->reset();
  std::filesystem::remove_all(folder);
}

// What a start pays: the whole journal, and the ids for dedupe.
void read_back(const std::shared_ptr<const Catalogue>& catalogue, const Batches& batches,
               const std::string& folder) {
  std::filesystem::remove_all(folder);
  auto store = open_rocksdb_store({.path = folder});
  if (!store) std::exit(3);
  (*store)->set_catalogue(catalogue);
  for (const std::vector<Event>& events : batches) {
    Batch& batch = (*store)->begin();
    for (const Event& event : events) batch.append(event);
    if (!(*store)->commit(batch, WallTime{})) std::exit(3);
  }
  double begin = thread_seconds();
  uint64_t events = 0;
  double sum = 0;
  if (!(*store)->read_journal(1, [&](const Store::JournalRecord& record) {
        ++events;
        sum += record.event->value;
        return true;
      })) {
    std::exit(3);
  }
  const double journal_ns = (thread_seconds() - begin) / static_cast<double>(events) * 1e9;
  begin = thread_seconds();
  uint64_t ids = 0;
  if (!(*store)->read_seen_ids(kMinEventTime, [&](const Store::SeenId&) { ++ids; })) std::exit(3);
  fmt::print("read    journal {:.0f} ns/event, ids {:.0f} ns/event ({} events, {} ids, sum {})\n",
             journal_ns, (thread_seconds() - begin) / static_cast<double>(ids) * 1e9, events, ids,
             sum);
  store->reset();
  std::filesystem::remove_all(folder);
}

int bench(double seconds, const std::string& folder) {
  const auto catalogue = make_catalogue();
  Arena arena;
  Batches batches;
  for (size_t i = 0; i < kBatches; ++i) {
    batches.push_back(make_events(*catalogue, i * kBatch, arena));
  }
  const Packed plain = pack({"none", Compression::kNone, 0}, catalogue, batches);
  fmt::print("encoded {:.0f} ns/event, {:.1f} bytes/event before packing\n", plain.ns_per_event,
             plain.journal_bytes);
  for (const Packing& packing :
       {Packing{"lz4", Compression::kLz4, 0}, Packing{"zstd-1", Compression::kZstd, 1},
        Packing{"zstd-3", Compression::kZstd, 3}}) {
    run(packing, catalogue, batches, seconds, folder, plain.ns_per_event);
  }
  read_back(catalogue, batches, folder);
  return 0;
}

}  // namespace
}  // namespace tocsin::storage

int main(int count, char** arguments) {
  const double seconds = count > 1 ? std::atof(arguments[1]) : 5;
  const std::string folder =
      count > 2 ? arguments[2]
                : (std::filesystem::temp_directory_path() / "tocsin-storage-bench").string();
  return tocsin::storage::bench(seconds, folder);
}
