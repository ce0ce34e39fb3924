#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "rules/model/alert.h"
#include "rules/model/catalogue.h"
#include "rules/rule.h"
#include "rules/state_codec.h"

namespace tocsin::rules {

// One alert as rules over alerts see it: who raised it, where, and how high it stood when.
struct BoardEntry {
  struct Change {
    EventTime at{};
    Level level = Level::kNone;         // from then on; kNone: over
    Tlp tlp = Tlp::kClear;              // from then on
    std::vector<EvidenceRef> evidence;  // the first few that it was told with
  };

  Hash128 alert;
  std::string identity;          // of the rule; what it says of itself may change with a reload
  std::string rule;              // id
  std::vector<std::string> key;  // of the group, in `by` order
  Driver driver{};
  Stage stage{};
  RuleStatus status{};
  RegionId region{};
  std::vector<Change> changes;  // by time; those that no window reaches are dropped
  bool is_saved = false;        // there is an entry of it to remove

  // The last before `at`; nullptr when it had not fired yet.
  const Change* before(EventTime at) const;
  bool is_open() const { return changes.back().level != Level::kNone; }
};

// The alerts of rules over events, by country, for the rules over alerts (layers, spillover).
//
// Holds what was decided before a time T completely once the watermark of its readers has reached
// T, since theirs is never ahead of the rules that they read; what it says of T depends on nothing
// that is noted later.
// Thread-safety: one thread at a time.
class AlertBoard {
 public:
  explicit AlertBoard(const Catalogue& catalogue) : catalogue_(&catalogue) {}

  // Takes note of what a rule over events has decided; nullptr when it has no place.
  const BoardEntry* note(const AlertTransition& transition, const Rule& rule);
  // What these say of themselves now holds for the alerts that they raised before as well; alerts
  // of others are dropped.
  void describe_by(std::span<const Rule> rules);
  // Calls tell(entry) for all.
  template <typename Tell>
  void for_each(Tell&& tell) const {
    for (const auto& [alert, entry] : entries_) tell(entry);
  }
  // Of a country, by (alert id): an order that does not depend on arrival.
  std::vector<const BoardEntry*> of_country(RegionId country) const;
  // Gives alerts other names.
  void rename(const std::map<Hash128, Hash128>& renamed);
  // Replaces the alerts that are `concerned` by those of another board.
  void take_over(const AlertBoard& other, const std::function<bool(const BoardEntry&)>& concerned);
  // Drops alerts that were over before `t`, and of the others what had changed again by then.
  void forget_before(EventTime t);
  // Another catalogue: regions by name; what lies nowhere now is dropped.
  void rebind(const Catalogue& next);

  // Calls put(key, value) for what changed since the last call; value empty: gone.
  template <typename Put>
  void save(Put&& put) {
    for (const Hash128& alert : changed_) {
      const auto found = entries_.find(alert);
      std::string bytes;
      if (found != entries_.end()) {
        write_entry(found->second, bytes);
        found->second.is_saved = true;
      }
      put(to_hex(alert), bytes);
    }
    changed_.clear();
  }
  bool restore(std::string_view bytes);
  size_t bytes() const { return entries_.size() * (sizeof(BoardEntry) + 256); }
  bool empty() const { return entries_.empty(); }

 private:
  void write_entry(const BoardEntry& entry, std::string& bytes) const;
  void index(const BoardEntry& entry);
  void note_gone(const BoardEntry& entry);
  void forget_changes(BoardEntry& entry, EventTime t);
  void drop(Hash128 alert);

  const Catalogue* catalogue_;
  std::map<Hash128, BoardEntry> entries_;
  std::map<RegionId, std::map<Hash128, const BoardEntry*>> by_country_;
  std::set<Hash128> changed_;  // of those that are gone only what was saved
};

// Whether the rule looks at alerts instead of events.
bool is_over_alerts(RuleKind kind);

}  // namespace tocsin::rules
