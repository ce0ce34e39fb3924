#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "rules/engine.h"
#include "rules/saved_state.h"
#include "rules/testing/rule_test.h"
#include "rules/told_alerts.h"

namespace tocsin::rules {

// A transition with the rule it is of: the index in it counts in a bundle that a reload replaces.
struct LoggedTransition : AlertTransition {
  std::string rule_id;
};

// The engine with a clock that the test moves: events arrive when the test says, sources fall idle
// as the catalogue says, and what the pipeline does around the engine (duplicates, too late,
// corrections, late events) is done here in the same way.
//
// Thread-safety: one thread at a time.
class VirtualEngine {
 public:
  // Without revisions what comes late or corrects moves time and nothing else.
  VirtualEngine(std::shared_ptr<const Bundle> bundle, EngineOptions options, bool revises = true);

  // Events of the source are to come, so its silence holds the watermark back.
  void expect(SourceId source);
  // Moves the clock: sources silent for `idle` follow it at their lateness from now on.
  void move_to(EventTime now);
  // The event arrives now.
  void deliver(const Event& event);
  // No more events of the source are to come.
  void end(SourceId source);
  void restart();
  // Saves, and puts all groups that lie idle out of memory.
  void cool();
  void reload(std::shared_ptr<const Bundle> bundle);
  // All sources end; everything up to `to` is complete.
  void finish(EventTime to);

  const std::vector<LoggedTransition>& log() const { return log_; }
  // Latest transition of every alert that has not ended, by rule and group.
  std::vector<const LoggedTransition*> active() const;
  const Bundle& bundle() const { return engine_->bundle(); }
  std::optional<GroupState> state_of(RuleIndex rule, const std::vector<std::string>& key) const {
    return engine_->state_of(rule, key);
  }
  // Id of the event at a place of the journal.
  std::string_view event_id(JournalSeq seq) const;
  uint64_t duplicates() const { return duplicates_; }
  uint64_t too_late() const { return too_late_; }

 private:
  using EventId = std::pair<SourceId, std::string_view>;
  static EventId id_of(const Event& event) { return {event.source, event.id}; }

  // Where save() goes.
  class Saved : public SavedState {
   public:
    void put(std::string_view key, std::string_view value);
    Result<std::optional<std::string>> read(std::string_view key) const override;
    const std::map<std::string, std::string, std::less<>>& all() const { return entries_; }

   private:
    std::map<std::string, std::string, std::less<>> entries_;
  };

  void save();
  void log_fresh();
  // An event that came after what it has a say in was decided.
  void revise(JournalSeq place);
  // Not retracted, and not replaced by a later revision.
  bool is_current(JournalSeq seq) const;
  void feed_as_it_stands(Engine& engine, const Scope& scope, Engine::Transitions& out) const;

  std::shared_ptr<const Bundle> bundle_;
  EngineOptions options_;
  const bool revises_;
  std::vector<Event> journal_;                         // seq - 1; views into the test's arena
  std::map<EventId, uint32_t> seen_;                   // revision
  std::map<EventId, std::vector<JournalSeq>> places_;  // of all revisions of an event
  std::vector<std::pair<SourceId, EventTime>> advances_;
  std::vector<SourceId> expected_;
  std::vector<SourceId> ended_;
  ToldAlerts told_;
  std::map<SourceId, EventTime> last_arrival_;
  Saved saved_;
  Engine::Transitions fresh_;  // of the running call
  std::vector<LoggedTransition> log_;
  EventTime now_ = kMinEventTime;
  uint64_t duplicates_ = 0;
  uint64_t too_late_ = 0;
  std::unique_ptr<Engine> engine_;
};

}  // namespace tocsin::rules
