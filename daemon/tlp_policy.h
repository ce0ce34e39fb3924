#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/alert_fields.h"
#include "daemon/sealed_ids.h"
#include "rules/model/hash.h"
#include "rules/model/result.h"
#include "rules/model/vocabulary.h"
#include "storage/store.h"

namespace tocsin::daemon {

// What a reader with clearance up to `ceiling` gets of alerts. The one place where markings are
// judged: sinks and API pass through here.
//
// A transition that is marked up to the ceiling is shown whole. Of one above it, nothing is shown
// that tells what happened where: format, id, seq, action, level, previous_level, starts_at,
// ends_at, at, tlp and `withheld: true` are left.
//
// * The id is a sealed one (sealed_ids.h), since the alert's own can be computed from the rule, the
//   region and the start. Where the reader got an earlier, lower marked transition whole, the
//   alert keeps the id that it was shown under: there is nothing left to hide in it, and what was
//   told must also be told to end. Both are the same for all transitions above the ceiling.
// * Times are cut to the day (UTC). They serve to order and age alerts, and for that a day is
//   enough; to the second they are often the time of one event, and whoever knows of the event
//   would know the alert.
// * Level and action stay: they are what a reader without clearance can act on.
//
// Thread-safety: any thread.
class TlpPolicy {
 public:
  // `store` outlives it.
  TlpPolicy(Tlp ceiling, SealedIds ids, const storage::Store& store)
      : ceiling_(ceiling), ids_(ids), store_(store) {}

  bool withholds(const AlertFields& fields) const { return fields.tlp > ceiling_; }

  // A transition as the reader gets it; `fields` are those of `json`. `was_told`: the reader got an
  // earlier transition of the alert whole, and so knows its id.
  Result<std::string> limit(const std::string& json, const AlertFields& fields,
                            bool was_told) const;
  // The same for a reader who gets all transitions. Fails when the store must be asked for earlier
  // ones and cannot be read.
  Result<std::string> limit(const std::string& json, const AlertFields& fields) const;

  // All transitions of the alert that the reader knows as `id`, by seq, each as the reader gets it.
  // kNotFound: there is none, or the reader must not know of it by that id.
  Result<std::vector<std::string>> read_alert(Hash128 id) const;

 private:
  Result<bool> was_shown(Hash128 alert, uint32_t seq) const;
  std::string withheld(const AlertFields& fields, std::string_view id) const;

  Tlp ceiling_;
  SealedIds ids_;
  const storage::Store& store_;
};

}  // namespace tocsin::daemon
