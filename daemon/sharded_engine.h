#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "rules/engine.h"
#include "rules/saved_state.h"

namespace tocsin::daemon {

// The engine, cut over N cores as rules/shard.h says: no shard asks another for anything. Rules
// over alerts run in one engine beside the shards, on the alerts of all.
//
// Every shard sees every event go by in order of arrival: its own it evaluates, of the others it
// takes the time alone. So results do not depend on the number of shards. With one shard all runs
// on the caller's thread; with more, events gather until flush(), when the shards work side by
// side. Thread-safety: pipeline thread only; it has its helpers to itself.
class ShardedEngine {
 public:
  using Transitions = rules::Engine::Transitions;

  // `options.saved` has what save() has put. More than `state_memory` of state is not kept in
  // memory as long as there are idle groups: see rules::Engine::cool().
  ShardedEngine(std::shared_ptr<const rules::Bundle> bundle, rules::EngineOptions options,
                size_t shards, size_t state_memory = SIZE_MAX);
  ~ShardedEngine();
  ShardedEngine(const ShardedEngine&) = delete;
  ShardedEngine& operator=(const ShardedEngine&) = delete;

  // With several shards the event must stay valid until flush().
  void on_event(const Event& event, JournalSeq seq, Transitions& out);
  // Evaluates what has gathered. Transitions come in order of (at, rule, group).
  void flush(Transitions& out);

  // The rest as in rules::Engine; each flushes first.
  void expect_source(SourceId source, Transitions& out);
  void advance(SourceId source, EventTime to, Transitions& out);
  void leave_partition(SourceId source, uint16_t partition, Transitions& out);
  void end_source(SourceId source, Transitions& out);
  void finish(EventTime to, Transitions& out);
  void activate(std::shared_ptr<const rules::Bundle> bundle, Transitions& ended, Transitions& out);
  void emit(rules::Emit emit);
  // As those of Engine; `rebuilt` is one engine over all shards.
  void take_over(rules::Engine& rebuilt, const rules::Engine::Takes& takes,
                 const std::map<rules::GroupName, rules::Pin>& pins);
  // Has `rebuilt` decide all that is decided here.
  void bring_up(rules::Engine& rebuilt, Transitions& out) const;
  void join(const rules::Engine& rebuilt, const std::set<std::string>& identities);
  // Puts idle groups out of memory first: so all that was put before must be committed.
  void save(const std::function<void(std::string_view key, std::string_view value)>& put);
  // As that of Engine, of any of them.
  std::optional<Error> fault() const;
  // False for entries of another number of shards, in another format or damaged: the caller then
  // rebuilds from the journal.
  bool restore(std::string_view key, std::string_view value);
  // After the last restore().
  void finish_restore();

  // Up to date with every event handed in, flushed or not.
  std::optional<EventTime> watermark(SourceId source) const;
  std::optional<EventTime> newest(SourceId source) const;
  // Oldest event time of a source, as of the last flush.
  EventTime first(SourceId source) const { return shards_[0]->engine.source_time(source).first; }
  // To be flushed before, unless it has_heard_of() this partition.
  EventTime decided_without(SourceId source, uint16_t partition) const {
    const rules::SourceTime& known = sources_[static_cast<size_t>(source)];
    return known.partitions.knows(partition)
               ? known.missed
               : std::max(known.missed, shards_[0]->engine.decided_without(source, partition));
  }
  const rules::PartitionTimes& partitions(SourceId source) const {
    return sources_[static_cast<size_t>(source)].partitions;
  }
  bool has_heard_of(SourceId source, uint16_t partition) const {
    return sources_[static_cast<size_t>(source)].partitions.knows(partition);
  }
  // As of the last flush.
  EventTime watermark() const { return shards_[0]->engine.watermark(); }
  // Up to where finish() was told; kMinEventTime: it was not.
  EventTime finished() const { return shards_[0]->engine.finished(); }
  std::vector<rules::RuleCounters> counters() const;  // sums over shards, by RuleIndex
  // As those of Engine, as of the last flush.
  EventTime rule_watermark(RuleIndex rule) const;
  bool has_group(RuleIndex rule, const std::vector<std::string>& key) const;
  size_t state_bytes() const;
  size_t resident_bytes() const;
  size_t shards() const { return shards_.size(); }
  size_t gathered() const { return gathered_.size(); }

 private:
  // What one engine has in the saved state of all.
  class Part : public rules::SavedState {
   public:
    Part(std::string prefix, const rules::SavedState* all)
        : prefix_(std::move(prefix)), all_(all) {}
    Result<std::optional<std::string>> read(std::string_view key) const override {
      return all_->read(prefix_ + std::string(key));
    }
    const std::string& prefix() const { return prefix_; }
    // nullptr: nothing is read back.
    const rules::SavedState* get() const { return all_ == nullptr ? nullptr : this; }

   private:
    const std::string prefix_;
    const rules::SavedState* const all_;
  };
  static rules::EngineOptions with_saved(rules::EngineOptions options, const Part& part) {
    options.saved = part.get();
    return options;
  }
  struct Shard {
    Shard(std::shared_ptr<const rules::Bundle> bundle, const rules::EngineOptions& options,
          std::string prefix)
        : saved(std::move(prefix), options.saved),
          engine(std::move(bundle), with_saved(options, saved)) {}
    Part saved;
    rules::Engine engine;
    Transitions transitions;
    std::thread thread;  // of all but the first
  };
  struct Gathered {
    Event event;
    JournalSeq seq;
  };
  void observe(SourceId source, EventTime time, uint16_t partition);
  void evaluate(uint32_t shard);
  void work(uint32_t shard);
  void on_all(const std::function<void(Shard&)>& call, Transitions& out);
  void sort_from(Transitions& out, size_t first) const;
  void for_each_engine(const std::function<void(Shard&)>& call) const;
  void cool();
  void hand_up_refusals();
  // Has the engine for alerts look at what the shards have decided, then does `call` on it.
  void on_above(const std::function<void(rules::Engine&)>& call, Transitions& out, size_t first);

  std::shared_ptr<const Catalogue> catalogue_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<Shard> above_;  // for alerts; none with one shard, which runs all rules
  Transitions above_out_;
  static constexpr size_t kRestoredBetweenCooling = 1024;
  const size_t state_memory_;
  size_t restored_ = 0;             // entries
  std::vector<Gathered> gathered_;  // written between rounds, read by all during one
  // Index: SourceId. As those of the engines, with what has gathered: partitions, newest, advanced
  // and missed alone.
  std::vector<rules::SourceTime> sources_;

  std::mutex mutex_;
  std::condition_variable round_begins_;
  std::condition_variable round_ends_;
  uint64_t round_ = 0;     // guarded by mutex_
  size_t working_ = 0;     // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
};

}  // namespace tocsin::daemon
