#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/model/alert.h"
#include "rules/model/event.h"
#include "rules/model/result.h"
#include "rules/reconcile.h"
#include "rules/refused_groups.h"
#include "rules/rule.h"
#include "rules/shard.h"
#include "rules/source_time.h"

namespace tocsin::rules {

// Counts what rules did, per rule; read by metrics. Plain numbers, engine thread only.
struct RuleCounters {
  uint64_t selected = 0;
  uint64_t excepted = 0;  // events that select took and an exception left out
  // Events with the optional field of `of` absent, or with a time too coarse for their step.
  uint64_t skipped = 0;
  uint64_t missing_key = 0;
  uint64_t late = 0;            // events that came behind the rule's watermark
  uint64_t overflow = 0;        // all that was refused at one of the rule's limits
  uint64_t refused = 0;         // of these, events of groups that were not taken
  uint64_t refused_groups = 0;  // about so many groups, since their alert began
  uint64_t evaluations = 0;
  uint64_t evaluation_errors = 0;
  uint64_t groups = 0;
  uint64_t warming = 0;
  uint64_t state_bytes = 0;
  uint64_t cold_groups = 0;  // of the groups, those that are on the disk alone
  uint64_t cold_bytes = 0;   // of state_bytes, what these do not take in memory
  uint64_t cold_reads = 0;   // times that one was read back
};

// What a group of a rule is doing; recovering counts as firing.
enum class GroupState : uint8_t { kInactive, kWarming, kPending, kFiring };

// Which rules an engine runs: over events, over the alerts of those, or both. Of several shards
// each runs the first, and one engine beside them the second on the alerts of all.
enum class Work : uint8_t { kAll, kEvents, kAlerts };

struct Inspection;
class SavedState;

struct EngineOptions {
  // kFinal: decisions only when the watermark has passed (history, shuffled input); kEarly:
  // monotone rules fire on arrival and say `provisional`.
  Emit emit = Emit::kEarly;
  // Of several engines that are all told every event, this one keeps its shard's groups.
  Shard shard{};
  Work work = Work::kAll;
  // Of all groups only these; null: all.
  std::shared_ptr<const Scope> scope{};
  // Of all rules, signals and armings only those with these identities, with what they read; null:
  // all.
  std::shared_ptr<const std::set<std::string>> only{};
  // Since when it is told every event; what looks back further is warming until it need not.
  EventTime told_from = kMinEventTime;
  // Where idle groups are read back from; it outlives the engine. nullptr: all stay in memory.
  const SavedState* saved = nullptr;
};

// Evaluates a bundle over events of one shard: (event, watermark) → alert transitions.
//
// Pure: no clock, no I/O, no threads, no randomness. The same calls in the same order give the same
// transitions; with Emit::kFinal any order of events within lateness does.
// The state is a cache over the journal: save() and restore() carry it over a restart, else it is
// rebuilt by feeding the journal again.
// Thread-safety: one thread at a time.
class Engine {
 public:
  using Transitions = std::vector<AlertTransition>;

