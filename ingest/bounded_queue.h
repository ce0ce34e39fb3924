#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace tocsin::ingest {

// Hand-over between threads, bounded by weight (bytes): a full queue makes the giver wait or
// refuse, nothing is ever dropped. So does a paused one, whatever room it has.
// Thread-safety: any thread.
template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t max_weight) : max_weight_(max_weight) {}

  // Waits for room; false when the queue was closed. One item heavier than the whole queue is let
  // in when the queue is empty.
  bool push(T item, size_t weight) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || fits(weight); });
    if (closed_) return false;
    add(std::move(item), weight);
    return true;
  }

  // Does not wait: false when full, paused or closed, and `item` is left as it was.
  bool try_push(T& item, size_t weight) {
    const std::scoped_lock lock(mutex_);
    if (closed_ || !fits(weight)) return false;
    add(std::move(item), weight);
    return true;
  }

  // Waits until `deadline` for an item; nullopt when there was none, or closed and empty.
  std::optional<T> pop_until(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    items_ready_.wait_until(lock, deadline, [&] { return closed_ || !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    std::pair<T, size_t> first = std::move(items_.front());
    items_.pop_front();
    weight_ -= first.second;
    lock.unlock();
    room_.notify_all();
    return std::move(first.first);
  }

  // From now on nothing is let in until it goes on; what is inside can be taken out.
  void pause() {
    const std::scoped_lock lock(mutex_);
    paused_ = true;
  }
  void go_on() {
    {
      const std::scoped_lock lock(mutex_);
      paused_ = false;
    }
    room_.notify_all();
  }

  // Wakes everyone: push fails from now on, pop empties what is left.
  void close() {
    {
      const std::scoped_lock lock(mutex_);
      closed_ = true;
    }
    room_.notify_all();
    items_ready_.notify_all();
  }

  bool paused() const {
    const std::scoped_lock lock(mutex_);
    return paused_;
  }
  bool closed() const {
    const std::scoped_lock lock(mutex_);
    return closed_;
  }
  size_t size() const {
    const std::scoped_lock lock(mutex_);
    return items_.size();
  }
  size_t weight() const {
    const std::scoped_lock lock(mutex_);
    return weight_;
  }
  size_t max_weight() const { return max_weight_; }

 private:
  bool fits(size_t weight) const {
    return !paused_ && (items_.empty() || weight_ + weight <= max_weight_);
  }
  void add(T item, size_t weight) {
    items_.emplace_back(std::move(item), weight);
    weight_ += weight;
    items_ready_.notify_one();
  }

  const size_t max_weight_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable items_ready_;
  std::deque<std::pair<T, size_t>> items_;  // guarded by mutex_
  size_t weight_ = 0;                       // guarded by mutex_
  bool paused_ = false;                     // guarded by mutex_
  bool closed_ = false;                     // guarded by mutex_
};

}  // namespace tocsin::ingest
