#include "daemon/signals.h"

#include <pthread.h>

#include <csignal>
#include <cstdlib>
#include <utility>

namespace tocsin::daemon {

Signals::Signals(Callbacks callbacks) : callbacks_(std::move(callbacks)) {
  signals_.add(SIGINT);
  signals_.add(SIGTERM);
  signals_.add(SIGHUP);
  wait();
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "toc-signal");
    io_.run();
  });
}

Signals::~Signals() {
  io_.stop();
  thread_.join();
}

void Signals::wait() {
  signals_.async_wait([this](boost::system::error_code error, int number) {
    if (error) return;
    take(number);
    wait();
  });
}

void Signals::take(int number) {
  if (number == SIGHUP) return callbacks_.on_hangup();
  if (is_stopping_) {
    std::signal(number, SIG_DFL);
    std::raise(number);
    std::_Exit(128 + number);  // the first process of a container does not die by a signal
  }
  is_stopping_ = true;
  callbacks_.on_stop(number);
}

}  // namespace tocsin::daemon
