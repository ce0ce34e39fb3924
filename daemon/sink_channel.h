#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "daemon/daemon_status.h"
#include "daemon/digest.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/notification_sink.h"
#include "daemon/sink_filter.h"
#include "storage/store.h"

namespace tocsin::daemon {

struct ChannelOptions {
  SinkFilter::Options filter{};
  SealedIds ids{};  // of withheld alerts
  // Whether all is well, which heartbeats say; null: it is.
  std::function<bool()> is_judging{};
  // Distance of heartbeats; zero: none. `instance` tells in them which tocsin it is.
  std::chrono::milliseconds heartbeat_interval{0};
  std::string instance{};
  // Nothing is sent for `digest_wait` after a downtime: alerts that it turns out to have seen
  // whole, from their beginning to their end, are then told in one digest.
  std::optional<Downtime> downtime{};
  std::chrono::milliseconds digest_wait{60'000};
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

  // `sink` is used by nobody else while the channel is at work.
  SinkChannel(storage::Store& store, std::shared_ptr<NotificationSink> sink,
              const ChannelOptions& options, Metrics& metrics, Log& log);

  // What step() leaves: look again at once, when something new comes, or at a time.
  enum class Next { kAtOnce, kWhenWoken, kLater };
  // Delivers one batch of what waits, unless a failed attempt says to wait until later.
  Next step(SteadyTime now);
  // When a failed attempt may be repeated.
  SteadyTime due() const { return due_; }
  // About once a second: heartbeats, and the turn of a sink that mirrors state. What fails there
  // waits, is counted and told as a failed delivery.
  void tick(SteadyTime now);
  const std::string& name() const { return sink_->name(); }

  // Failures in a row and the last problem; the rest is the store's to tell.
  SinkStatus status() const;

 private:
  // A batch as the sink gets it, beside those that it does not get.
  struct Sorted {
    std::vector<Notification> send;
    std::vector<uint64_t> numbers;  // in the outbox, of each in `send`
    std::vector<uint64_t> handled;  // need no delivery
    uint64_t redacted = 0;
    uint64_t withheld = 0;
    uint64_t below_level = 0;
  };
  Result<Sorted> sort(std::vector<storage::OutboxEntry> entries) const;
  Next deliver(const Sorted& sorted, SteadyTime now);
  Next deliver_each(const Sorted& sorted, SteadyTime now);
  Status attempt(const std::vector<Notification>& notifications);
  void send_heartbeat(SteadyTime now);
  // What was raised and is over within the downtime.
  struct Past {
    std::vector<AlertFields> alerts;
    std::vector<uint64_t> numbers;  // in the outbox
  };
  Result<Past> read_past() const;
  Next send_digest(SteadyTime now);
  void count_attempt(const Status& status, SteadyTime begin);
  bool mark_done(const std::vector<uint64_t>& numbers, SteadyTime now);
  Next wait_after(const Error& error, SteadyTime now);
  void set_problem(std::string problem, bool failed);

  storage::Store& store_;
  const std::shared_ptr<NotificationSink> sink_;  // one that mirrors outlives the store
  const ChannelOptions options_;
  const SinkFilter filter_;
  Metrics& metrics_;
  Log& log_;
  std::mt19937_64 random_;
  SteadyTime due_{};
  SteadyTime heartbeat_due_{};
  std::optional<Downtime> downtime_;  // until it has been told of
  mutable std::mutex mutex_;
  uint32_t failures_ = 0;  // guarded by mutex_
  std::string problem_;    // guarded by mutex_
};

}  // namespace tocsin::daemon
