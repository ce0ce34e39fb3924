#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "daemon/daemon_status.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/notification_sink.h"
#include "rules/model/vocabulary.h"
#include "storage/store.h"

namespace tocsin::daemon {

struct ChannelOptions {
  Tlp tlp_ceiling = Tlp::kAmber;
  bool drop_above_ceiling = false;  // else what is above goes out without its content
  // An alert is told from the transition on that first reaches it, to its end.
  Level min_level = Level::kInfo;
  uint64_t seed = 0;  // of the jitter
  // First wait after a failed attempt, doubled each time up to the longest; the wait is then taken
  // at random between half of that and all of it, so that sinks do not come back in step.
  std::chrono::milliseconds first_wait{500};
  std::chrono::milliseconds longest_wait{60'000};
};

// Carries the outbox of one sink to it, in order: read, judge by marking and level, deliver, done.
//
// Nothing is lost: an entry is done only after the sink has taken or refused it for good. A crash
// between the two delivers it again with the same bytes.
// Thread-safety: one thread; status() from any.
class SinkChannel {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  SinkChannel(storage::Store& store, std::unique_ptr<NotificationSink> sink,
              const ChannelOptions& options, Metrics& metrics, Log& log);

  // What step() leaves: look again at once, when something new comes, or at a time.
  enum class Next { kAtOnce, kWhenWoken, kLater };
  // Delivers one batch of what waits, unless a failed attempt says to wait until later.
  Next step(SteadyTime now);
  // When a failed attempt may be repeated.
  SteadyTime due() const { return due_; }
  void tick() { sink_->tick(); }
  const std::string& name() const { return sink_->name(); }

  // Failures in a row and the last problem; the rest is the store's to tell.
  SinkStatus status() const;

 private:
  // A batch as the sink gets it, beside those that it does not get.
  struct Sorted {
    std::vector<storage::OutboxEntry> send;
    std::vector<uint64_t> handled;  // need no delivery
    uint64_t redacted = 0;
    uint64_t withheld = 0;
    uint64_t below_level = 0;
  };
  Sorted sort(std::vector<storage::OutboxEntry> entries) const;
  bool has_reached_level(const storage::OutboxEntry& entry) const;
  Next deliver(std::vector<storage::OutboxEntry> entries, uint64_t redacted, SteadyTime now);
  Status attempt(const std::vector<storage::OutboxEntry>& entries);
  bool mark_done(const std::vector<uint64_t>& numbers, SteadyTime now);
  Next wait_after(const Error& error, SteadyTime now);
  void set_problem(std::string problem, bool failed);

  storage::Store& store_;
  const std::unique_ptr<NotificationSink> sink_;
  const ChannelOptions options_;
  Metrics& metrics_;
  Log& log_;
  std::mt19937_64 random_;
  SteadyTime due_{};
  mutable std::mutex mutex_;
  uint32_t failures_ = 0;  // guarded by mutex_
  std::string problem_;    // guarded by mutex_
};

}  // namespace tocsin::daemon