  Engine(std::shared_ptr<const Bundle> bundle, EngineOptions options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Declares that events of `source` are to come, so that its silence holds the watermark back.
  // A source not declared is declared by its first event.
  void expect_source(SourceId source);

  // An accepted event. Also moves the watermark of its source to at least event.time - lateness. A
  // correction or retraction moves time and nothing else: what it changes is decided anew by an
  // engine that is fed the corrected events, and taken from there (take_over).
  void on_event(const Event& event, JournalSeq seq, Transitions& out);
  // Whether any rule looks at such an event, whatever it then says of it.
  bool looks_at(const Event& event) const;
  // An event that is none of this engine's business: time alone.
  void on_time(SourceId source, EventTime time, uint16_t partition, Transitions& out);

  // Of an engine for alerts: what the rules over events have decided, before the times that it
  // was decided at are told here.
  void on_alerts(std::span<const AlertTransition> alerts);
  // What the shards refused, in order of `seq` and without repetition, before these events are told
  // here; and, of a shard, what it has refused since it was last asked.
  void on_refusals(std::span<const Refusal> refusals);
  std::vector<Refusal> take_refusals();

  // `source` is believed complete up to `to` (idleness, heartbeat). Never moves back.
  void advance(SourceId source, EventTime to, Transitions& out);

  // The partition is not waited for until it is heard of again.
  void leave_partition(SourceId source, uint16_t partition, Transitions& out);

  // No more events of this source: it no longer holds anything back.
  void end_source(SourceId source, Transitions& out);

  // Decides all that the same rules have decided there: it may have got further than the events
  // alone say, when a source or a partition was heard of late.
  void reach(const Engine& other, Transitions& out);

  // All sources have ended: everything up to `to` is complete; deadlines and windows after it stay
  // open.
  void finish(EventTime to, Transitions& out);

  // Up to where finish() was told; kMinEventTime: it was not.
  EventTime finished() const;

  // Watermark of a source; nullopt before its first event.
  std::optional<EventTime> watermark(SourceId source) const;
  // Newest event time of a source.
  std::optional<EventTime> newest(SourceId source) const;
  // How far rules have come without this partition of the source, so that what it tells of before
  // is late; kMinEventTime: it was there from the beginning.
  EventTime decided_without(SourceId source, uint16_t partition) const;
  const SourceTime& source_time(SourceId source) const;
  // Of a rule: the lowest of the live sources that feed it.
  EventTime rule_watermark(RuleIndex rule) const;
  // Lowest watermark over all live sources; kMinEventTime before any event.
  EventTime watermark() const;

  // Calls `put` with each (key, value) that changed since the last save; value empty: gone. Keys
  // and values are opaque bytes with a format version; rules with the same shape read them again.
  void save(const std::function<void(std::string_view key, std::string_view value)>& put);
  // Takes back one saved entry, before any event. An entry of a rule that is gone or of another
  // shape is ignored (false), and so are bytes that no engine has saved under that key.
  bool restore(std::string_view key, std::string_view value);
  // Whether an engine of this format has saved these bytes under that key.
  static bool is_whole(std::string_view key, std::string_view value);

  // Puts idle groups out of memory until no more than so many bytes are resident, or none is left
  // that may go: clean, without an alert that is open or about to be, with nothing that waits, and
  // not used since the last call. They are read back when they are needed, and neither decisions
  // nor limits nor what is saved next tell the difference. To be called before save(), when all
  // that was saved before is committed; does nothing without EngineOptions::saved.
  void cool(size_t resident_bytes);
  // A group could not be read back. What was decided since then is not to be relied on: nothing of
  // it may be committed, and the engine is of no more use. Its code is that of the read; kCorrupt
  // when the entry is missing, damaged or not the one that was saved last.
  const std::optional<Error>& fault() const;

  // Replaces the rules: state of rules with the same shape goes on, the rest starts anew; alerts of
  // rules that are gone end as resolved with condition "rule removed". Transitions in `ended` are
  // numbered and worded by the bundle before, those in `out`, which follow them, by the new one.
  void activate(std::shared_ptr<const Bundle> bundle, Transitions& ended, Transitions& out);

  // How rules decide from here on.
  void emit(Emit emit);

  // Open alerts go on as `pins` say: under the ids and numbers that they were told by.
  void pin(const std::map<GroupName, Pin>& pins);
  // Puts groups where `rebuilt` has them, an engine over the same bundle that has come to the same
  // time in another way. `takes`: which ones, of rules and of what these read.
  using Takes = std::function<bool(const Rule& rule, const std::vector<std::string>& key)>;
  void take_over(Engine& rebuilt, const Takes& takes);
  // After all groups of rules with these identities were taken over: they know what `rebuilt`
  // knows, and rules over alerts look at all alerts with their next tick.
  void join(const Engine& rebuilt, const std::set<std::string>& identities);

  const Bundle& bundle() const;
  const std::vector<RuleCounters>& counters() const;  // by RuleIndex
  // Of all groups, cold ones as if they were in memory; and of what is in memory.
  size_t state_bytes() const;
  size_t resident_bytes() const;
  // Of the group with these key texts, in `by` order; nullopt when the catalogue has no such group.
  // One that the engine holds nothing of is what its next event would find: warming under a surge,
  // else inactive.
  std::optional<GroupState> state_of(RuleIndex rule, const std::vector<std::string>& key) const;
  // Whether anything is held of it.
  bool has_group(RuleIndex rule, const std::vector<std::string>& key) const;
  // How the group stands at `at`, up to which time must have passed (finish()). nullopt when
  // nothing is held of it.
  std::optional<Inspection> inspect(RuleIndex rule, const std::vector<std::string>& key,
                                    EventTime at) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Of the numbers that saved groups contain: a reload keeps state only where it is the same.
uint64_t fingerprint(const Catalogue& catalogue);

// Puts those from `first` on in order of (at, rule, group); of one group they stay as they were
// decided, so that an alert ends before the next begins.
void sort_transitions(Engine::Transitions& out, size_t first);

// Whether an engine, or one in shards, has decided already without the event.
template <typename Engine>
bool is_late(const Event& event, const Engine& engine) {
  const std::optional<EventTime> watermark = engine.watermark(event.source);
  return (watermark && event.time <= *watermark) ||
         event.time <= engine.decided_without(event.source, partition_of(event));
}

}  // namespace tocsin::rules
