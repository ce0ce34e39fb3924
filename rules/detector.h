#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/aggregate.h"
#include "rules/alert_board.h"
#include "rules/alert_state.h"
#include "rules/engine.h"
#include "rules/evidence.h"
#include "rules/group_key.h"
#include "rules/refused_groups.h"
#include "rules/signal_reader.h"
#include "rules/watermark.h"

namespace tocsin::rules {

class ArmingStore;
struct Inspection;
class Detector;
class OverflowDetector;
struct ArmingEvent;

// What every detector uses of its engine.
struct Surroundings {
  Surroundings(const Catalogue& with, Timeline& time, EngineOptions engine_options)
      : catalogue(&with),
        timeline(&time),
        options(engine_options),
        shards(with, options.shard, options.scope.get()),
        board(with) {}

  // Puts what a rule over events has decided on the board: also when nobody reads it yet, for a
  // reload may bring one that does.
  void tell(const AlertTransition& transition, const Rule& rule);
  // A rule does not take the group that the event brings, or an alert at `at`, then with this key.
  void refuse(const Refusal& refusal) { refusals.push_back(refusal); }
  void refuse(const Refusal& refusal, EventTime at, const std::vector<std::string>& key);
  // The group's entry as it was saved last, without its seal. nullopt: it cannot be had, which is
  // noted as the fault.
  std::optional<std::string> read_back(const Rule& rule, std::string_view key_text);
  // The first one stays.
  void note_fault(const Rule& rule, std::string_view key_text, ErrorCode code,
                  std::string_view problem);

  const Catalogue* catalogue;
  Timeline* timeline;
  Arena arena;                         // emptied by the engine after each call and timer
  Engine::Transitions* out = nullptr;  // of the running call
  EngineOptions options;
  ShardMap shards;
  uint64_t catalogue_print = 0;  // fingerprint of the ids that saved state depends on
  std::map<std::string, SignalStore*, std::less<>> signals;  // by key
  AlertBoard board;
  std::vector<Detector*> over_alerts;                        // who is told what the board notes
  std::map<std::string, ArmingStore*, std::less<>> armings;  // by id of the armed rule
  std::vector<const Rule*> watchers;                         // as watchers_of()
  OverflowDetector* overflow = nullptr;  // nullptr: of a shard, which hands out its refusals
  std::vector<Refusal> refusals;         // of the event, or of a shard since it was asked
  JournalSeq seq = 0;                    // of the event that rules were told last
  std::optional<Error> fault;            // a group could not be read back: see Engine::fault()
};

// One group of a rule: its key and its alert. Kinds add what they count.
struct Group {
  Hash128 hash;
  std::vector<std::string> key;  // texts, in `by` order
  std::optional<RegionId> region;
  uint32_t index = 0;
  EventTime due = kNever;           // next timer that means something
  EventTime later = kNever;         // a timer set before it, still in the timeline
  EventTime begun = kMinEventTime;  // the hour that counts it as new; kMinEventTime: none
  bool was_due = false;             // else all that is known of it is still to be judged
  bool is_dirty = false;
  bool is_saved = false;  // there is an entry of it to remove
  bool was_used = true;   // since the last look for idle groups
  size_t counted_bytes = 0;
  AlertState alert;
};

// What a group takes beside itself: its slots in the tables, and what the allocator adds.
inline constexpr size_t kTableBytes = 96;

// What a decision rests on, for the alert.
struct Finding {
  const Event* event = nullptr;
  std::string condition;
  std::vector<Measured> values;
  EvidenceList evidence;
  uint64_t events_counted = 0;
  // Of all that counted; the alert keeps the highest of its episode, those that it names included.
  Tlp tlp = Tlp::kClear;
};

using PutState = std::function<void(std::string_view key, std::string_view value)>;

// Times of a whole rule that are saved.
struct RuleTimes {
  EventTime watermark = kMinEventTime;
  EventTime knows_from = kMinEventTime;
  EventTime refused_at = kMinEventTime;
  friend bool operator==(const RuleTimes&, const RuleTimes&) = default;
};

// Runs one rule over its groups.
//
// Thread-safety: one thread at a time.
class Detector {
 public:
  Detector(Surroundings& around, const Rule& rule, RuleIndex index, Timeline::ClassId time_class);
  virtual ~Detector() = default;
  Detector(const Detector&) = delete;
  Detector& operator=(const Detector&) = delete;

