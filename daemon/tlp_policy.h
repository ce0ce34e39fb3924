#pragma once

#include <string>

#include "daemon/alert_fields.h"
#include "rules/model/vocabulary.h"

namespace tocsin::daemon {

// What a reader with clearance up to `ceiling` gets of an alert: everything, or when the alert is
// marked above it, an object with nothing in it that tells what happened where: format, id, seq,
// action, level, previous_level, starts_at, ends_at, at, tlp and `withheld: true`.
//
// The one place where markings are judged: sinks, API and commands all pass through here.
std::string limit_to_tlp(const std::string& json, const AlertFields& fields, Tlp ceiling);

}  // namespace tocsin::daemon
