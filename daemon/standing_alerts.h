#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "rules/model/hash.h"
#include "rules/model/time.h"
#include "rules/model/vocabulary.h"

namespace tocsin::daemon {

// Where the alert log and the rules differ, and the log knows better: state was rebuilt from what
// retention has left of the journal, and these alerts began before their rule had been told for as
// long as it looks back. Until then they stay as they were told.
//
// A value, saved with the state.
struct StandingAlerts {
  // Since when the rules were told every event; kMinEventTime: from the first on, so that there are
  // none; kMaxEventTime: no event was left.
  EventTime told_from = kMinEventTime;
  // Open in the log, and held by no rule for now.
  std::set<Hash128> unheld;
  // Held by a rule, and told to nobody; with the number that their first transition will have.
  std::map<Hash128, uint32_t> untold;
  // Held by a rule at this level, and told at another.
  std::map<Hash128, Level> levels;
  // What the engine calls an alert that goes on, and the name that it was told by.
  std::map<Hash128, Hash128> names;

  bool has(Hash128 alert) const {
    return unheld.contains(alert) || untold.contains(alert) || levels.contains(alert);
  }
  bool is_whole() const { return told_from == kMinEventTime; }
  // A revision has the engine hold it by the name that it was told by, or ends it.
  void revised(Hash128 alert);

  // "TOLD_FROM_MS", then " ID" of each that is unheld, " ID@NUMBER" of those that are untold,
  // " ID=LEVEL" of levels, " ID:ID" of names; "" when whole. Part of the persistent format.
  std::string text() const;
  // nullopt when that is none.
  static std::optional<StandingAlerts> parse(std::string_view text);
  friend bool operator==(const StandingAlerts&, const StandingAlerts&) = default;
};

}  // namespace tocsin::daemon