  // An event of an indicator and country that the rule can match, once for each of the groups that
  // it belongs to.
  void take(const Event& event, JournalSeq seq);
  // A timer has come; ignored when the group no longer waits for it.
  virtual void on_timer(uint32_t group, EventTime due) = 0;
  // A feed of a rule that holds a tick of the group may have come back.
  virtual void on_return(uint32_t /*group*/, EventTime /*tick*/) {}
  // An alert of a rule over events was told, or has changed; of rules over alerts only.
  virtual void on_alert(const BoardEntry&, EventTime /*at*/) {}
  // Makes the groups that exist from the start.
  virtual void prepare() {}
  // The rule's first known time may have moved back.
  virtual void on_first_moved() {}
  // Ends all open alerts.
  virtual void end(std::string_view condition, EventTime at) = 0;

  virtual void save(std::string_view prefix, const PutState& put) = 0;
  virtual bool restore(std::string_view bytes) = 0;
  // Names the saved keys of all groups; they are to be removed.
  virtual void forget_all(std::string_view prefix,
                          const std::function<void(std::string key)>& gone) = 0;
  virtual std::optional<GroupState> state_of(const std::vector<std::string>& key) = 0;
  virtual bool has_group(const std::vector<std::string>& key) = 0;
  // How the group stands at `at`; nullopt when nothing is held of it.
  virtual std::optional<Inspection> inspect(const std::vector<std::string>& key, EventTime at) = 0;
  // Puts idle groups out of memory until about so many bytes are free. Returns how many are.
  virtual size_t cool(size_t bytes) = 0;
  // Puts all timers of groups into the timeline anew.
  virtual void reschedule() = 0;
  // Replaces the groups that are `touched` by those of the same rule in another engine.
  virtual void take_over(Detector& rebuilt, const std::function<bool(const Group&)>& touched) = 0;
  // Gives open alerts the ids that they were told by; notes what they were called before.
  virtual void pin(const std::string& identity, const std::map<GroupName, Pin>& pins,
                   std::map<Hash128, Hash128>& renamed) = 0;

  // The same rule (same shape) of another bundle: new levels, texts and limits.
  void rebind(const Rule& rule, RuleIndex index, Timeline::ClassId time_class);

  const Rule& rule() const { return *rule_; }
  Timeline::ClassId time_class() const { return time_class_; }
  RuleIndex index() const { return index_; }
  RuleCounters& counters() { return counters_; }
  // Not all events before it are there: the rule or signal came with a reload.
  EventTime knows_from = kMinEventTime;
  EventTime refused_at = kMinEventTime;  // the latest of a group that was not taken
  RuleTimes saved;                       // these as they were saved last

 protected:
  // An event of one group.
  virtual void on_event(const Event& event, JournalSeq seq) = 0;
  virtual void on_rebind() {}
  // Own variables that are words of a language.
  virtual void set_words(std::string_view /*language*/) {}
  // Brings alerts to levels that the rule has now.
  virtual void fit_alerts() = 0;
  // Whether `limits.new_groups_per_hour` is in force at `at`: keys can have any value, and the rule
  // has been told events for as long as it looks back, and for a week.
  bool counts_new_groups(EventTime at) const;
  // Whether it names a number of the kind's own that has no value just now: it then has none
  // either, by no fault.
  virtual bool names_undefined(const cel::Program&) const { return false; }
  EventTime watermark() { return around_.timeline->watermark(time_class_); }
  bool is_early() const {
    return around_.options.emit == Emit::kEarly && rule_->emit == Emit::kEarly;
  }

