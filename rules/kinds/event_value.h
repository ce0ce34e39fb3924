#pragma once

#include "rules/cel/value.h"
#include "rules/model/arena.h"
#include "rules/model/catalogue.h"
#include "rules/model/event.h"

namespace tocsin::rules {

// The event as a map, as expressions see an earlier step: id, time, source, indicator, region,
// attrs, and value when it has one. A view into the event, the catalogue and the arena.
cel::Value event_value(const Event& event, const Catalogue& catalogue, Arena& arena);

}  // namespace tocsin::rules
