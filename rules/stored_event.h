#pragma once

#include <string>
#include <string_view>

#include "rules/model/arena.h"
#include "rules/model/event.h"

namespace tocsin::rules {

// An event kept by a rule until its time has come: one block of bytes that owns all its texts. Its
// numbers (source, indicator, region) hold for the catalogue it was made with.
void encode_event(const Event& event, std::string& to);

// The event again; a view into `bytes` and `arena`. An all-default event when the bytes are
// damaged.
Event decode_event(std::string_view bytes, Arena& arena);

// Its id alone; a view into `bytes`.
std::string_view stored_event_id(std::string_view bytes);

}  // namespace tocsin::rules
