// A storm of random group keys against a rule at its limit of groups: how much memory it takes,
// whether the groups that were known say what they would without it, and what is told of it. Exit
// code 1 when one of the promises does not hold.
//
//   storm_bench [--keys N, default 10000000] [--kind threshold|surge|new_term]
//
// 100 known groups over 60 days; between any two of their events come keys that never came before.
// The limit of new groups in an hour is out of force, so that they fill up to the limit of all
// groups.

#include <fmt/format.h>
#include <malloc.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "rules/engine.h"
#include "rules/load/budget.h"
#include "rules/load/rule_loader.h"
#include "tests/bench/workload.h"
#include "tests/support/event_builder.h"

namespace tocsin {
namespace {

constexpr int kKnown = 100;
constexpr int kKnownEvents = 20'000;
constexpr int kDays = 60;
constexpr int kCountries = 20;
constexpr double kOverhead = 1.25;  // of the allocator, over what is counted

std::string catalogue() {
  std::string text =
      "tocsin: catalogue/1\nindicators:\n  violence.attack: {driver: violence, meaning: made up, "
      "attrs: {group: {type: string, required: true, cardinality: 500}}}\nsources:\n  desk: "
      "{title: "
      "Desk, lateness: 6h, tlp: clear, indicators: [violence.attack]}\nregions:\n  declare:\n";
  for (int i = 0; i < kCountries; ++i) text += fmt::format("    Z{}: {{names: {{en: N}}}}\n", i);
  return text;
}

std::string detect_of(const std::string& kind) {
  if (kind == "threshold") {
    return "{measures: {n: {agg: count, window: 7d, every: 1d}}, when: n >= 30}";
  }
  if (kind == "surge") {
    return "{measure: {agg: count, window: 2d, every: 1d}, baseline: {history: 8, gap: 2d, "
           "min_history: 4}, test: {method: ratio, at_least: 1.6}, floor: 5}";
  }
  return "{term: [e.value], history: 30d, learn: {for: 3d}, max_terms: 100}";
}

std::string rules(const std::string& kind) {
  return "tocsin: rules/1\npackage: storm\nrules:\n  - {rule: attacks, kind: " + kind +
         ", title: T, status: draft, driver: violence, stage: latent, select: 'e.indicator == "
         "\"violence.attack\"', by: [region@country, e.attrs.group], severity: watch, "
         "alert: {hold: 1d}, limits: {groups: 10000, state: 2GiB, new_groups_per_hour: 10000000}, "
         "detect: " +
         detect_of(kind) + "}\n";
}

std::shared_ptr<const rules::Bundle> load(const std::string& kind) {
  rules::BundleText text;
  text.catalogue.push_back({"catalogue.yaml", catalogue()});
  std::string written = rules(kind);
  if (kind != "new_term") {
    const std::string hold = "alert: {hold: 1d}, ";
    written.erase(written.find(hold), hold.size());
  }
  text.rules.push_back({"rules.yaml", written});
  Diagnostics diagnostics;
  auto bundle = rules::load_bundle(text, diagnostics);
  for (const Diagnostic& d : diagnostics.all()) fmt::print("{}\n", to_text(d));
  if (bundle == nullptr) std::exit(2);
  return bundle;
}

double heap_mib() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd) / (1 << 20);
}

struct Result {
  size_t known = 0;  // transitions of known groups
  Hash128 said;      // all of them
  size_t fires = 0;  // of the overflow rule
  size_t overflow = 0;
  int64_t told_events = 0;
  int64_t told_groups = 0;
  rules::RuleCounters counters;
  double state_mib = 0;  // at most
  double heap = 0;       // MiB more than before, at most
  double resident = 0;
  double seconds = 0;
};

void take(const AlertTransition& t, Result& to) {
  if (t.rule != 0) {
    ++to.overflow;
    to.fires += t.action == Action::kFire ? 1 : 0;
    to.told_events = std::get<int64_t>(t.values[0].value);
    to.told_groups = std::get<int64_t>(t.values[1].value);
    return;
  }
  if (!t.group[1].second.starts_with("known-")) return;
  std::string text = fmt::format("{} {} {} {} {} {} {} {}", to_hex(to.said), to_hex(t.alert), t.seq,
                                 to_string(t.action), to_string(t.level), format_time(t.at),
                                 t.condition, t.events_counted);
  for (const EvidenceRef& ref : t.evidence) text += fmt::format(" {}", ref.seq);
  ++to.known;
  to.said = hash128(text);
}

