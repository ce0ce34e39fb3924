#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "rules/arming_store.h"
#include "rules/detector.h"
#include "rules/engine.h"
#include "rules/kinds/overflow.h"
#include "rules/rule_index.h"
#include "rules/signal_store.h"
#include "rules/watermark.h"

namespace tocsin::rules {

// Of all that saved state depends on: names in their order.
uint64_t fingerprint(const Catalogue& catalogue);

inline constexpr size_t kNotesBetweenForgetting = 1024;

// What an engine is made of: its detectors by rule, the time of its sources, the board of alerts.
// The engine's calls are in engine.cc, saving in engine_saving.cc, other rules and the state of
// another engine in engine_renewal.cc.
struct Engine::State {
  State(std::shared_ptr<const Bundle> with, EngineOptions options)
      : bundle(std::move(with)),
        timeline(*bundle->catalogue),
        around(*bundle->catalogue, timeline, options) {
    around.catalogue_print = fingerprint(*bundle->catalogue);
  }

  // Rules over alerts come after those that raise them, then what counts signals and arms rules,
  // then the rule over refusals.
  int rank_of(size_t number) const;
  // All that have a detector, by its number: the watchers, then the rule over refusals.
  static std::vector<const Rule*> detected(const Bundle& bundle);
  bool runs(const Rule& rule) const;

  // What goes on over a reload, by identity.
  struct Kept {
    std::map<std::string, std::unique_ptr<Detector>> detectors;
    std::map<std::string, EventTime> watermarks;
  };
  // The detectors of the bundle, the kept ones among them, the others made anew; nullptr: nothing
  // has been told yet.
  void make_detectors(Kept* kept);
  // From when on a detector that is made now is told all that it looks at.
  EventTime told_from(const Rule& rule) const;

  void begin(Transitions& out) { around.out = &out; }
  void end(Transitions& out, size_t first) {
    sort_transitions(out, first);
    around.out = nullptr;
    around.arena.reset();
  }

  void run_timer(const Timeline::Timer& timer) {
    detectors[timer.rule]->on_timer(timer.group, timer.due);
    around.arena.reset();  // one call may run years of timers
  }
  void return_to(const Timeline::Timer& tick) {
    detectors[tick.rule]->on_return(tick.group, tick.due);
    around.arena.reset();
  }
  void run(SourceId source) {
    timeline.run_held(source, [this](const Timeline::Timer& tick) { return_to(tick); });
    timeline.run(source, [this](const Timeline::Timer& timer) { run_timer(timer); });
  }
  void run_all() {
    timeline.run_all_held([this](const Timeline::Timer& tick) { return_to(tick); });
    timeline.run_all([this](const Timeline::Timer& timer) { run_timer(timer); });
  }
  // What no rule over alerts can ask for any more; one that comes with a reload begins with those
  // that are open.
  void forget_alerts();
  // Rules over alerts look at everything at their next tick: one may be new, or what it reads.
  void tell_all_alerts();
  void note_first() {
    if (!timeline.take_first_moved()) return;
    for (const uint32_t absence : absences) detectors[absence]->on_first_moved();
  }
  // What follows from the rules as they are now.
  void list_rules();
  bool has_refusals() const {
    return around.overflow != nullptr && !(around.refusals.empty() && refusals.empty());
  }
  // What the event met with, here or in the shards: in an order that does not depend on where.
  void tell_refusals(const Event& event);
  Detector* find(std::string_view id) {
    const auto found = number_of.find(id);
    return found == number_of.end() ? nullptr : detectors[found->second].get();
  }
  bool observe(SourceId source, EventTime time, uint16_t partition) {
    const bool may_be_due = timeline.observe(source, time, partition);
    note_first();
    return may_be_due;
  }

  std::shared_ptr<const Bundle> bundle;
  Timeline timeline;
  Surroundings around;
  RuleIndexTable rules_by_event;
  // By RuleIndex; then those of signals and armings.
  std::vector<std::unique_ptr<Detector>> detectors;
  std::map<std::string, size_t, std::less<>> number_of;  // by identity
  // Which events of a rule are this shard's.
  enum class Part : uint8_t { kNone, kOwnRegions, kAll };
  std::vector<Part> parts;  // as detectors
  std::vector<uint32_t> absences;
  std::deque<Refusal> refusals;  // of shards; their events are to come
  size_t notes = 0;              // on the board, since the last forgetting
  size_t cooled = 0;             // the detector to look for idle groups in next
  EventTime saved_finish = kMinEventTime;
  std::vector<std::string> removed;  // keys of rules that are gone
  mutable std::vector<RuleCounters> counters;
};

}  // namespace tocsin::rules
