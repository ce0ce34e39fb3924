// What groups that lie idle take in memory and on the disk, and what reading them back costs.
//
//   cold_bench DIR [--groups N, default 200000]
//
// N groups of a counting rule, each with events on five days, are saved into a store in DIR, put
// out of memory and, a part of them, needed again in a random order.

#include <fmt/format.h>
#include <malloc.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>

#include "rules/engine.h"
#include "rules/load/rule_loader.h"
#include "rules/saved_state.h"
#include "storage/rocksdb_store.h"
#include "tests/support/event_builder.h"

namespace tocsin {
namespace {

constexpr int kEventsInEach = 5;

constexpr const char* kCatalogue = R"(tocsin: catalogue/1
indicators:
  violence.attack: {driver: violence, meaning: made up, attrs: {group: {type: string, required: true, cardinality: 500}}}
sources:
  desk: {title: Desk, lateness: 6h, tlp: clear, indicators: [violence.attack]}
regions:
  declare: {XA: {names: {en: N}}}
)";

constexpr const char* kRules = R"(tocsin: rules/1
package: cold
rules:
  - rule: attacks
    kind: threshold
    title: T
    status: draft
    driver: violence
    stage: latent
    select: e.indicator == "violence.attack"
    by: [region@country, e.attrs.group]
    detect: {measures: {n: {agg: count, window: 28d, every: 1d}}, when: n >= 30}
    severity: watch
    limits: {groups: 10000000, state: 100GiB, new_groups_per_hour: 10000000}
)";

std::shared_ptr<const rules::Bundle> load() {
  rules::BundleText text;
  text.catalogue.push_back({"catalogue.yaml", kCatalogue});
  text.rules.push_back({"rules.yaml", kRules});
  Diagnostics diagnostics;
  auto bundle = rules::load_bundle(text, diagnostics);
  for (const Diagnostic& d : diagnostics.all()) fmt::print("{}\n", to_text(d));
  if (bundle == nullptr) std::exit(2);
  return bundle;
}

class Stored : public rules::SavedState {
 public:
  explicit Stored(const storage::Store& store) : store_(store) {}
  Result<std::optional<std::string>> read(std::string_view key) const override {
    return store_.get_state(key);
  }

 private:
  const storage::Store& store_;
};

double heap_mib() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd) / (1 << 20);
}

double mib(size_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

class Bench {
 public:
  Bench(storage::Store& store, int groups)
      : store_(store), saved_(store), groups_(groups), engine_(bundle_, {.saved = &saved_}) {}

  bool run() {
    const double heap_before = heap_mib();
    for (int day = 0; day < kEventsInEach; ++day) {
      for (int i = 0; i < groups_; ++i) hit(i, day + 1.0 * i / groups_);
    }
    fmt::print("{} groups: state {:.1f} MiB, heap {:.1f} MiB\n", groups_,
               mib(engine_.state_bytes()), heap_mib() - heap_before);
    if (!save()) return false;
    const double heap_full = heap_mib();
    const size_t resident_full = engine_.resident_bytes();
    const auto begin = std::chrono::steady_clock::now();
    engine_.cool(0);
    engine_.cool(0);
    const rules::RuleCounters cold = engine_.counters()[0];
    fmt::print("cold: {} groups in {:.2f} s; resident {:.1f} MiB of {:.1f}, heap {:.1f} MiB less\n",
               cold.cold_groups, seconds_since(begin), mib(engine_.resident_bytes()),
               mib(resident_full), heap_full - heap_mib());
    fmt::print("a group: {:.0f} bytes in memory, {:.0f} when cold\n",
               static_cast<double>(resident_full) / groups_,
               static_cast<double>(engine_.resident_bytes()) / groups_);
    return read_back();
  }

 private:
  void hit(int group, double day) {
    const std::string key = fmt::format("group-{:08}", group);
    const Attr attr{.key = "group", .slot = 0, .value = std::string_view(key)};
    const std::string id = std::to_string(++seq_);
    Event event;
    event.id = id;
    event.source = *bundle_->catalogue->find_source("desk");
    event.indicator = *bundle_->catalogue->find_indicator("violence.attack");
    event.region = *bundle_->catalogue->find_region("XA");
    event.attrs = {&attr, 1};
    event.time = event.time_end = testing::day(day);
    engine_.on_event(event, seq_, out_);
  }

  bool save() {
    storage::Batch& batch = store_.begin();
    engine_.save([&](std::string_view key, std::string_view value) {
      batch.put_state(key, value);
      saved_bytes_ += key.size() + value.size();
    });
    batch.mark_checkpoint();
    const Status status = store_.commit(batch, {});
    if (!status) fmt::print("{}\n", status.error().message);
    fmt::print("saved: {:.0f} bytes a group\n", static_cast<double>(saved_bytes_) / groups_);
    return status.has_value();
  }

  bool read_back() {
    std::mt19937 random(7);
    const int count = groups_ / 10;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) {
      hit(static_cast<int>(random() % static_cast<uint32_t>(groups_)), kEventsInEach);
    }
    const double seconds = seconds_since(begin);
    const uint64_t reads = engine_.counters()[0].cold_reads;
    fmt::print("read back: {} groups, {:.1f} us an event\n", reads, seconds / count * 1e6);
    if (engine_.fault()) fmt::print("{}\n", engine_.fault()->message);
    return !engine_.fault();
  }

  storage::Store& store_;
  const Stored saved_;
  const int groups_;
  const std::shared_ptr<const rules::Bundle> bundle_ = load();
  rules::Engine engine_;
  rules::Engine::Transitions out_;
  JournalSeq seq_ = 0;
  size_t saved_bytes_ = 0;
};

}  // namespace
}  // namespace tocsin

int main(int argc, char** argv) {
  int groups = 200'000;
  if (argc == 4 && std::strcmp(argv[2], "--groups") == 0) groups = std::atoi(argv[3]);
  if (argc < 2 || groups <= 0) {
    fmt::print("usage: cold_bench DIR [--groups N]\n");
    return 2;
  }
  auto store = tocsin::storage::open_rocksdb_store({.path = argv[1]});
  if (!store) {
    fmt::print("{}\n", store.error().message);
    return 2;
  }
  return tocsin::Bench(**store, groups).run() ? 0 : 1;
}
