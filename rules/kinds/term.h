#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "rules/cel/value.h"
#include "rules/model/arena.h"
#include "rules/model/event.h"
#include "rules/rule.h"

namespace tocsin::rules {

// The term of an event under a `new_term` rule.
struct Term {
  enum class Status : uint8_t {
    kThere,
    kAbsent,  // a part is, and the rule leaves such events out
    kError,   // a part has no value
  };
  Status status = Status::kThere;
  uint64_t hash = 0;  // of kThere; stable, as saved state has it
};
Term term_of(const NewTermDetect& detect, const Event& event, Arena& arena);

// Its parts as people read them, for an event whose term is there; views into event and arena.
std::span<const cel::Value> term_texts(const NewTermDetect& detect, const Event& event,
                                       Arena& arena);

}  // namespace tocsin::rules
