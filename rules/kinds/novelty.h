#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rules/model/event.h"
#include "rules/state_codec.h"

namespace tocsin::rules {

// What the term of an event was found to be.
struct Novelty {
  Level level = Level::kNone;  // kNone: not new, or new and not to be told
  bool is_new_to_parent = false;
  uint32_t terms = 0;       // that the group knew then, this one included
  bool is_refused = false;  // the group had no room for it; not saved
};

// An event that waits until nothing earlier can come.
struct PendingTerm {
  EventTime time{};
  SourceId source{};
  JournalSeq seq = 0;
  uint64_t term = 0;
  std::string id;
  std::string event;             // encode_event(); empty when the term was known as it came
  mutable Novelty told{};        // on arrival
  mutable bool is_past = false;  // the episode it was told in is over

  std::string_view event_id() const { return id; }
  size_t bytes() const { return id.size() + event.size(); }
  bool is_told() const { return told.level != Level::kNone && !is_past; }
};

void write(ByteWriter& to, const Novelty& novelty);
Novelty read_novelty(ByteReader& from);
void write(ByteWriter& to, const PendingTerm& item);
PendingTerm read_pending_term(ByteReader& from);

}  // namespace tocsin::rules
