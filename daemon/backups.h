#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "daemon/http/worker.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "storage/backup.h"
#include "storage/store.h"

namespace tocsin::daemon {

// Takes backups of the running daemon, on a thread of its own (`toc-backup`), one at a time; intake
// goes on. How each ended is logged and counted.
// Thread-safety: any thread.
class Backups {
 public:
  struct Options {
    std::string folder;
    uint32_t keep = 0;  // so many of the newest stay
  };
  // All that is handed in outlives it.
  Backups(Options options, storage::Store& store, Metrics& metrics, Log& log);
  ~Backups();
  Backups(const Backups&) = delete;
  Backups& operator=(const Backups&) = delete;

  struct Run {
    uint64_t number = 0;  // of this process, from 1
    WallTime started{};
    uint64_t done_bytes = 0;
    uint64_t of_bytes = 0;            // about
    std::optional<WallTime> ended{};  // nullopt: it is under way
    uint32_t backup = 0;              // its number, when it succeeded
    std::string error{};              // else; "" when it succeeded
  };
  // Its number; nullopt: one is under way, or no more are taken.
  std::optional<uint64_t> begin();
  // Ends the one under way, which leaves those before it as they were, and takes no more.
  void stop();
  // The present or last one; nullopt: none was begun.
  std::optional<Run> last() const;
  // What lies in the folder; nothing when it is not there yet. While a backup is taken: what lay
  // there before.
  Result<storage::BackupList> list();
  uint32_t keep() const { return options_.keep; }

 private:
  void take();
  Result<storage::Backup> copy();

  const Options options_;
  storage::Store& store_;
  Metrics& metrics_;
  Log& log_;
  std::atomic<bool> ending_{false};
  std::mutex folder_mutex_;  // held by who works in the folder
  mutable std::mutex mutex_;
  storage::BackupList listed_;            // guarded by mutex_
  std::optional<Run> run_;                // guarded by mutex_
  std::unique_ptr<http::Worker> worker_;  // last, so that it ends first
};

}  // namespace tocsin::daemon
