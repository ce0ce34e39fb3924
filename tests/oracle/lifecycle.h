#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "tests/oracle/said.h"

// The life of an alert (rule-language §4), looked up in the list of all that was found.
namespace tocsin::rules::oracle {

enum class Truth : uint8_t { kNo, kYes, kUnknown };

// What holds for one level at a time.
struct LevelTruth {
  bool enters = false;
  Truth stays = Truth::kNo;
};

// Ends what is open at once: kGone also what flaps.
enum class Ending : uint8_t { kNone, kReported, kGone };

struct Judged {
  EventTime at{};
  std::vector<LevelTruth> levels;  // as Rule::levels
  bool only_up = false;            // input is missing: nothing goes down
  Ending ending = Ending::kNone;
};

struct Turn {
  size_t place = 0;  // in what was judged, or in the matches
  Action action = Action::kFire;
  Level level = Level::kNone;
  EventTime at{};
  EventTime starts_at{};
};

// Of a rule that is judged at times, which are in order. An alert that is open at the end stays
// open.
std::vector<Turn> turns_of(const Rule& rule, std::span<const Judged> judged);
// If it flaps at the end: when it will have been calm for long enough.
std::optional<EventTime> calm_after(const Rule& rule, std::span<const Judged> judged);

// A point in time that matters for a while.
struct Match {
  EventTime at{};      // when it is taken
  EventTime starts{};  // what an alert that it begins starts at
  Level level = Level::kNone;
  bool joins_at_end = false;  // an alert that would end at this very moment goes on
};

// Of a rule with matches, which are in order: the level is the highest among those of the last
// `hold`. A turn's place is that of the latest match by then.
std::vector<Turn> turns_of_matches(const Rule& rule, std::span<const Match> matches, EventTime end);
// The first match of the episode that the turn belongs to.
size_t first_of_episode(std::span<const Turn> turns, size_t turn);

}  // namespace tocsin::rules::oracle
