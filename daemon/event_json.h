#pragma once

#include <string>

#include "rules/model/catalogue.h"
#include "rules/model/event.h"

namespace tocsin::daemon {

// Writes an event as event/1: one JSON object, fixed key order, defaults left out, no newline.
// Decoding it again gives the same event.
std::string write_event(const Event& event, const Catalogue& catalogue);

}  // namespace tocsin::daemon
