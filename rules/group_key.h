#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rules/model/arena.h"
#include "rules/model/catalogue.h"
#include "rules/model/event.h"
#include "rules/model/hash.h"
#include "rules/rule.h"

namespace tocsin::rules {

// What a missing key is called (MissingKey::kGroup).
inline constexpr std::string_view kMissingValue = "∅";

// What `each` of a rule finds in an event: no text twice, and no more than kMostEach.
struct EachTexts {
  std::span<const std::string_view> texts;  // in the arena; one that is empty when there is none
  bool is_cut = false;                      // there were more
  bool is_error = false;
};
inline constexpr size_t kMostEach = 32;
// Of a rule that has `each`.
EachTexts each_of(const Rule& rule, const Event& event, Arena& arena);

// Finds the group of an event.
// Thread-safety: one thread at a time.
class GroupKeyer {
 public:
  GroupKeyer(const Catalogue& catalogue, const std::vector<GroupKey>& by, MissingKey missing)
      : catalogue_(&catalogue), by_(&by), missing_(missing) {}

  // Which of its texts the event is taken for now, in rules with `each`; empty: it has none.
  void set_each(std::string_view text) { each_ = text; }

  // Hash of the group; nullopt when a key is missing and such events are dropped. Holds within one
  // catalogue only; what is stored is the texts.
  std::optional<Hash128> hash(const Event& event);

  // The key's values as texts, in `by` order. Only for events that hash() took.
  std::vector<std::string> texts(const Event& event);
  // The hash again from the texts; nullopt when the catalogue no longer knows one of them.
  std::optional<Hash128> hash(const std::vector<std::string>& texts);
  // The region that is one of the keys.
  std::optional<RegionId> region(const std::vector<std::string>& texts) const;

 private:
  std::string_view attr_text(const Event& event, const std::string& name, bool& is_missing);

  const Catalogue* catalogue_;
  const std::vector<GroupKey>* by_;
  MissingKey missing_;
  std::string_view each_;
  std::string scratch_;
};

}  // namespace tocsin::rules
