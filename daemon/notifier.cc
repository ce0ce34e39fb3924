#include "daemon/notifier.h"

#include <pthread.h>

namespace tocsin::daemon {
namespace {

using std::chrono::steady_clock;

// How often sinks that mirror state are given their turn.
constexpr std::chrono::seconds kTick{1};

}  // namespace

Notifier::~Notifier() { stop(std::chrono::milliseconds(0)); }

void Notifier::add(std::unique_ptr<SinkChannel> channel) {
  channels_.push_back(std::move(channel));
  threads_.emplace_back([this, added = channels_.back().get()] {
    pthread_setname_np(pthread_self(), "toc-notify");
    run(*added);
  });
}

void Notifier::wake() {
  {
    const std::scoped_lock lock(mutex_);
    ++wakes_;
  }
  woken_.notify_all();
}

void Notifier::stop(std::chrono::milliseconds timeout) {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    stop_by_ = steady_clock::now() + timeout;
  }
  woken_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Notifier::run(SinkChannel& channel) {
  using Next = SinkChannel::Next;
  auto next_tick = steady_clock::now();
  bool has_failed_since_stop = false;
  while (true) {
    uint64_t seen = 0;
    bool stopping = false;
    SinkChannel::SteadyTime stop_by;
    {
      const std::scoped_lock lock(mutex_);
      seen = wakes_;
      stopping = stopping_;
      stop_by = stop_by_;
    }
    const auto now = steady_clock::now();
    if (stopping && (has_failed_since_stop || now >= stop_by)) return;
    if (now >= next_tick && !stopping) {
      channel.tick(now);
      next_tick = steady_clock::now() + kTick;
    }
    const Next next = channel.step(now);
    if (next == Next::kAtOnce) continue;
    if (stopping && next == Next::kWhenWoken) return;
    if (stopping) has_failed_since_stop = true;
    auto until = next_tick;
    if (next == Next::kLater) until = std::min(until, channel.due());
    std::unique_lock lock(mutex_);
    if (stopping_) continue;
    woken_.wait_until(lock, until, [&] { return stopping_ || wakes_ != seen; });
  }
}

std::vector<SinkStatus> Notifier::status() const {
  const storage::StoreStatistics statistics = store_.statistics();
  std::vector<SinkStatus> all;
  for (const auto& channel : channels_) {
    SinkStatus status = channel->status();
    const auto depth = statistics.outbox_depth.find(status.name);
    if (depth != statistics.outbox_depth.end()) status.depth = depth->second;
    if (status.depth > 0) {
      const auto first = store_.read_outbox(status.name, 1);
      if (first && !first->empty()) status.oldest = first->front().committed;
    }
    all.push_back(std::move(status));
  }
  return all;
}

}  // namespace tocsin::daemon
