#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "rules/model/event.h"
#include "rules/model/hash.h"
#include "rules/model/time.h"
#include "rules/model/vocabulary.h"

namespace tocsin {

// Index of a rule in its Bundle.
using RuleIndex = uint32_t;

// What a transition did to an alert. Part of the format alert/1.
enum class Action : uint8_t { kFire, kEscalate, kDeescalate, kUpdate, kResolve, kWithdraw };
std::string_view to_string(Action action);
template <>
std::optional<Action> parse_enum(std::string_view word);

// An event that made an alert, by its place in the journal.
struct EvidenceRef {
  JournalSeq seq = 0;
  std::string role;  // "match", a measure's or a step's name, "first", "last"
  friend bool operator==(const EvidenceRef&, const EvidenceRef&) = default;
};

// A measured number or text, as it stood at the decision.
struct Measured {
  std::string name;
  std::variant<int64_t, double, std::string> value;
};

// One step in the life of an alert (an episode of a rule for a group), as the engine decides it.
// The daemon writes it as alert/1; the same (alert, seq) is always the same bytes.
struct AlertTransition {
  Hash128 alert;     // hash of rule id, group and pinned start of the episode
  uint32_t seq = 0;  // 0 is the fire
  Action action = Action::kFire;
  RuleIndex rule = 0;
  Level level = Level::kNone;     // after it; for a resolve the last level held
  Level previous = Level::kNone;  // before it
  std::vector<std::pair<std::string, std::string>> group;  // key name and value, in `by` order
  std::optional<RegionId> region;                          // when a key is a region
  EventTime starts_at{};
  EventTime at{};  // event time of the decision
  std::optional<EventTime> ends_at;
  bool provisional = false;  // decided on arrival, before the watermark passed
  EventTime watermark{};     // up to where input was complete; == at when not provisional
  Tlp tlp = Tlp::kClear;     // highest of all that counted in the episode, also when not listed
  bool stale = false;        // input is missing; the last level is kept
  bool error = false;        // the rule fails at run time; the last level is kept
  // It begins to fire too often: since then its level only goes up, until it is calm.
  std::optional<EventTime> flapping_since;
  // What became known late, or was corrected, brought it: it tells of the past.
  bool retroactive = false;
  JournalSeq cause = 0;  // the event that did, by its place in the journal; 0: none
  std::map<std::string, std::string> title;    // by language
  std::map<std::string, std::string> summary;  // by language
  std::vector<Measured> values;
  std::string condition;  // what was met, with its numbers: "people >= 50.0 (62 >= 50)"
  std::vector<EvidenceRef> evidence;
  uint64_t events_counted = 0;  // all that count, also those beyond the evidence limit
};

}  // namespace tocsin
