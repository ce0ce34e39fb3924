#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/activation_record.h"
#include "daemon/alert_json.h"
#include "daemon/logged_alerts.h"
#include "daemon/seen_ids.h"
#include "daemon/sharded_engine.h"
#include "daemon/standing_alerts.h"
#include "ingest/raw_batch.h"
#include "ingest/record_decoder.h"
#include "rules/engine.h"
#include "rules/model/arena.h"
#include "rules/model/result.h"
#include "rules/saved_state.h"
#include "rules/told_alerts.h"
#include "storage/store.h"

namespace tocsin::daemon {

class Shadow;
struct OpenTold;

// What became of a decoded event.
enum class Admission : uint8_t { kAccepted, kDuplicate, kTooLate, kFuture };

// What the pipeline did since the last take_counts(), as plain numbers for metrics.
struct PipelineCounts {
  // Upper bounds of the age of an event behind the watermark; the last of ByAge is open.
  static constexpr std::array<Milliseconds, 4> kAgeBounds{
      std::chrono::hours(1), std::chrono::hours(24), std::chrono::hours(24 * 7),
      std::chrono::hours(24 * 45)};
  using ByAge = std::array<uint64_t, kAgeBounds.size() + 1>;
  struct PerSource {
    uint64_t accepted = 0;
    uint64_t duplicates = 0;
    uint64_t too_late = 0;
    uint64_t future = 0;
    uint64_t corrections = 0;  // of the accepted: op correct or retract
    ByAge late_by_age{};       // of the accepted: behind the watermark, inside the horizon
    ByAge too_late_by_age{};   // of the too late
  };

  uint64_t records = 0;
  std::vector<PerSource> by_source;                           // index: SourceId
  std::map<std::string, uint64_t, std::less<>> dead_letters;  // by reason
  std::map<std::string, uint64_t, std::less<>> skipped;       // by reason
  uint64_t revisions = 0;
  // Rules that a revision had to leave as they were: retention has dropped what they look back to.
  uint64_t revisions_out_of_reach = 0;
  std::map<std::pair<Action, Level>, uint64_t> transitions;
};

struct PipelineOptions {
  rules::Emit emit = rules::Emit::kEarly;
  // Engines side by side, by country. Results do not depend on it; more than the cores helps
  // nothing.
  size_t shards = 1;
  // Events stamped later than the wall clock plus this are dead-lettered, so that one wrong clock
  // cannot push the watermark. nullopt: no check (history).
  std::optional<Milliseconds> future_tolerance = std::chrono::minutes(10);
  // Revisions may take one part in so many of the time, so that they never hold up what comes in;
  // 0: each follows at once, whatever it takes, and the log is a function of the commits.
  int revision_share = 10;
  // After a start, a backlog has so long to come before silence of earlier runs counts.
  Milliseconds backlog_grace = std::chrono::minutes(5);
  // With more state than this in memory, groups that lie idle are kept in the store alone and read
  // back when they are needed. Nothing else depends on it. nullopt: all stay in memory, as they
  // must where save() goes elsewhere than into the store.
  std::optional<size_t> state_memory{};
  // Asked now and then, on any thread, by what reads the journal: a recovery, a revision, rules
  // that are judged on the past. Once it says so these end soon, and leave all as it was before
  // them.
  std::function<bool()> is_stopping{};
};

// The heart: bytes or events in, one atomic commit out. Read this first.
//
//   feed: decode → admit (future? seen? too late?) → journal → engine → alert log, outbox
//   commit: all of that, with source positions, in one storage batch; then the receipts are
//   answered
//
// Everything between two commits becomes durable together or not at all. What a crash undoes is
// read again from its source (Kafka and files go back to the stored position, an HTTP sender never
// got its answer), and the ids make the repeat harmless. Thread-safety: pipeline thread only.
class Pipeline : private ingest::DecodedSink, private EventLookup {
 public:
  // `bundle_text` is what rules/load can make `bundle` from again; it is kept in the store so that
  // a crash is recovered under the rules that were in force.
  Pipeline(storage::Store& store, std::shared_ptr<const rules::Bundle> bundle,
           std::string bundle_text, PipelineOptions options);
  ~Pipeline() override;

