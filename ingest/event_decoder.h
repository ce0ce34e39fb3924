#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "ingest/cloudevents.h"
#include "ingest/event_form.h"
#include "ingest/json_event.h"
#include "ingest/record_decoder.h"
#include "ingest/symbols.h"

namespace tocsin::ingest {

// What the records of one decode() are counted by.
enum class Positions : uint8_t {
  kCounted,    // lines or elements, from the first position on
  kOfMessage,  // the message that holds them all: each has the first position
};

// event/1 in one of its forms. Blank lines are no records, but count as positions, so that a
// position is a line number. No bytes at all (a tombstone) are a skip `empty` of a single event.
// Where an array itself is broken, the elements before are told and the rest is one rejection.
//
// Allocates nothing for a good event but in the arena.
// Thread-safety: one thread at a time.
class EventDecoder final : public RecordDecoder {
 public:
  EventDecoder(std::shared_ptr<const CurrentSymbols> symbols, EventForm form,
               Positions positions = Positions::kCounted)
      : reader_(std::move(symbols)), form_(form), step_(positions == Positions::kCounted ? 1 : 0) {}
  void decode(std::string_view bytes, int64_t first_position, Arena& arena,
              DecodedSink& sink) override;

 private:
  void decode_lines(std::string_view bytes, int64_t position, Arena& arena, DecodedSink& sink);
  void decode_array(std::string_view bytes, int64_t position, Arena& arena, DecodedSink& sink);
  void tell(std::string_view json, std::string_view raw, int64_t position, Arena& arena,
            DecodedSink& sink);
  void tell_envelope(std::string_view json, std::string_view raw, int64_t position, Arena& arena,
                     DecodedSink& sink);
  void tell_event(std::string_view json, std::string_view raw, const EnvelopeDefaults& defaults,
                  int64_t position, Arena& arena, DecodedSink& sink);

  JsonEventReader reader_;
  EnvelopeReader envelope_;
  Rejection rejection_;
  const EventForm form_;
  const int64_t step_;  // from one record's position to the next one's
};

// Refuses every record with the same words: for a content type that nobody here can read.
// Thread-safety: immutable after construction.
class RefusingDecoder final : public RecordDecoder {
 public:
  explicit RefusingDecoder(Rejection rejection) : rejection_(std::move(rejection)) {}
  void decode(std::string_view bytes, int64_t first_position, Arena& arena,
              DecodedSink& sink) override;

 private:
  const Rejection rejection_;
};

// What decoders tell of a record that is no event.
void tell_rejection(std::string_view raw, int64_t position, const Rejection& rejection,
                    Arena& arena, DecodedSink& sink);
void tell_skip(std::string_view raw, int64_t position, std::string_view reason, DecodedSink& sink);

}  // namespace tocsin::ingest
