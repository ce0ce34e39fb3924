#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rules/engine.h"
#include "rules/model/alert.h"

namespace tocsin::rules {

// How a group stands to its rule at a moment, for `tocsin why-not`.
struct Inspection {
  struct LevelAsks {
    Level level = Level::kNone;
    std::string condition;      // with its numbers: "n >= 6 (4 >= 6)"; "" when it asks nothing more
    std::optional<bool> holds;  // nullopt: not known
  };
  struct Reading {
    std::string name;  // of the signal
    std::optional<double> value;
  };

  GroupState state = GroupState::kInactive;
  Level level = Level::kNone;  // of an open alert
  std::string condition;       // the rule's own, as an alert would tell it
  std::vector<Measured> values;
  uint64_t events_counted = 0;
  std::vector<EvidenceRef> evidence;
  std::vector<LevelAsks> levels;
  std::vector<Reading> signals;
  std::optional<bool> is_armed;  // nullopt: the rule is always at work
  std::string progress;          // of kinds that wait for something; "" otherwise
};

}  // namespace tocsin::rules