  // Makes the state what it was at the last commit: saved state, then the journal after it. To be
  // called once, before anything else, and followed by a commit with checkpoint. `compile` makes a
  // bundle of stored text (nullptr: it no longer compiles). Where the rules of then cannot be had,
  // or the catalogue is another one, the present rules judge the whole journal, and the alert log
  // is brought to what they hold, which is journalled; `warning` says so. Where retention has taken
  // the beginning of the journal, alerts from before are left as they were told until their rules
  // know again (standing_alerts.h). `progress` is told how many journal records were read of how
  // many; when it answers false, recovery ends with kUnavailable, and nothing has been changed but
  // state that the next start rebuilds.
  using CompileBundle =
      std::function<std::shared_ptr<const rules::Bundle>(const std::string& text)>;
  using Progress = std::function<bool(uint64_t done, uint64_t of)>;
  Status recover(const CompileBundle& compile, const Progress& progress, std::string& warning,
                 WallTime now);

  // What the journal says up to `to` and no saved state: in parts, from the first record on, under
  // the rules of then. Writes nothing. `told` is handed every transition, which the alert log
  // should have: the same (id, seq), the same bytes. Instead of all else of this class but save()
  // and what follows here.
  using Told = std::function<void(Hash128 alert, uint32_t seq, const std::string& json)>;
  Status recompute(JournalSeq to, const CompileBundle& compile, const Progress& progress,
                   const Told& told, std::string& warning);
  // The order in the alert log up to which recompute() could not tell what was told, since the
  // rules of then are not to be had; 0: from the first on.
  uint64_t undecided_to() const { return undecided_to_; }
  // Has what comes next of each alert numbered after what the log has of it.
  Status follow_log();
  // The text of the rules that the saved state belongs to; "" when there are none.
  static Result<std::string> rules_at_checkpoint(const storage::Store& store);
  // Whether that entry of saved state follows from the journal; else it is of the wall clock.
  static bool is_of_the_journal(std::string_view state_key) {
    return state_key != kArrivalsStateKey;
  }
  // Whether it is of one alert that was told.
  static bool is_of_told_alert(std::string_view state_key, Hash128& alert) {
    return state_key.starts_with(kToldPrefix) &&
           from_hex(state_key.substr(kToldPrefix.size()), alert);
  }
  // The state entries that changed since the last call; value empty: gone.
  void save(const std::function<void(std::string_view key, std::string_view value)>& put);

  // Decodes and processes a batch; its receipt is due at the next commit.
  void feed(ingest::RawBatch batch, WallTime now);

  // One event that is decoded already (replay); it must stay valid until the next flush or commit.
  // `stream`, `position` and `raw` name it in a dead letter.
  Admission admit(const Event& event, std::string_view stream, int64_t position,
                  std::string_view raw, WallTime now);

  void expect_source(SourceId source);
  // A silent source is taken to be complete up to `to`: journalled, since time decided it.
  void advance_source(SourceId source, EventTime to);
  // Its partitions that nothing has come by for so long no longer hold it back.
  void leave_silent_partitions(SourceId source, Milliseconds idle);
  void end_source(SourceId source);
  // All input has ended; windows up to `to` are closed. Only for history.
  void finish(EventTime to);

  // Replaces the rules; journalled. What begins anew is first judged on the journal, on a thread of
  // its own, while the rules in force serve on; then a commit puts it in their place and tells
  // `done`, on this thread. kInvalid when they are refused: others came first, they could not be
  // judged, or the catalogue is another one (numbers of events on their way would mean other
  // things, so that needs a restart). kUnavailable when the pipeline ends before: that says nothing
  // of the rules, and they are still to be loaded.
  using Activated = std::function<void(const Status&)>;
  void activate(std::shared_ptr<const rules::Bundle> bundle, std::string bundle_text,
                Activated done);
  // The same at once, whatever it takes.
  Status activate(std::shared_ptr<const rules::Bundle> bundle, std::string bundle_text);
  // Whether rules are being judged aside.
  bool is_activating() const { return activation_ != nullptr; }
  // Nothing is committed any more: whoever waits for rules is told so.
  void end_activation();
  static Error other_catalogue();

