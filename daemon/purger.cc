#include "daemon/purger.h"

#include <pthread.h>

#include <string>
#include <utility>

namespace tocsin::daemon {

Purger::Purger(storage::Store& store, Log& log)
    : store_(store), log_(log), thread_([this] { run(); }) {}

void Purger::erased(const storage::Store::Erased& part) {
  const std::scoped_lock lock(mutex_);
  told_.events += part.events;
  told_.alerts += part.alerts;
  if (part.more) return;
  is_due_ = true;
  changed_.notify_all();
}

void Purger::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Purger::run() {
  pthread_setname_np(pthread_self(), "toc-purge");
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || is_due_; });
    if (stopping_) return;
    is_due_ = false;
    const auto told = std::exchange(told_, {});
    lock.unlock();
    if (told.events + told.alerts != 0) {
      log_.info("erased by retention, as marked",
                {{"events", std::to_string(told.events)}, {"alerts", std::to_string(told.alerts)}});
    }
    const Status status = store_.purge_erased(stopping_);
    lock.lock();
    if (status || stopping_) continue;
    log_.warn("what was erased still lies on the disk; it is tried again",
              {{"error", status.error().message}});
    changed_.wait_for(lock, kAfterFailure, [this] { return stopping_ || is_due_; });
    is_due_ = true;
  }
}

}  // namespace tocsin::daemon
