#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
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
#include "daemon/mirrors.h"
#include "daemon/rules_in_force.h"
#include "daemon/rules_watch.h"
#include "daemon/station.h"
#include "ingest/symbols.h"

namespace tocsin::daemon {

// The running daemon: what outlives the store (rules, HTTP, metrics, signals, mirrors), and the
// station that holds all else. When the store fails, HTTP stays up and says so, and another station
// is tried, after 1 s and then twice as long each time up to 60 s, until one works.
//
// Thread-safety: run() on the main thread; the Backend calls come from the HTTP server's threads.
class App : private http::Backend {
 public:
  // `open_store` makes the store; tests give one over a file system of theirs.
  App(Config config, Log& log, OpenStore open_store);
  ~App() override;

  // Until a signal (SIGTERM, SIGINT: stop, also while it still starts; a second one: at once;
  // SIGHUP: reload the rules), a start that fails, or damage in the store. Gives the exit code.
  int run();

 private:
  // Start, in this order; each says what failed and gives the exit code, 0 to go on.
  int start();
  int load_rules();
  int open_first_station();
  int start_http();
  int start_first_station();
  // The mirror of it; each is bounded in time.
  void stop();
  void write_port_file(uint16_t port);

  // app_reopening.cc: from a store that has failed to one that works.
  Status open_station();
  Status start_station();
  // `comes_back`: another one follows, and mirrors go on meanwhile.
  void close_station(std::string away, bool comes_back);
  void lose_station(const Error& error);
  void reopen();
  void reopen_later(const Error& error);
  void end_damaged(const Error& error);

  // Compiles the rules from their files, runs the tests beside them, and puts them in force; on the
  // main thread.
  using Done = std::function<void(ReloadReport)>;
  void reload_rules(const Done& done);
  void watch_rules();
  // What the files say, with what keeps one from being read; empty when nobody watches them.
  std::string rules_as_written() const;
  void refuse_rules(ReloadReport report, const Done& done);
  // Rules that are to be in force.
  struct Reload {
    uint64_t number = 0;  // of all that were asked for, the last is to win
    RulesInForce::Rules rules;
    ReloadReport report;
    Done done;
  };
  // On the main thread. By the pipeline, or by the next one when the store fails before it took
  // them.
  void put_in_force(const Reload& reload);
  void settle(const Status& status, const Reload& reload);

  Taken push(ingest::RawBatch& batch) override;
  std::string why_paused() override;
  std::shared_ptr<const ingest::CurrentSymbols> symbols() override { return symbols_; }
  bool is_mapped(std::string_view stream) const override;
  std::shared_ptr<storage::Store> store() override;
  std::shared_ptr<Backups> backups() override;
  DaemonStatus status() override;
  std::vector<std::string> missing() override;
  void reload(Done done) override;

  // nullptr while there is none. It lives on as long as this is held.
  std::shared_ptr<Station> station() const;

  const Config config_;
  Log& log_;
  const OpenStore open_store_;
  const WallTime started_;
  boost::asio::io_context main_;
  Metrics metrics_;
  DiskSpace disk_;
  RulesInForce rules_;
  Mirrors mirrors_;
  std::shared_ptr<ingest::CurrentSymbols> symbols_;
  std::unique_ptr<http::Api> api_;
  std::unique_ptr<http::Server> server_;

  std::atomic<bool> stop_requested_{false};  // by a signal
  std::atomic<bool> has_started_{false};     // once everything has run
  std::atomic<uint64_t> reopened_{0};

  // Main thread only:
  std::string instance_;         // the name of the data folder, once it is known
  uint64_t station_number_ = 0;  // of the present one, or the last
  boost::asio::steady_timer reopen_timer_{main_};
  std::chrono::seconds reopen_wait_;
  uint64_t reloads_ = 0;  // with rules that could be read
  RulesWatch watch_;
  boost::asio::steady_timer watch_timer_{main_};
  std::chrono::steady_clock::time_point opened_at_{};
  std::chrono::steady_clock::time_point failed_at_{};
  bool wrote_port_file_ = false;
  int exit_code_ = 0;

  mutable std::mutex mutex_;
  std::shared_ptr<Station> station_;  // guarded by mutex_
  std::string away_ = "start";        // guarded by mutex_; why there is no station
};

}  // namespace tocsin::daemon