  // Makes durable what was fed, then answers the receipts. `checkpoint` also saves the state, which
  // bounds the journal that recovery must read. Then decides anew what corrections and late events
  // touch, and commits that too.
  Status commit(WallTime now, bool checkpoint);

  bool has_uncommitted() const;
  // Receipts and input waiting for a commit.
  size_t receipts_due() const { return receipts_.size(); }
  size_t uncommitted_events() const;
  size_t uncommitted_bytes() const;  // with dead letters and alerts

  PipelineCounts take_counts();
  const ShardedEngine& engine() const { return *engine_; }
  const rules::Bundle& bundle() const { return *bundle_; }
  const std::shared_ptr<const rules::Bundle>& shared_bundle() const { return bundle_; }
  // When anything of a source came last, whatever became of it, also before a restart; nullopt when
  // that is not known.
  std::optional<WallTime> last_arrival(SourceId source) const;
  // For how long nothing of it has come while somebody listened. A restart does not forget it, but
  // the time that the daemon was away is none of it, nor that of a pause, and what was before
  // counts only after a grace: a backlog may wait for us.
  Milliseconds silence_of(SourceId source) const;
  // Until when somebody listened before recover(); nullopt: that is not known.
  std::optional<WallTime> listened_before() const { return listened_before_; }
  // Inputs are listened to from now on, at the start and after a pause.
  void begin_listening() { resumed_at_ = listened_; }
  // They were for so long more. Counted by whoever runs this: the clock may be set.
  void listen(Milliseconds passed) { listened_ += passed; }
  // Nothing else has made a commit for so long that a crash would forget how long all is silent.
  bool owes_arrivals() const;
  // Corrections and late events whose effect is still to be told.
  size_t unrevised() const { return unrevised_.size(); }
  size_t seen_ids() const { return seen_.size(); }
  // Ids of events before it are never asked for again: the slowest source's correction horizon.
  EventTime dedupe_horizon() const;
  // Alerts committed since the last call, for event-to-alert latency: the number of transitions.
  uint64_t transitions_total() const { return transitions_total_; }

 private:
  // Which bundle the saved state belongs to, and how it emits ("HASH early"); beside the engine's
  // own keys, in the same commit.
  static constexpr std::string_view kBundleStateKey = "pipeline.bundle";
  // The same, of the first record of the journal.
  static constexpr std::string_view kFirstBundle = "first_bundle";
  // What was told, for revisions; each alert beside the engine's own keys.
  static constexpr std::string_view kToldPrefix = "pipeline.told.";
  // Places in the journal of what is still to be revised.
  static constexpr std::string_view kUnrevisedStateKey = "pipeline.unrevised";
  // Lines of "LAST_ARRIVAL_MS SILENCE_MS SOURCE".
  static constexpr std::string_view kArrivalsStateKey = "pipeline.arrivals";
  // Why the saved state is not to be restored, but rebuilt; goes with the state it is about.
  static constexpr std::string_view kFaultStateKey = "pipeline.fault";
  // Alerts that wait until their rules know again.
  static constexpr std::string_view kStandingStateKey = "pipeline.standing";

  static constexpr Milliseconds kArrivalsInterval = std::chrono::minutes(5);

  // Records are decoded some ahead of being taken, so that the memory of their ids is at hand.
  static constexpr size_t kLookAhead = 16;
  void on_record(const ingest::Decoded& record) override;
  void take_decoded();
  void take(const ingest::Decoded& record, Hash128 key);
  Hash128 key_of(const Event& event) const;
  Admission admit(const Event& event, Hash128 key, std::string_view stream, int64_t position,
                  std::string_view raw, WallTime now);
  const Event* find(JournalSeq seq) override;

  void set_bundle(std::shared_ptr<const rules::Bundle> bundle);
  // Rules in force, by what outlives the process.
  struct InForce {
    std::string hash;
    rules::Emit emit = rules::Emit::kEarly;

