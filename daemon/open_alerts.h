#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "rules/model/vocabulary.h"
#include "storage/store.h"

namespace tocsin::daemon {

// What fires now, counted for gauges.
struct OpenAlerts {
  struct Kind {
    Level level = Level::kNone;
    Driver driver = Driver::kViolence;
    bool stale = false;
    friend auto operator<=>(const Kind&, const Kind&) = default;
  };
  std::map<Kind, uint64_t> counts;
  // Highest level that fires, by country and driver; kNone where something fired earlier in this
  // process' life, so that a map goes back to calm instead of losing the country.
  std::map<std::pair<std::string, Driver>, Level> countries;
  uint64_t total = 0;     // that may be shown
  uint64_t withheld = 0;  // marked above the ceiling: in no other number here
};

// Counts the open alerts of a store; reads it again only after a commit that changed alerts.
//
// Those of rules that do not notify (shadow, draft) are in no number. Alerts marked above `ceiling`
// are left out of all numbers but one, so that an aggregate does not tell what the alert may not.
// Thread-safety: any thread.
class OpenAlertsReader {
 public:
  OpenAlertsReader(const storage::Store& store, Tlp ceiling) : store_(store), ceiling_(ceiling) {}

  // nullptr when the store cannot be read.
  std::shared_ptr<const OpenAlerts> read();

 private:
  const storage::Store& store_;
  const Tlp ceiling_;
  std::mutex mutex_;
  uint64_t read_at_record_ = UINT64_MAX;    // guarded by mutex_
  std::shared_ptr<const OpenAlerts> last_;  // guarded by mutex_
};

}  // namespace tocsin::daemon
