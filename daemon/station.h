#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "daemon/backups.h"
#include "daemon/config.h"
#include "daemon/daemon_status.h"
#include "daemon/disk_space.h"
#include "daemon/http/backend.h"
#include "daemon/input_watch.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/mirrors.h"
#include "daemon/notifier.h"
#include "daemon/open_alerts.h"
#include "daemon/pipeline.h"
#include "daemon/pipeline_loop.h"
#include "daemon/purger.h"
#include "daemon/rules_in_force.h"
#include "daemon/sealed_ids.h"
#include "ingest/event_source.h"
#include "ingest/symbols.h"
#include "storage/rocksdb_store.h"
#include "storage/store.h"

namespace tocsin::daemon {

using OpenStore =
    std::function<Result<std::unique_ptr<storage::Store>>(const storage::RocksDbOptions&)>;

// What a station needs of the app, which outlives it.
struct StationSurroundings {
  const Config& config;
  Log& log;
  Metrics& metrics;
  DiskSpace& disk;
  const RulesInForce& rules;
  Mirrors& mirrors;
  std::shared_ptr<ingest::CurrentSymbols> symbols;
  OpenStore open_store;
  std::function<bool()> is_stopping;  // any thread; ends what takes long
};

// What stands and falls with one opening of the store: the store itself, the pipeline over it, its
// notifiers and its inputs. Built whole and torn down whole; after a failure the app builds
// another.
//
// Thread-safety: open, start and stop on the main thread; the rest from any.
class Station {
 public:
  // Opens the store, and does no more. `instance`: the name of the data folder that it must be,
  // empty at a start, which also makes one.
  static Result<std::unique_ptr<Station>> open(StationSurroundings surroundings,
                                               const std::string& instance);
  ~Station();
  Station(const Station&) = delete;
  Station& operator=(const Station&) = delete;

  // Mirrors → recovery → the other sinks → pipeline → inputs; each step says what failed.
  // `on_failure` is called on the pipeline's thread, once, when the store has failed: all that is
  // left to do then is to stop.
  Status start(std::function<void(const Error&)> on_failure);
  // The mirror of it, whatever was started; sinks get what waits for them for at most `for_sinks`.
  void stop(Milliseconds for_sinks);

  storage::Store& store() { return *store_; }
  Backups* backups() { return backups_.get(); }              // nullptr: none are configured
  const SealedIds& ids() const { return ids_; }              // of alerts withheld from a reader
  const std::string& instance() const { return instance_; }  // the name of the data folder
  bool is_running() const { return is_running_; }            // input is taken, unless it is paused

  http::Backend::Taken push(ingest::RawBatch& batch);
  void add_to(DaemonStatus& status);
  // What is still waited for; empty: ready for work.
  std::vector<std::string> missing() const;
  // Runs it on the pipeline's thread; with nullptr when there is none, or it has ended.
  void post(std::function<void(Pipeline*)> work);

 private:
  explicit Station(StationSurroundings surroundings);
  Status open_store(const std::string& instance);
  Status name_folder(const std::string& instance);
  Status declare_sinks();
  Status recover();
  void start_mirrors();
  void start_other_sinks();
  void start_sink(const SinkConfig& config);
  // Before this start, when it was long enough to be told of at once.
  std::optional<Downtime> downtime() const;
  void start_pipeline(std::function<void(const Error&)> on_failure);
  Status start_inputs();
  bool is_judging() const { return is_running_ && loop_->is_judging(); }  // events
  bool has_room();
  // Tell the operator.
  void tell_torn_log(const storage::TornLog& log);
  void tell_dead_letters(const PipelineCounts& counts);
  void tell_clock_jump(Milliseconds jump);
  void tell_standstill(Milliseconds duration);
  void wait_for(std::string what);

  const StationSurroundings around_;
  std::unique_ptr<storage::Store> store_;
  SealedIds ids_;
  std::string instance_;
  std::unique_ptr<OpenAlertsReader> open_alerts_;
  std::unique_ptr<Backups> backups_;
  std::unique_ptr<Purger> purger_;
  ingest::BatchQueue queue_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<PipelineLoop> loop_;
  std::unique_ptr<Notifier> notifier_;
  std::vector<std::unique_ptr<ingest::EventSource>> inputs_;
  InputWatch input_watch_;                    // main thread; once all are started the pipeline's
  std::vector<std::string> awaited_sources_;  // those that the inputs' mappings name

  std::atomic<bool> is_running_{false};
  std::atomic<bool> has_started_{false};  // all parts are there and stay until the station goes
  mutable std::mutex mutex_;
  std::string waiting_for_ = "start";  // guarded by mutex_; "" once everything runs
};

}  // namespace tocsin::daemon