    static InForce parse(std::string_view text, rules::Emit otherwise);
    std::string text() const;
  };
  InForce in_force() const { return {to_hex(bundle_->hash), emit_}; }
  // What the pipeline itself has in the saved state.
  struct OwnState {
    InForce rules;
    std::string arrivals;
    std::string unrevised;
    std::string fault;
  };
  Result<OwnState> read_own_state() const;
  // The bundle of that hash, compiled from its stored text; nullptr when that cannot be.
  Result<std::shared_ptr<const rules::Bundle>> stored_bundle(const std::string& hash,
                                                             const CompileBundle& compile);
  // Before any event.
  Status go_back_to(std::shared_ptr<const rules::Bundle> bundle);
  // The same with an engine that knows since when it is told every event.
  Status begin_anew(std::shared_ptr<const rules::Bundle> bundle);
  // Goes to the rules of then, as far as they are known, and says from which record on they judge;
  // nullopt: those that are in force now have nothing to do with them.
  Result<std::optional<JournalSeq>> begin_as_then(const CompileBundle& compile);
  // The same for recompute(), which must not come to the present rules before their time.
  Result<JournalSeq> begin_at_first(const CompileBundle& compile);
  Result<std::shared_ptr<const rules::Bundle>> first_bundle(const CompileBundle& compile,
                                                            rules::Emit& emit);
  // The records at which rules judged all that was there before.
  struct WholeJudgement {
    JournalSeq seq = 0;
    storage::Control control;
  };
  Result<std::vector<WholeJudgement>> whole_judgements() const;
  // `complete` becomes false when the state was saved by another number of shards or in another
  // format, or is damaged.
  Status restore_state(bool& complete);
  Status read_told();
  Status drop_saved_state();
  // Of a rebuild that has more state than there is memory for: saves it, so that idle groups may be
  // in the store alone. That is no checkpoint: a start after this one begins again.
  static constexpr JournalSeq kRecordsBetweenRooms = 4096;
  Status make_room();
  // By the rules in force and those that are put in their place, or by the first alone.
  enum class Judges : uint8_t { kAsThen, kAlone };
  Status replay_journal(JournalSeq from, JournalSeq to, Judges judges, const CompileBundle& compile,
                        const Progress& progress, std::string& warning);
  Status replay(const storage::Store::JournalRecord& record, const CompileBundle& compile,
                std::string& warning);
  Status apply(const storage::Control& control, JournalSeq seq, const CompileBundle& compile,
               std::string& warning);
  // These rules alone, on all records up to that one; then the log, as it was then, is brought to
  // what they hold. `begin`: those that there were not before. told_: what was told until then.
  Status judge_whole(std::shared_ptr<const rules::Bundle> bundle, rules::Emit emit, JournalSeq to,
                     LoggedAlerts logged, const std::set<std::string>& begin,
                     const CompileBundle& compile, const Progress& progress);
  // The rules in force, on all; journalled.
  Status judge_whole_now(const std::set<std::string>& begin, const CompileBundle& compile,
                         const Progress& progress);
  // As it was at that record.
  Status judge_whole_again(const WholeJudgement& judgement, const CompileBundle& compile,
                           const Progress& progress, std::string& warning);
  // After a rebuild. All of these keep `logged` in step with what they log.
  Status bring_log_to_rules(LoggedAlerts& logged, const std::set<std::string>& begin);
  // Of an alert that is open in both.
  Status bring_level(const OpenTold& alert, const storage::Store::StoredAlert& last, bool is_known,
                     LoggedAlerts& logged);
  // One that the log has open and no rule holds.
  Status end_in_log(const storage::Store::StoredAlert& alert, LoggedAlerts& logged);
  // One that a rule holds open and the log has not, or as over.
  void tell_in_log(const OpenTold& alert, LoggedAlerts& logged);
  // Before it, what is decided of the rule cannot be trusted, with a journal that reaches back so
  // far.
  EventTime known_from(const rules::Rule& rule, EventTime reaches_back) const;
  // Whether all that the rule looks back to was there when the alert began.
  bool knows_beginning_of(const OpenTold& alert) const;
  // By then a rule holds again what holds, however its state began.
  EventTime knows_by(const rules::Rule& rule) const;
  // Whether an alert that no rule holds may go on all the same, though its rule knows by now: what
  // keeps it is older than all that the rule looks back to.
  bool may_go_on(const OpenTold& alert) const;
  // Leaves one that the log has open, and no rule holds by that name, as it stands; false when its
  // rule knows better, or is one that did not exist.
  Result<bool> leave_unheld(const storage::Store::StoredAlert& last, const LoggedAlerts& logged,
                            const std::set<std::string>& begin);
  // One that a rule holds, and the log has not open, though it did know then.
  void leave_untold(const OpenTold& alert, const LoggedAlerts& logged);
  // Has the engine's transitions go on with alerts that were told by other names.
  void go_on_with_standing();
  // What fires is the alert that its group has open, unless that is over: then it ends first.
  void take_up(const AlertTransition& fire, const rules::Rule& rule,
               rules::Engine::Transitions& ends);
  void rename_as_told(AlertTransition& transition, const rules::Rule& rule);
  // Has the transition follow on what was told; false when it is told to nobody.
  bool fit_to_told(AlertTransition& transition, const rules::ToldAlert* told,
                   const rules::Rule& rule);
  // Where rules know again, what they do not hold ends, and what they hold is told. At places of
  // the journal alone.
  void settle_standing();
  // Those of rules that go or begin anew.
  void end_standing_of(const rules::Bundle& next, const std::set<std::string>& begin);
  void end_unheld(const OpenTold& alert, EventTime at, std::string_view why,
                  rules::Engine::Transitions& out);
  Status restore_seen_ids();
  void restore_arrivals(std::string_view text);
  std::string arrivals_text() const;
  struct Activation;
  Status activate(std::shared_ptr<const rules::Bundle> bundle, std::string bundle_text,
                  rules::Emit emit);
  Status check_catalogue(const rules::Bundle& bundle) const;
  void give_up_activation(const Error& why);
  // What an activation came to, for whoever waits for it: only where the store has failed, or all
  // stops, it says nothing of the rules.
  Status judged(const Status& status) const;
  bool has_built_rules() const;
  Status complete_activation(WallTime now);
  Result<std::unique_ptr<Shadow>> make_shadow(const std::shared_ptr<const rules::Bundle>& bundle,
                                              rules::Emit emit, JournalSeq up_to);
  // Both with what `shadow` has come to, when there is one.
  Status change_rules(std::shared_ptr<const rules::Bundle> bundle, std::string text,
                      rules::Emit emit, Shadow* shadow);
  // Tells `shadow` the records since, up to that one; where that fails nothing has changed.
  Status catch_up(Shadow* shadow, JournalSeq to);
  void switch_to(std::shared_ptr<const rules::Bundle> bundle, std::string text, rules::Emit emit,
                 Shadow* shadow);
  void adopt(Shadow& shadow, const std::set<std::string>& begin);
  Status activate_again(const storage::Control& control, JournalSeq seq,
                        const CompileBundle& compile, std::string& warning);
  static std::string bundle_key(std::string_view hash);
  void forget_old_ids();
  void dead_letter(std::string_view reason, std::string_view message, std::string_view stream,
                   int64_t position, std::string_view raw, WallTime now);
  Admission refuse(Admission admission, const Event& event, std::string_view stream,
                   int64_t position, std::string_view raw, WallTime now);
  void flush();
  // Tells what was decided.
  void log_transitions();
  // Of a replay it has been told.
  void log(const AlertTransition& transition, bool notify);
  void log(storage::AlertRecord record, Action action, Level level);
  // How the event goes on: what revises one that is known is a correction, whatever it calls
  // itself.
  Operation operation_of(const Event& event, Hash128 key) const;
  Status write_batch(WallTime now);
  // What was decided with a group missing is not committed. So that opening the store again does
  // not come to the same, it notes where the saved state itself is at fault.
  Status give_up(const Error& fault, WallTime now);
  // What the journal up to there says, against what was told; leaves it in transitions_. Where that
  // fails all is as before.
  Status revise(JournalSeq up_to);
  Status decide_anew(JournalSeq up_to);
  Result<EventTime> journal_reaches_back() const;
  // Alerts that `transitions` raise of a past that ended too long ago to wake anybody.
  std::set<Hash128> too_old(const rules::Engine::Transitions& transitions) const;
  EventTime newest_event() const;
  bool may_revise() const;
  bool is_stopping() const { return options_.is_stopping && options_.is_stopping(); }
  // Whether that is what a stop left of it.
  bool is_cut_off(const Status& status) const {
    return !status && status.error().code == ErrorCode::kUnavailable && is_stopping();
  }
  void find_kept_told();
  // At places of the journal alone, so that it does not depend on batches, commits or shards.
  static constexpr JournalSeq kRecordsBetweenForgetting = 256;
  void forget_told();
  void save_revisions(const std::function<void(std::string_view key, std::string_view value)>& put);
  PipelineCounts::PerSource& counts_of(SourceId source);
  storage::Batch& batch();
  EventTime horizon_of(SourceId source) const;

