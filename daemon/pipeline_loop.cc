#include "daemon/pipeline_loop.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "rules/model/check.h"

namespace tocsin::daemon {
namespace {

using std::chrono::steady_clock;

double seconds_between(steady_clock::time_point from, steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// Posted work and heartbeats are looked at so often while nothing arrives.
constexpr Milliseconds kPatience{50};
constexpr std::chrono::seconds kPublishInterval{1};
constexpr Milliseconds kListenStep{100};
// No wait is so much longer than it was meant to be, unless the process was stopped.
constexpr Milliseconds kStandstill{10'000};
// A commit, a revision or new rules take no longer where all is well.
constexpr std::chrono::minutes kStuck{2};

}  // namespace

PipelineLoop::PipelineLoop(Pipeline& pipeline, storage::Store& store, ingest::BatchQueue& queue,
                           LoopOptions options, Callbacks callbacks)
    : pipeline_(pipeline),
      store_(store),
      queue_(queue),
      options_(options),
      callbacks_(std::move(callbacks)),
      snapshot_(std::make_shared<PipelineSnapshot>()) {
  publish();
}

PipelineLoop::~PipelineLoop() { TOCSIN_CHECK(!thread_.joinable()); }

void PipelineLoop::start() {
  turned_at_ = steady_clock::now();
  thread_ = std::thread([this] { run(); });
}

void PipelineLoop::stop() {
  if (thread_.joinable()) thread_.join();
}

void PipelineLoop::post(std::function<void(Pipeline*)> work) {
  {
    const std::scoped_lock lock(mutex_);
    if (!has_ended_) return posted_.push_back(std::move(work));
  }
  work(nullptr);
}

std::shared_ptr<const PipelineSnapshot> PipelineLoop::snapshot() const {
  const std::scoped_lock lock(mutex_);
  return snapshot_;
}

bool PipelineLoop::is_judging() const {
  return !paused_ && steady_clock::now() - turned_at_.load() < kStuck;
}

void PipelineLoop::run() {
  pthread_setname_np(pthread_self(), "toc-pipeline");
  const auto start = steady_clock::now();
  last_commit_ = last_checkpoint_ = last_heartbeat_ = last_publish_ = last_retention_ =
      next_erasure_ = start;
  listened_until_ = start;
  idle_.assign(pipeline_.bundle().catalogue->sources().size(), false);
  pipeline_.begin_listening();
  look_at_disk();

  while (!failed_) {
    turned_at_ = steady_clock::now();
    const auto deadline =
        pipeline_.has_uncommitted() ? commit_due_at() : steady_clock::now() + kPatience;
    const auto wake_by = std::max(deadline, steady_clock::now());
    std::optional<ingest::RawBatch> batch = queue_.pop_until(deadline);
    const auto overslept = std::chrono::floor<Milliseconds>(steady_clock::now() - wake_by);
    if (overslept >= kStandstill) {
      pipeline_.begin_listening();  // what came meanwhile still waits for us
      callbacks_.on_standstill(overslept);
    }
    if (batch) take(std::move(*batch));
    run_posted();
    if (!batch && queue_.closed()) break;

    const auto steady = steady_clock::now();
    listen(steady);
    if (steady - last_look_ >= options_.look_interval) look_at_disk();
    if (steady - last_heartbeat_ >= options_.heartbeat_interval && !paused_) {
      last_heartbeat_ = steady;
      look_after_silent_sources();
      if (pipeline_.owes_arrivals()) commit(/*checkpoint=*/false);
    }
    const bool checkpoint = steady - last_checkpoint_ >= options_.checkpoint_interval ||
                            events_since_checkpoint_ >= options_.checkpoint_max_events;
    if (is_commit_due(steady) || (checkpoint && events_since_checkpoint_ > 0)) commit(checkpoint);
    if (steady - last_publish_ >= kPublishInterval) {
      publish();
      callbacks_.on_look();
      if (const auto jump = clock_.look()) callbacks_.on_clock_jump(*jump);
      if (Status status = store_.health(); !status) fail(status.error());
    }
    if (steady - last_retention_ >= options_.retention_interval) apply_retention();
    if (options_.erasure.any() && steady >= next_erasure_) erase_marked();
  }
  if (!failed_) commit(/*checkpoint=*/true);
  queue_.close();
  // What is still queued after a failure gets its answer too.
  while (auto left = queue_.pop_until(steady_clock::now())) {
    if (!left->on_committed) continue;
    ingest::Receipt receipt;
    receipt.status = unavailable("the store has failed; nothing of this was taken");
    left->on_committed(receipt);
  }
  // Before what is posted, which may be later rules: those that come last are to be in force.
  pipeline_.end_activation();
  end_posted();
  publish();
}

void PipelineLoop::run_posted() {
  std::deque<std::function<void(Pipeline*)>> work;
  {
    const std::scoped_lock lock(mutex_);
    work.swap(posted_);
  }
  if (work.empty()) return;
  if (!pipeline_.has_uncommitted()) first_waiting_ = steady_clock::now();
  for (const auto& task : work) task(&pipeline_);
  if (Status status = store_.health(); !status) fail(status.error());
}

void PipelineLoop::end_posted() {
  std::deque<std::function<void(Pipeline*)>> left;
  {
    const std::scoped_lock lock(mutex_);
    has_ended_ = true;
    left.swap(posted_);
  }
  for (const auto& task : left) task(nullptr);
}

void PipelineLoop::take(ingest::RawBatch batch) {
  if (!pipeline_.has_uncommitted()) first_waiting_ = steady_clock::now();
  const auto received =
      batch.received == steady_clock::time_point{} ? steady_clock::now() : batch.received;
  if (batch.end_of_stream) ended_streams_.push_back(batch.stream);
  const uint64_t before = pipeline_.transitions_total();
  const auto begin = steady_clock::now();
  pipeline_.feed(std::move(batch), clock_.latest());
  evaluating_ += steady_clock::now() - begin;
  const uint64_t transitions = pipeline_.transitions_total() - before;
  if (transitions != 0) waiting_alerts_.push_back({received, transitions});
}

// What comes after a quiet interval waits for nobody.
auto PipelineLoop::commit_due_at() const -> SteadyTime {
  return std::max(first_waiting_, last_commit_ + options_.commit_interval);
}

bool PipelineLoop::is_commit_due(SteadyTime now) const {
  if (!pipeline_.has_uncommitted()) return false;
  return now >= commit_due_at() || pipeline_.uncommitted_events() >= options_.commit_max_events ||
         pipeline_.uncommitted_bytes() >= options_.commit_max_bytes;
}

bool PipelineLoop::commit(bool checkpoint) {
  if (failed_) return false;
  look_at_disk();
  events_since_checkpoint_ += pipeline_.uncommitted_events();
  const auto begin = last_commit_ = steady_clock::now();
  const Status status = pipeline_.commit(clock_.now(), checkpoint);
  const auto end = steady_clock::now();
  if (!status) {
    failed_ = true;
    callbacks_.on_failure(status.error());
    return false;
  }
  if (checkpoint) {
    last_checkpoint_ = end;
    events_since_checkpoint_ = 0;
  }
  CommitReport report;
  report.counts = pipeline_.take_counts();
  report.commit_seconds = seconds_between(begin, end);
  report.evaluation_seconds = std::chrono::duration<double>(std::exchange(evaluating_, {})).count();
  report.checkpoint = checkpoint;
  for (const WaitingAlerts& alerts : waiting_alerts_) {
    report.event_to_alert_seconds.insert(report.event_to_alert_seconds.end(), alerts.transitions,
                                         seconds_between(alerts.received, end));
  }
  waiting_alerts_.clear();
  note_arrivals(report.counts);
  callbacks_.on_commit(report);
  if (!report.counts.transitions.empty()) callbacks_.on_alerts();
  for (const std::string& stream : ended_streams_) callbacks_.on_end_of_stream(stream);
  ended_streams_.clear();
  return true;
}

void PipelineLoop::fail(const Error& error) {
  // What waits gets its answer, which may still be a good one.
  if (pipeline_.has_uncommitted() && !failed_) commit(/*checkpoint=*/false);
  if (failed_) return;
  failed_ = true;
  callbacks_.on_failure(error);
}

// A revision that recovery has to repeat must find the journal that it was made from: so something
// is taken out of it behind a checkpoint alone, with nothing after it. Else with the next round,
// soon. So do rules that are being judged aside: the journal is read for them twice, and from its
// beginning again when a crash comes before the next checkpoint.
bool PipelineLoop::is_repeatable() {
  if (pipeline_.is_activating() || failed_ || !commit(/*checkpoint=*/true)) return false;
  return store_.checkpoint_seq() == store_.last_seq();
}

void PipelineLoop::apply_retention() {
  if (!is_repeatable()) return;
  last_retention_ = steady_clock::now();
  storage::Store::Retention retention = options_.retention;
  retention.seen_ids = pipeline_.dedupe_horizon();
  if (Status status = store_.apply_retention(retention, clock_.earliest()); !status)
    fail(status.error());
}

void PipelineLoop::erase_marked() {
  if (!is_repeatable()) return;
  const auto erased = store_.erase_marked(options_.erasure, clock_.earliest());
  if (!erased) return fail(erased.error());
  next_erasure_ =
      steady_clock::now() + (erased->more ? options_.erasure_pause : options_.erasure_interval);
  callbacks_.on_erased(*erased);
}

void PipelineLoop::note_arrivals(const PipelineCounts& counts) {
  for (size_t i = 0; i < counts.by_source.size(); ++i) {
    const PipelineCounts::PerSource& source = counts.by_source[i];
    if (source.accepted + source.duplicates + source.too_late + source.future != 0) {
      idle_[i] = false;
    }
  }
}

// Without this nothing would ever be missed: when all is silent, event time stands still.
void PipelineLoop::look_after_silent_sources() {
  const WallTime now = clock_.earliest();
  const Catalogue& catalogue = *pipeline_.bundle().catalogue;
  for (size_t i = 0; i < idle_.size(); ++i) {
    const auto id = static_cast<SourceId>(i);
    const Source& source = catalogue.source(id);
    const auto watermark = pipeline_.engine().watermark(id);
    if (!watermark || source.idle.count() == 0) continue;
    if (pipeline_.silence_of(id) < source.idle) {
      if (!pipeline_.has_uncommitted()) first_waiting_ = steady_clock::now();
      pipeline_.leave_silent_partitions(id, source.idle);
      continue;
    }
    idle_[i] = true;
    const EventTime to = now - source.lateness;
    if (to <= *watermark) continue;
    if (!pipeline_.has_uncommitted()) first_waiting_ = steady_clock::now();
    pipeline_.advance_source(id, to);
  }
}

// Room is made and used up by others too, so there is no telling without asking.
void PipelineLoop::look_at_disk() {
  last_look_ = steady_clock::now();
  const bool has_room = callbacks_.has_room();
  if (has_room != paused_) return;
  paused_ = !has_room;
  if (paused_) return queue_.pause();
  pipeline_.begin_listening();
  queue_.go_on();
}

// Nobody is silent for us in a pause, nor while we stood still.
void PipelineLoop::listen(SteadyTime now) {
  const auto passed = std::chrono::floor<Milliseconds>(now - listened_until_);
  if (passed < kListenStep) return;
  listened_until_ += passed;
  if (!paused_) pipeline_.listen(std::min(passed, kStandstill));
}

void PipelineLoop::publish() {
  last_publish_ = steady_clock::now();
  auto fresh = std::make_shared<PipelineSnapshot>();
  const ShardedEngine& engine = pipeline_.engine();
  const Catalogue& catalogue = *pipeline_.bundle().catalogue;
  for (size_t i = 0; i < catalogue.sources().size(); ++i) {
    const auto id = static_cast<SourceId>(i);
    const auto watermark = engine.watermark(id);
    if (!watermark) continue;
    fresh->sources.push_back({.name = catalogue.source(id).name,
                              .watermark = *watermark,
                              .newest = engine.newest(id).value_or(*watermark),
                              .last_arrival = pipeline_.last_arrival(id),
                              .idle = i < idle_.size() && idle_[i]});
  }
  fresh->watermark = engine.watermark();
  fresh->bundle = pipeline_.shared_bundle();
  fresh->rules = engine.counters();
  fresh->state_bytes = engine.state_bytes();
  fresh->resident_bytes = engine.resident_bytes();
  fresh->seen_ids = pipeline_.seen_ids();
  fresh->unrevised = pipeline_.unrevised();
  fresh->last_seq = store_.last_seq();
  const std::scoped_lock lock(mutex_);
  snapshot_ = std::move(fresh);
}

}  // namespace tocsin::daemon
