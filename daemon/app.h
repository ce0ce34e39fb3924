#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/config.h"
#include "daemon/disk_space.h"
#include "daemon/http/api.h"
#include "daemon/http/backend.h"
#include "daemon/http/server.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/notifier.h"
#include "daemon/open_alerts.h"
#include "daemon/pipeline.h"
#include "daemon/pipeline_loop.h"
#include "daemon/sealed_ids.h"
#include "ingest/event_source.h"
#include "ingest/symbols.h"
#include "rules/load/bundle_text.h"
#include "storage/store.h"

namespace tocsin::daemon {

// The running daemon: owns the parts, starts them in order and stops them in the mirror of it.
//
// Thread-safety: run() on the main thread; the Backend calls come from the HTTP server's thread.
class App : private http::Backend {
 public:
  App(Config config, Log& log);
  ~App() override;

  // Until a signal (SIGTERM, SIGINT: stop, also while it still starts; a second one: at once;
  // SIGHUP: reload the rules) or a failure of the store. Gives the exit code.
  int run();

 private:
  // Start, in this order; each says what failed and gives the exit code, 0 to go on.
  int start();
  int load_rules();
  int open_store();
  int start_http();
  int recover();
  int start_notifier();
  int start_pipeline();
  int start_inputs();
  // The mirror of it; each is bounded in time.
  void stop();

  void fail(const Error& error);
  std::vector<Level> levels_of(const std::string& rule);
  void on_commit(const CommitReport& report);
  bool has_room();
  void write_port_file(uint16_t port);

  // Compiles the rules from their files and puts them in force; on the main thread.
  void reload_rules(std::function<void(ReloadReport)> done);
  void remember_reload(bool accepted, const std::vector<std::string>& diagnostics);

  Taken push(ingest::RawBatch& batch) override;
  std::string why_paused() override;
  std::shared_ptr<const ingest::CurrentSymbols> symbols() override { return symbols_; }
  bool is_mapped(std::string_view stream) const override;
  storage::Store& store() override { return *store_; }
  DaemonStatus status() override;
  std::vector<std::string> missing() override;
  void reload(std::function<void(ReloadReport)> done) override;

  const Config config_;
  Log& log_;
  const WallTime started_;
  boost::asio::io_context main_;
  Metrics metrics_;
  DiskSpace disk_;

  std::shared_ptr<const rules::Bundle>
      bundle_;  // as first loaded; the pipeline has the present one
  std::string bundle_text_;
  std::shared_ptr<ingest::CurrentSymbols> symbols_;
  std::unique_ptr<storage::Store> store_;
  SealedIds ids_;         // of alerts that are withheld from a reader
  std::string instance_;  // the name of the data folder, drawn when it was first used
  std::unique_ptr<OpenAlertsReader> open_alerts_;
  ingest::BatchQueue queue_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<PipelineLoop> loop_;
  std::unique_ptr<Notifier> notifier_;
  std::vector<std::unique_ptr<ingest::EventSource>> inputs_;
  std::vector<std::string> awaited_sources_;  // those that the inputs' mappings name
  std::unique_ptr<http::Api> api_;
  std::unique_ptr<http::Server> server_;

  std::atomic<bool> stop_requested_{false};  // by a signal
  std::atomic<bool> is_running_{false};      // input is taken
  std::atomic<bool> has_started_{false};     // all parts are there and stay until the server stops
  bool wrote_port_file_ = false;             // main thread only
  int exit_code_ = 0;                        // main thread only

  std::mutex mutex_;
  std::string waiting_for_ = "start";  // guarded by mutex_; "" once everything runs
  ReloadStatus reload_status_;         // guarded by mutex_
  std::shared_ptr<const rules::Bundle> present_bundle_;  // guarded by mutex_
};

}  // namespace tocsin::daemon
