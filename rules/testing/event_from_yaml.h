#pragma once

#include <optional>

#include "rules/model/arena.h"
#include "rules/model/catalogue.h"
#include "rules/model/diagnostic.h"
#include "rules/model/event.h"
#include "rules/yaml/document.h"

namespace tocsin::rules {

// One event as a test file writes it, without id and time. The checks are those of ingest: closed
// lists with a did-you-mean, unit, ranges, types and required attrs. Texts are copied into the
// arena. nullopt when anything was wrong.
std::optional<Event> event_from_yaml(const yaml::Node& node, const Catalogue& catalogue,
                                     Arena& arena, Diagnostics& diagnostics);

}  // namespace tocsin::rules
