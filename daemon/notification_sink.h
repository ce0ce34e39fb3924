#pragma once

#include <string>
#include <vector>

#include "rules/model/result.h"
#include "storage/store.h"

namespace tocsin::daemon {

// Where alert transitions go: the log file, a webhook, Alertmanager, a Kafka topic.
//
// deliver() may be called again with entries that were delivered already (a crash came before they
// were marked done): (alert, seq) is the idempotency key, and the same key has the same bytes.
// Thread-safety: notifier thread only.
class NotificationSink {
 public:
  virtual ~NotificationSink() = default;
  virtual const std::string& name() const = 0;
  // Delivers in order, all or none. kUnavailable: try again with back-off; kInvalid: the other side
  // refuses this for good (counted, logged, marked done, kept in the alert log).
  virtual Status deliver(const std::vector<storage::OutboxEntry>& entries) = 0;
  // Called about once a second, for sinks that mirror state (Alertmanager re-sends what fires).
  virtual void tick() {}
  // Most entries that deliver() is handed at once.
  virtual size_t batch_limit() const { return 100; }
};

}  // namespace tocsin::daemon
