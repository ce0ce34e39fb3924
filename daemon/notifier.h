#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "daemon/sink_channel.h"

namespace tocsin::daemon {

// Sends what the outbox holds, on one thread for each sink: a sink that hangs holds no other back.
//
// Thread-safety: add and stop from one thread; wake from any, and status once all are added.
class Notifier {
 public:
  explicit Notifier(storage::Store& store) : store_(store) {}
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  // Begins to send. The sink must be declared at the store under its name.
  void add(std::unique_ptr<SinkChannel> channel);
  // Something may be in the outbox.
  void wake();
  // Sends on what waits for as long as sinks take it, at most `timeout`; what is left stays in the
  // outbox. An attempt under way is waited for.
  void stop(std::chrono::milliseconds timeout);

  std::vector<SinkStatus> status() const;

 private:
  void run(SinkChannel& channel);

  storage::Store& store_;
  std::vector<std::unique_ptr<SinkChannel>> channels_;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable woken_;
  uint64_t wakes_ = 0;                 // guarded by mutex_
  bool stopping_ = false;              // guarded by mutex_
  SinkChannel::SteadyTime stop_by_{};  // guarded by mutex_
};

}  // namespace tocsin::daemon
