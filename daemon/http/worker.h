#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace tocsin::daemon::http {

// A thread that does one task after the other, for what must not hold up the server's own.
//
// What is not begun when it goes is dropped: whoever waits for it is told nothing. The tasks need
// no limit of their own: a connection has one request under way. Thread-safety: post from any
// thread.
class Worker {
 public:
  // `name` is what `top -H` shows, at most 15 characters.
  explicit Worker(std::string name);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void post(std::function<void()> task);

 private:
  void run();

  const std::string name_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;  // guarded by mutex_
  bool ending_ = false;                      // guarded by mutex_
  std::thread thread_;
};

}  // namespace tocsin::daemon::http
