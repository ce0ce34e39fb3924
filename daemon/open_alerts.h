#pragma once

#include <array>
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
  enum class State : uint8_t { kFiring, kStale, kError };
  struct Kind {
    Level level = Level::kNone;
    Driver driver = Driver::kViolence;
    State state = State::kFiring;
    friend auto operator<=>(const Kind&, const Kind&) = default;
  };
  std::map<Kind, uint64_t> counts;
  // Highest level that fires, by country and driver; kNone where something fired earlier in this
  // process' life, so that a map goes back to calm instead of losing the country.
  std::map<std::pair<std::string, Driver>, Level> countries;
  uint64_t total = 0;     // that may be shown
  uint64_t withheld = 0;  // marked above the ceiling: in no other number here
};

// Counts the open alerts of a store, by following its alert log.
//
// All open alerts are read once, at first; from then on a read costs what has been committed since
// the one before it, however many are open. When retention has dropped something, the log may have
// lost an end that was not read yet: then all are read again.
// Those of rules that do not notify (shadow, draft) are in no number. Alerts marked above `ceiling`
// are left out of all numbers but one, so that an aggregate does not tell what the alert may not.
// Thread-safety: any thread.
class OpenAlertsReader {
 public:
  OpenAlertsReader(const storage::Store& store, Tlp ceiling) : store_(store), ceiling_(ceiling) {}

  // nullptr when the store cannot be read.
  std::shared_ptr<const OpenAlerts> read();

 private:
  // What one open alert adds to the numbers.
  struct Share {
    OpenAlerts::Kind kind;
    std::string country;  // empty: known by no country
    bool withheld = false;
  };
  static constexpr size_t kLevels = static_cast<size_t>(Level::kEmergency) + 1;
  using Levels = std::array<uint64_t, kLevels>;  // alerts by level

  Status read_all();
  Status follow();
  void take(const storage::Store::StoredAlert& alert);
  void add(const Share& share);
  void remove(const Share& share);
  std::shared_ptr<const OpenAlerts> sum() const;

  const storage::Store& store_;
  const Tlp ceiling_;
  std::mutex mutex_;
  // Guarded by mutex_:
  bool has_read_ = false;
  uint64_t next_order_ = 0;  // of the alert log
  uint64_t records_ = 0;     // lines that the log holds if nothing was dropped
  std::map<Hash128, Share> open_;
  std::map<OpenAlerts::Kind, uint64_t> kinds_;
  std::map<std::pair<std::string, Driver>, Levels> countries_;
  uint64_t withheld_ = 0;
  std::shared_ptr<const OpenAlerts> last_;
};

}  // namespace tocsin::daemon