// `junk` keys between two known events.
Result run(const std::shared_ptr<const rules::Bundle>& bundle, uint64_t junk) {
  const Catalogue& world = *bundle->catalogue;
  std::mt19937_64 random(17);
  std::mt19937_64 random_keys(18);
  const double heap_before = heap_mib();
  const double resident_before = bench::memory_mib();
  rules::Engine engine(bundle, {});
  rules::Engine::Transitions out;
  Attr attr{.key = "group", .slot = 0, .value = {}};
  Event event;
  event.source = *world.find_source("desk");
  event.indicator = *world.find_indicator("violence.attack");
  event.attrs = {&attr, 1};
  std::string id;
  std::string key;
  Result result;
  const auto look = [&] {
    result.state_mib =
        std::max(result.state_mib, static_cast<double>(engine.state_bytes()) / (1 << 20));
    result.heap = std::max(result.heap, heap_mib() - heap_before);
    result.resident = std::max(result.resident, bench::memory_mib() - resident_before);
  };
  const auto take_all = [&] {
    for (const AlertTransition& t : out) take(t, result);
    out.clear();
  };
  JournalSeq seq = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kKnownEvents; ++i) {
    const int known = i < kKnown ? i : static_cast<int>(random() % kKnown);
    event.time = event.time_end =
        testing::day(static_cast<double>(kDays) * static_cast<double>(i) / kKnownEvents);
    event.region = *world.find_region(fmt::format("Z{}", known % kCountries));
    event.value = static_cast<double>(random() % 40);
    key = fmt::format("known-{}", known);
    attr.value = std::string_view(key);
    id = fmt::format("known-{}", i);
    event.id = id;
    engine.on_event(event, ++seq, out);
    take_all();
    if (i < kKnown) continue;
    for (uint64_t j = 0; j < junk; ++j) {
      const uint64_t number = random_keys();
      key = fmt::format("{:016x}", number);
      attr.value = std::string_view(key);
      event.region = RegionId{static_cast<uint32_t>(number % kCountries)};
      event.value = static_cast<double>(number % 40);
      event.id = key;
      engine.on_event(event, ++seq, out);
      take_all();
    }
    seq += 1'000'000 - junk;  // known events have the same places with a storm and without
    if (i % 100 == 0) look();
  }
  engine.finish(testing::day(kDays + 3), out);
  take_all();
  look();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  result.counters = engine.counters()[0];
  return result;
}

int measure(const std::string& kind, uint64_t keys) {
  const auto bundle = load(kind);
  const rules::Rule& rule = bundle->rules[0];
  const uint64_t per_group = rules::bytes_per_group(*bundle->catalogue, rule);
  const uint64_t groups = rules::groups_of(*bundle->catalogue, rule);
  const double budget = static_cast<double>(per_group * groups) / (1 << 20);
  const Result calm = run(bundle, 0);
  const Result storm = run(bundle, keys / (kKnownEvents - kKnown));
  const uint64_t junk = keys / (kKnownEvents - kKnown) * (kKnownEvents - kKnown);
  fmt::print("{}: {} random keys in {} days against a limit of {} groups\n", kind, junk, kDays,
             groups);
  fmt::print("  budget (`tocsin check`): {:.1f} MiB, {} of {}\n", budget, groups,
             rules::readable_bytes(per_group));
  fmt::print("  at most: state {:.1f} MiB, heap {:.1f} MiB, resident {:.1f} MiB\n", storm.state_mib,
             storm.heap, storm.resident);
  fmt::print("  without the storm: state {:.1f} MiB, heap {:.1f} MiB, resident {:.1f} MiB\n",
             calm.state_mib, calm.heap, calm.resident);
  const auto refused = static_cast<double>(storm.counters.refused);
  fmt::print("  refused: {} events, told as {} of about {} groups ({:+.2f} %)\n",
             storm.counters.refused, storm.told_events, storm.told_groups,
             100.0 * (static_cast<double>(storm.told_groups) / refused - 1));
  fmt::print("  overflow: {} alert, {} transitions\n", storm.fires, storm.overflow);
  const bool is_same = storm.known == calm.known && storm.said == calm.said;
  fmt::print("  known groups: {} transitions, {} without the storm\n", calm.known,
             is_same ? "the same as" : "OTHERS than");
  fmt::print("  {:.0f} ns an event\n",
             storm.seconds * 1e9 / static_cast<double>(junk + kKnownEvents));
  const bool is_bounded = storm.state_mib <= budget && storm.heap <= kOverhead * budget;
  return is_same && storm.fires == 1 && is_bounded ? 0 : 1;
}

}  // namespace
}  // namespace tocsin

int main(int argc, char** argv) {
  std::string kind = "threshold";
  uint64_t keys = 10'000'000;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--keys") == 0) keys = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--kind") == 0) kind = argv[i + 1];
  }
  return tocsin::measure(kind, keys);
}
