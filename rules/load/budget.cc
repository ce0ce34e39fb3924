#include "rules/load/budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <tuple>

#include "rules/grown.h"
#include "rules/kinds/absence.h"
#include "rules/kinds/divergence.h"
#include "rules/kinds/event.h"
#include "rules/kinds/index.h"
#include "rules/kinds/new_term.h"
#include "rules/kinds/over_alerts.h"
#include "rules/kinds/sequence.h"
#include "rules/kinds/windowed.h"
#include "rules/load/group_keys.h"
#include "rules/load/monotone.h"
#include "rules/shard.h"

namespace tocsin::rules {

namespace {

constexpr Milliseconds kEventEvery = std::chrono::hours(6);  // in a group, on average
constexpr uint64_t kEventBytes = 512;                        // encoded, with what its owner adds
constexpr uint64_t kTextBytes = 64;                          // a key or an id, on the heap
constexpr uint64_t kTimerBytes = 32;  // its place in the heap of timers, once or twice

uint64_t ceil_div(Milliseconds a, Milliseconds b) {
  return static_cast<uint64_t>((a.count() + b.count() - 1) / b.count());
}

// How far the watermark may lie behind the newest event.
Milliseconds behind(const Catalogue& catalogue, const Rule& rule) {
  Milliseconds idle{0};
  for (const SourceId source : feeding_sources(catalogue, rule)) {
    idle = std::max(idle, catalogue.source(source).idle);
  }
  return lateness_of(catalogue, rule) + idle;
}

uint64_t waiting_events(const Catalogue& catalogue, const Rule& rule) {
  return ceil_div(behind(catalogue, rule), kEventEvery) + 1;
}

// Sources with a date of onboarding have a part of each pane of their own.
uint64_t lanes(const Catalogue& catalogue, const Rule& rule) {
  const auto* surge = std::get_if<SurgeDetect>(&rule.detect);
  if (surge == nullptr || !surge->stable_sources) return 1;
  uint64_t lanes = 1;
  for (const Source& source : catalogue.sources()) lanes += source.onboarded ? 1 : 0;
  return lanes;
}

// `reach`: panes from the oldest that matters to the tick.
uint64_t windowed_bytes(const Catalogue& catalogue, const Rule& rule,
                        const std::vector<Measure>& measures, uint64_t reach) {
  const Span every = measures.front().every;
  uint64_t window = 0;
  for (const Measure& measure : measures) window = std::max<uint64_t>(window, measure.panes);
  const uint64_t ahead = ceil_div(behind(catalogue, rule), shortest(every)) + 2;
  const uint64_t events = ceil_div(longest(every), kEventEvery);
  const uint64_t parts = std::min(lanes(catalogue, rule), events);  // of a pane, one a lane
  const uint64_t panes = (reach + ahead) * parts;
  const uint64_t kept =
      std::min<uint64_t>(events, evidence_per_pane(rule.alert.max_evidence, window));
  uint64_t bytes = grown_bytes<Pane>(panes) + grown_bytes<Accumulator>(panes) * measures.size();
  bytes += (window + ahead) * parts * grown_bytes<EvidenceItem>(kept);
  for (const Measure& measure : measures) {
    if (measure.aggregate != AggregateKind::kDistinct) continue;
    bytes +=
        panes * grown_bytes<DistinctSet::Entry>(std::min<uint64_t>(events, DistinctSet::kMost));
  }
  return sizeof(WindowGroup) + bytes;
}

uint64_t detect_bytes(const Catalogue& catalogue, const Rule& rule, const EventDetect&) {
  const uint64_t pending = rule.emit == Emit::kFinal ? waiting_events(catalogue, rule) : 0;
  return sizeof(EventGroup) + kEventBytes + grown_bytes<EvidenceItem>(rule.alert.max_evidence) +
         tree_bytes<PendingMatch>(pending) + pending * kEventBytes;
}

uint64_t detect_bytes(const Catalogue& catalogue, const Rule& rule, const ThresholdDetect& detect) {
  uint64_t reach = 0;
  for (const Measure& measure : detect.measures) reach = std::max<uint64_t>(reach, measure.panes);
  return windowed_bytes(catalogue, rule, detect.measures, reach);
}

uint64_t detect_bytes(const Catalogue& catalogue, const Rule& rule, const SurgeDetect& detect) {
  return windowed_bytes(catalogue, rule, {detect.measure},
                        uint64_t{detect.measure.panes} * (detect.history + 1) + detect.gap);
}

uint64_t detect_bytes(const Catalogue& catalogue, const Rule& rule, const TrendDetect& detect) {
  return windowed_bytes(catalogue, rule, {detect.series}, detect.series.panes);
}

// Of an index that fires on its own watermark, the panes that it has not come to.
uint64_t detect_bytes(const Catalogue& catalogue, const Rule& rule, const IndexDetect& detect) {
  const uint64_t panes = ceil_div(behind(catalogue, rule), shortest(detect.every)) + 2;
  const uint64_t kept = std::min<uint64_t>(ceil_div(longest(detect.every), kEventEvery), 8);
  const uint64_t parts = detect.parts.size();
  return sizeof(IndexGroup) + grown_bytes<FadingSum>(parts) + parts * grown_bytes<EvidenceItem>(8) +
         grown_bytes<Pane>(panes * parts) + grown_bytes<Accumulator>(panes * parts) +
         panes * parts * grown_bytes<EvidenceItem>(kept);
}

uint64_t detect_bytes(const Catalogue&, const Rule&, const LayersDetect&) {
  return sizeof(PlaceGroup);
}

uint64_t detect_bytes(const Catalogue&, const Rule&, const SpilloverDetect&) {
  return sizeof(PlaceGroup);
}

uint64_t detect_bytes(const Catalogue&, const Rule&, const DivergenceDetect&) {
  return sizeof(DivergenceGroup);
}

// Open matches lack a step; the latest complete one is kept beside them for the alert, and a rule
// that fires on arrival keeps where its matches stand with the events that wait.
uint64_t detect_bytes(const Catalogue& catalogue, const Rule& rule, const SequenceDetect& detect) {
  const auto steps =
      static_cast<uint64_t>(std::count_if(detect.steps.begin(), detect.steps.end(),
                                          [](const SequenceStep& step) { return !step.negated; }));
  const uint64_t pending = waiting_events(catalogue, rule);
  const uint64_t bound = grown_bytes<BoundStep>(steps);
  const uint64_t open = grown_bytes<OpenMatch>(detect.max_open) + detect.max_open * bound;
  return sizeof(SequenceGroup) + (rule.emit == Emit::kEarly ? 2 : 1) * open +
         detect.max_open * steps * kEventBytes + bound + steps * kEventBytes +
         tree_bytes<PendingStep>(pending) + pending * kEventBytes;
}

uint64_t detect_bytes(const Catalogue& catalogue, const Rule& rule, const AbsenceDetect& detect) {
  const uint64_t pending = waiting_events(catalogue, rule);
  return sizeof(AbsenceGroup) + grown_bytes<PastReport>(detect.at_least + 1) +
         tree_bytes<Report>(pending) + (pending + 1) * kTextBytes;
}

// That a group may come to know.
uint64_t possible_terms(const Catalogue& catalogue, const Rule& rule, const NewTermDetect& detect) {
  uint64_t terms = 1;
  for (const cel::Program& part : detect.term) {
    const uint64_t values = possible_values(catalogue, part.source(), rule.indicators);
    if (values == 0) return detect.max_terms;
    terms *= values + (detect.missing_is_term ? 1 : 0);
  }
  return std::min<uint64_t>(terms, detect.max_terms);
}

// Events with known terms wait without their bytes, as most do once a group has been heard of.
uint64_t detect_bytes(const Catalogue& catalogue, const Rule& rule, const NewTermDetect& detect) {
  const uint64_t pending = waiting_events(catalogue, rule);
  const uint64_t terms = possible_terms(catalogue, rule, detect);
  return sizeof(NewTermGroup) + kEventBytes + grown_bytes<EvidenceItem>(rule.alert.max_evidence) +
         grown_bytes<SeenTerm>(terms) + tree_bytes<PendingTerm>(pending) + pending * kTextBytes +
         std::min(pending, terms) * kEventBytes;
}

}  // namespace

uint64_t bytes_per_group(const Catalogue& catalogue, const Rule& rule) {
  const uint64_t key = rule.by.size() * (sizeof(std::string) + kTextBytes);
  return kTableBytes + kTimerBytes + key +
         std::visit([&](const auto& detect) { return detect_bytes(catalogue, rule, detect); },
                    rule.detect);
}

uint64_t groups_of(const Catalogue& catalogue, const Rule& rule) {
  return std::min(rule.max_groups, possible_groups(catalogue, rule.by, rule.indicators));
}

std::string readable_bytes(uint64_t bytes) {
  const auto size = static_cast<double>(bytes);
  if (bytes < (1ULL << 20U)) return fmt::format("{:.1f} KiB", size / 1024);
  if (bytes < (1ULL << 30U)) return fmt::format("{:.1f} MiB", size / (1ULL << 20U));
  return fmt::format("{:.1f} GiB", size / (1ULL << 30U));
}

namespace {

void check_new_groups(RuleScope& scope, const Rule& rule) {
  const yaml::Node* limits = scope.node().find("limits");
  const yaml::Node* limit = limits == nullptr ? nullptr : limits->find("new_groups_per_hour");
  const auto most = most_groups(scope.catalogue(), rule);
  if (limit == nullptr || !most) return;
  scope.warning(
      "T0430", limit->place,
      fmt::format("`new_groups_per_hour` has no effect: there can only be {} groups", *most),
      "it keeps out a storm of new keys, where a key can have any value");
}

}  // namespace

void check_budget(RuleScope& scope, const Rule& rule) {
  check_new_groups(scope, rule);
  const uint64_t groups = groups_of(scope.catalogue(), rule);
  const uint64_t per_group = bytes_per_group(scope.catalogue(), rule);
  const uint64_t total = groups * per_group;
  if (total <= rule.max_state_bytes) return;
  scope.error("T0366", rule.place,
              fmt::format("the rule may need {}: {} groups of {}, but `limits.state` is {}",
                          readable_bytes(total), groups, readable_bytes(per_group),
                          readable_bytes(rule.max_state_bytes)),
              "counted with an event every six hours in each group; lower `limits.groups`, take "
              "fewer or longer panes, or raise `limits.state`");
}

std::vector<RuleCost> rule_costs(const Bundle& bundle) {
  std::vector<RuleCost> costs;
  for (const Rule& rule : bundle.rules) {
    costs.push_back({.rule = rule.id,
                     .groups = groups_of(*bundle.catalogue, rule),
                     .bytes_per_group = bytes_per_group(*bundle.catalogue, rule)});
  }
  std::sort(costs.begin(), costs.end(), [](const RuleCost& a, const RuleCost& b) {
    return std::tuple(b.bytes(), a.rule) < std::tuple(a.bytes(), b.rule);
  });
  return costs;
}

void check_budget_of_all(const Bundle& bundle, uint64_t most, Diagnostics& diagnostics) {
  const std::vector<RuleCost> costs = rule_costs(bundle);
  uint64_t total = 0;
  for (const RuleCost& cost : costs) total += cost.bytes();
  if (total <= most) return;
  constexpr size_t kShown = 3;
  std::string dearest;
  for (size_t i = 0; i < std::min(kShown, costs.size()); ++i) {
    fmt::format_to(std::back_inserter(dearest), "{}{} {}", i == 0 ? "" : ", ", costs[i].rule,
                   readable_bytes(costs[i].bytes()));
  }
  const auto named = std::find_if(bundle.rules.begin(), bundle.rules.end(),
                                  [&](const Rule& rule) { return rule.id == costs.front().rule; });
  diagnostics.error(
      "T0388", named->place,
      fmt::format("all rules together may need {}, but `state_budget` is {}; the dearest: {}",
                  readable_bytes(total), readable_bytes(most), dearest),
      "lower their `limits.groups`, take fewer or longer panes, or raise "
      "`state_budget` of the daemon's configuration");
}

}  // namespace tocsin::rules
