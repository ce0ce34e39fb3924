#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rules/engine.h"
#include "rules/model/event.h"
#include "storage/store.h"

namespace tocsin::daemon {

// "early" or "final", as files have it; `otherwise` for "" (from before it was kept).
std::string_view word_of(rules::Emit emit);
rules::Emit emit_of(std::string_view word, rules::Emit otherwise);

// What an `activate` record of the journal says of the rules that it names: its `source`. Part of
// the persistent format (storage/README.md, "A record").
struct ActivationRecord {
  rules::Emit emit = rules::Emit::kEarly;
  // What begins anew was judged aside up to this record; 0: nothing did, or there was no past.
  JournalSeq judged_aside = 0;
  // These rules judged the whole journal before the record anew, and the alert log was brought to
  // what they held: the order of its last transition of before. nullopt: they came in the place of
  // others.
  std::optional<uint64_t> log_before{};

  static ActivationRecord parse(std::string_view source, rules::Emit otherwise);
  std::string text() const;
  friend bool operator==(const ActivationRecord&, const ActivationRecord&) = default;
};

// An `activate` record whose rules judged the whole journal.
bool is_whole_judgement(const storage::Control& control);

}  // namespace tocsin::daemon
