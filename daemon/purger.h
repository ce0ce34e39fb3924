#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "daemon/log.h"
#include "storage/store.h"

namespace tocsin::daemon {

// Has the disk give up the bytes of what retention by marking has erased, and says what that was,
// on a thread of its own (`toc-purge`), since it takes long. What an earlier process left undone is
// done first.
// Thread-safety: any thread.
class Purger {
 public:
  // All that is handed in outlives it.
  Purger(storage::Store& store, Log& log);
  ~Purger() { stop(); }
  Purger(const Purger&) = delete;
  Purger& operator=(const Purger&) = delete;

  // What is erased in parts is purged once, after the last.
  void erased(const storage::Store::Erased& part);
  // Ends the purge under way, which goes on after the next start.
  void stop();

 private:
  void run();
  // After a failure it is tried again.
  static constexpr std::chrono::hours kAfterFailure{1};

  storage::Store& store_;
  Log& log_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  storage::Store::Erased told_;  // since the last purge; guarded by mutex_
  bool is_due_ = true;           // guarded by mutex_
  std::thread thread_;
};

}  // namespace tocsin::daemon