  storage::Store& store_;
  const PipelineOptions options_;
  // Where the engine reads idle groups back from.
  class StoredState : public rules::SavedState {
   public:
    explicit StoredState(const storage::Store& store) : store_(store) {}
    Result<std::optional<std::string>> read(std::string_view key) const override {
      return store_.get_state(key);
    }

   private:
    const storage::Store& store_;
  };
  const StoredState stored_state_;
  std::shared_ptr<const rules::Bundle> bundle_;
  std::string bundle_text_;
  rules::Emit emit_;
  std::unique_ptr<ShardedEngine> engine_;
  EventTime told_from_ = kMinEventTime;  // of an engine that begins anew
  std::vector<uint64_t> source_seeds_;   // index: SourceId; see event_key
  SeenIds seen_;
  struct Arrival {
    std::optional<WallTime> last;
    Milliseconds silence_before{0};        // of the runs before this one, since `last`
    std::optional<Milliseconds> heard_at;  // by listened_; nullopt: not in this run
    absl::flat_hash_map<uint16_t, Milliseconds> partitions;  // heard_at of each
  };
  void note_arrival(const Event& event, WallTime now);
  Milliseconds silence_of(const Arrival& arrival) const;

  std::vector<Arrival> arrivals_;  // index: SourceId
  std::optional<WallTime> listened_before_;
  WallTime latest_{};           // that we were told
  uint16_t partition_ = 0;      // of what is fed
  Milliseconds listened_{0};    // in this run
  Milliseconds resumed_at_{0};  // by listened_
  Milliseconds arrivals_saved_{0};
  storage::Batch* batch_ = nullptr;  // nullptr: none begun since the last commit
  rules::Engine::Transitions transitions_;
  bool is_replaying_ = false;
  bool is_rebuilding_ = false;        // from the whole journal, until the next checkpoint
  const Told* told_again_ = nullptr;  // while it is replaying; nullptr: nobody asks
  JournalSeq recomputed_ = 0;
  uint64_t undecided_to_ = 0;
  rules::ToldAlerts told_;
  StandingAlerts standing_;
  std::shared_ptr<Activation> activation_;
  std::vector<JournalSeq> unrevised_;
  std::vector<Milliseconds> kept_told_;  // index: RuleIndex; how long ended alerts are
  std::chrono::steady_clock::time_point revised_at_{};  // the end of the last revision
  std::chrono::steady_clock::duration revision_took_{};
  std::vector<std::pair<std::function<void(const ingest::Receipt&)>, ingest::Receipt>> receipts_;
  PipelineCounts counts_;
  uint64_t transitions_total_ = 0;
  Arena arena_;         // events of the batch being fed
  Arena lookup_arena_;  // the event looked up last in the journal
  Event found_;         // that event

  // While feed() runs:
  std::vector<ingest::Decoded> decoded_;  // not yet taken, at most kLookAhead
  ingest::Receipt* receipt_ = nullptr;
  const std::string* stream_ = nullptr;
  bool keep_refused_ = true;
  WallTime now_{};
};

}  // namespace tocsin::daemon
