#pragma once

#include <string>

#include "rules/model/diagnostic.h"
#include "rules/rule.h"

// What `tocsin check` prints.
namespace tocsin::daemon {

// Every problem with its place, a line of counts, and, when there is a bundle, its rules by status
// and driver with the state that they may come to.
std::string check_text(const rules::Bundle* bundle, const Diagnostics& diagnostics, bool colour);

// {"good": …, "rules": …, "indicators": …, "sources": …, "regions": …, "hash": …, "status": {…},
// "drivers": {…}, "state": {"bytes": …, "dearest": [{"rule", "groups", "bytes_per_group",
// "bytes"}]}, "errors": …, "warnings": …, "diagnostics": […]}; from "rules" to "state" only with a
// bundle.
std::string check_json(const rules::Bundle* bundle, const Diagnostics& diagnostics, bool good);

}  // namespace tocsin::daemon