  // Whether the event counts: `select` of the rule takes it, and no exception leaves it out.
  bool selects(const Event& event);
  // Whether an exception leaves the event out, which is counted: once an event, so ask once.
  bool is_excepted(const Event& event);
  // True when it is; errors count and are no match.
  bool holds(const cel::Program& program, const Event* event);
  // nullopt when the expression has no value.
  std::optional<bool> truth(const cel::Program& program, const Event* event);
  // The sources of the rule's own events, without those of what it reads.
  std::span<const SourceId> own_feeds() const { return own_feeds_; }
  // From now on signals and arming are read as of `at`, and not of the time that is told; nullopt:
  // as of that again.
  void read_as_of(std::optional<EventTime> at) { read_at_ = at; }

  // Slots of the common variables, then the kind's own as the detector left them.
  std::span<const cel::Value> variables() const { return variables_; }
  cel::Value& own_variable(size_t slot) { return variables_[kCommonVariables + slot]; }
  void set_common(const Group& group, Level level, EventTime at, EventTime starts_at);
  // Makes them unknown: no group yet.
  void clear_common();
  void set_place(const Group& group, std::string_view language);

  // Adds what the measure takes of the event.
  void count_into(const Measure& measure, const Event& event, Accumulator& cell);
  // As of the last set_common().
  bool names_silent_signal(const cel::Program& program) const;
  SignalReader& signals() { return *signals_; }
  // Whether the rule is at work for the group and time of the last set_common().
  bool is_armed() const { return arming_ == nullptr || armed_by_ != nullptr; }
  // Since when: events before do not count. kMinEventTime when it always is.
  EventTime armed_from() const;
  // Whether what it decides depends on more than the events of the group.
  bool reads_others() const { return !rule_->signals.empty() || rule_->arming != nullptr; }
  // Whether a condition asks what time it is: then it may turn though nothing comes or goes.
  bool names_time() const { return names_time_; }

  // What levels and readings are as of the last finding.
  void add_readings(Inspection& inspection, const Event* event);

  // Enters and stays of all levels, given whether the rule's own condition holds (nullopt:
  // unknown).
  Verdict judge_levels(std::optional<bool> base);

  // `pinned` makes the identity of the episode, together with the time of the late event that it
  // was decided for, if it was.
  void open(Group& group, Level level, EventTime pinned, EventTime starts_at,
            EventTime late_of = kUnset);
  // Appends the transition. `previous` as in AlertTransition; the state's own level is the new one.
  void announce(Group& group, Action action, Level previous, EventTime at, Finding finding);
  // announce(kResolve) and close. `is_early`: decided before the watermark came to `at`.
  void resolve(Group& group, EventTime at, Finding finding, bool is_early = false);

  Surroundings& around_;
  RuleCounters counters_;
  GroupKeyer keyer_;

 private:
  cel::Value region_variable(const Group& group, std::string_view language);
  cel::Value key_variable(const Group& group);
  void add_texts(const Group& group, const Finding& finding, AlertTransition& transition);

  void note_names();
  void bind_readings();
  void read_arming(const Group& group, EventTime at);

  const Rule* rule_;
  bool names_place_ = false;  // a condition names `region` or `by`: maps that cost to make
  bool names_time_ = false;   // or `at`, days_since() included
  bool has_open_keys_ = false;
  Milliseconds settles_after_{0};
  RuleIndex index_;
  Timeline::ClassId time_class_;
  std::vector<cel::Value> variables_;
  size_t first_signal_ = 0;  // slot
  std::vector<SourceId> own_feeds_;
  std::optional<EventTime> read_at_;
  std::optional<SignalReader> signals_;
  ArmingStore* arming_ = nullptr;
  KeyMap arming_key_;
  const ArmingEvent* armed_by_ = nullptr;  // as of the last set_common()
};

// The detector of the rule's kind.
std::unique_ptr<Detector> make_detector(Surroundings& around, const Rule& rule, RuleIndex index,
                                        Timeline::ClassId time_class);

}  // namespace tocsin::rules
