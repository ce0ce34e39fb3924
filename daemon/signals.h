#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>
#include <thread>

namespace tocsin::daemon {

// Hears SIGTERM, SIGINT and SIGHUP while it lives, on a thread of its own, so that a signal is
// heard whatever the rest of the process is busy with.
//
// The first SIGTERM or SIGINT calls `on_stop`, a second one ends the process at once. Only one of
// these may live. Thread-safety: the callbacks run on the thread `toc-signal`.
class Signals {
 public:
  struct Callbacks {
    std::function<void(int number)> on_stop;
    std::function<void()> on_hangup;
  };
  explicit Signals(Callbacks callbacks);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  void wait();
  void take(int number);

  const Callbacks callbacks_;
  boost::asio::io_context io_{1};
  boost::asio::signal_set signals_{io_};
  bool is_stopping_ = false;  // signal thread only
  std::thread thread_;
};

}  // namespace tocsin::daemon
