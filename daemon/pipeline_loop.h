#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "daemon/pipeline.h"
#include "daemon/wall_clock.h"
#include "ingest/event_source.h"

namespace tocsin::daemon {

// When the loop commits, checkpoints and looks after silent sources.
struct LoopOptions {
  // Longest wait of an input for its commit. Larger: fewer fsyncs, slower answers and alerts.
  // At most one commit in so long while little comes; what comes after a pause is committed at
  // once.
  Milliseconds commit_interval{100};
  // A commit is taken at once when so many events wait. Larger: more memory, better compression.
  size_t commit_max_events = 50'000;
  // And when so much does, of whatever kind: dead letters are no events. Larger: more memory.
  size_t commit_max_bytes = 32u << 20;
  // Distance of two saves of the engine's state. Larger: less writing, longer recovery.
  Milliseconds checkpoint_interval{30'000};
  // A checkpoint is also taken after so many events, which bounds recovery under load.
  uint64_t checkpoint_max_events = 5'000'000;
  // How often a silent source's watermark is moved by the clock.
  Milliseconds heartbeat_interval{10'000};
  storage::Store::Retention retention;
  Milliseconds retention_interval{3'600'000};
  // Retention by marking; at the start, and then so often.
  storage::Store::Erasure erasure;
  Milliseconds erasure_interval{86'400'000};
  // Between two parts of it. Longer: commits wait for it less often, and it takes longer.
  Milliseconds erasure_pause{1'000};
  // How often the disk is looked at, beside before each commit.
  Milliseconds look_interval{1'000};
};

// What one commit did, for metrics; told on the pipeline thread.
struct CommitReport {
  PipelineCounts counts;
  double commit_seconds = 0;
  double evaluation_seconds = 0;  // decoding and judging of what it holds
  bool checkpoint = false;
  // Seconds from an input's arrival to the durable alert, one for each alert transition.
  std::vector<double> event_to_alert_seconds;
};

// The engine's numbers as of a moment, for `status` and scrapes.
struct PipelineSnapshot {
  struct SourceTime {
    std::string name;
    EventTime watermark;
    EventTime newest;
    std::optional<WallTime> last_arrival;  // nullopt: not known
    bool idle = false;
  };
  std::vector<SourceTime> sources;  // those that have sent anything
  EventTime watermark{};
  std::shared_ptr<const rules::Bundle> bundle;
  std::vector<rules::RuleCounters> rules;  // by RuleIndex of `bundle`
  size_t state_bytes = 0;
  size_t resident_bytes = 0;  // of these, in memory
  size_t seen_ids = 0;
  size_t unrevised = 0;  // corrections and late events whose effect is still to be told
  JournalSeq last_seq = 0;
};

// Runs the pipeline on a thread of its own: takes batches from the queue, commits by time or size,
// saves checkpoints, moves silent sources on, applies retention. While the disk has no room for
// more, the queue is paused: what is in it is still committed, all else goes on.
//
// When the store has failed, in a commit or otherwise, the outcome is unknown: the loop answers
// what waits with the error, stops, and tells `on_failure`; opening the store anew recovers.
// Thread-safety: start, stop and post from any thread.
class PipelineLoop {
 public:
  struct Callbacks {
    std::function<void(const CommitReport&)> on_commit;               // pipeline thread
    std::function<void()> on_alerts;                                  // something is in the outbox
    std::function<void(const Error&)> on_failure;                     // pipeline thread, once
    std::function<void(const std::string& stream)> on_end_of_stream;  // committed whole
    // Whether the disk has room for more input; pipeline thread, about once a second and before
    // each commit.
    std::function<bool()> has_room;
    // The system's clock has jumped by so much; pipeline thread.
    std::function<void(Milliseconds)> on_clock_jump;
    // The process did not run for so long; pipeline thread.
    std::function<void(Milliseconds)> on_standstill;
    std::function<void()> on_look;  // about once a second; pipeline thread
    // A part of what is marked was looked at; pipeline thread.
    std::function<void(const storage::Store::Erased&)> on_erased;
  };

  PipelineLoop(Pipeline& pipeline, storage::Store& store, ingest::BatchQueue& queue,
               LoopOptions options, Callbacks callbacks);
  ~PipelineLoop();

  void start();
  // Takes what is queued, commits with a checkpoint, and joins. The queue must be closed.
  void stop();

  // Runs `work` on the pipeline thread between two batches, soon; with nullptr, on whichever
  // thread, once the loop has ended. Each is run once.
  void post(std::function<void(Pipeline*)> work);

  // Whether it takes input and gets on: it is not paused, and nothing has kept it for minutes. Not
  // to be asked before start() or once it has failed.
  bool is_judging() const;

  // As of at most about a second ago; never null.
  std::shared_ptr<const PipelineSnapshot> snapshot() const;

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  void run();
  void run_posted();
  void end_posted();
  void take(ingest::RawBatch batch);
  SteadyTime commit_due_at() const;
  bool is_commit_due(SteadyTime now) const;
  bool commit(bool checkpoint);
  void fail(const Error& error);
  void look_after_silent_sources();
  void look_at_disk();
  bool is_repeatable();
  void apply_retention();
  void erase_marked();
  void listen(SteadyTime now);
  void note_arrivals(const PipelineCounts& counts);
  void publish();

  Pipeline& pipeline_;
  storage::Store& store_;
  ingest::BatchQueue& queue_;
  const LoopOptions options_;
  const Callbacks callbacks_;
  std::thread thread_;

  mutable std::mutex mutex_;
  std::deque<std::function<void(Pipeline*)>> posted_;  // guarded by mutex_
  bool has_ended_ = false;                             // guarded by mutex_
  std::shared_ptr<const PipelineSnapshot> snapshot_;   // guarded by mutex_

  std::atomic<SteadyTime> turned_at_{SteadyTime{}};  // when it looked for work last
  std::atomic<bool> paused_{false};                  // the disk has no room for more

  // Pipeline thread only:
  bool failed_ = false;
  SteadyTime first_waiting_{};  // arrival of the oldest uncommitted input
  SteadyTime last_commit_{};    // when the last commit began
  SteadyTime last_checkpoint_{};
  SteadyTime last_heartbeat_{};
  SteadyTime last_publish_{};
  SteadyTime last_retention_{};
  SteadyTime next_erasure_{};
  SteadyTime last_look_{};
  SteadyTime listened_until_{};
  uint64_t events_since_checkpoint_ = 0;
  struct WaitingAlerts {
    SteadyTime received;
    uint64_t transitions;
  };
  std::vector<WaitingAlerts> waiting_alerts_;
  std::chrono::steady_clock::duration evaluating_{};  // since the last commit
  std::vector<std::string> ended_streams_;
  std::vector<bool> idle_;  // index: SourceId
  WallClock clock_;
};

}  // namespace tocsin::daemon
