#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "rules/testing/rule_test.h"
#include "rules/yaml/document.h"

namespace tocsin::rules {

// "+3d" counted from `start`, or RFC 3339; nullopt when neither.
std::optional<EventTime> read_test_time(std::string_view text, EventTime start);

// The `events` of a test, written out: repetitions, bursts and retractions become single events,
// checked against the catalogue as ingest checks them. Ordered by arrival. Texts are copied into
// the arena.
std::vector<ScheduledEvent> plan_events(const yaml::Node& items, EventTime start,
                                        const Catalogue& catalogue, Arena& arena,
                                        Diagnostics& diagnostics);

}  // namespace tocsin::rules
