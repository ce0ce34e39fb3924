#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rules/model/hash.h"
#include "rules/model/result.h"

namespace tocsin::daemon {

// An alert transition as one sink gets it.
struct Notification {
  Hash128 alert;   // its own id, to know it again by: not to be sent (tlp_policy.h)
  std::string id;  // the id that `json` carries, under which the sink's readers know the alert
  uint32_t seq = 0;
  std::string json;  // alert/1
};

// Where alert transitions go: the log file, a webhook, Alertmanager, a Kafka topic.
//
// deliver() may be called again with what was delivered already (a crash came before it was marked
// done): the same (id, seq) with the same bytes. With other bytes it is another transition: a
// backup was restored, and what was told since has come about anew. Thread-safety: notifier thread
// only.
class NotificationSink {
 public:
  virtual ~NotificationSink() = default;
  virtual const std::string& name() const = 0;
  // Delivers in order, all or none. kUnavailable: try again with back-off; kInvalid: the other side
  // refuses this for good (counted, logged, marked done, kept in the alert log).
  virtual Status deliver(const std::vector<Notification>& notifications) = 0;
  // Called about once a second, unless a failure says to wait: for sinks that mirror state
  // (Alertmanager is sent again what fires). True when something was sent; a failure is treated as
  // one of deliver().
  virtual Result<bool> tick() { return false; }
  // Sends a heartbeat/1 object, which tells that all is well. A sink that has a watchdog of its own
  // sends none.
  virtual Status send_heartbeat(const std::string&) { return Status::ok(); }
  // Sends a digest/1 object in place of what it lists. A sink that cannot is sent each alert.
  virtual Status send_digest(const std::string&) { return invalid("this sink takes no digests"); }
  // Most notifications that deliver() is handed at once.
  virtual size_t batch_limit() const { return 100; }
};

}  // namespace tocsin::daemon
