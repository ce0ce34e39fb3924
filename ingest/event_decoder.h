#pragma once

#include <memory>
#include <string_view>

#include "ingest/json_event.h"
#include "ingest/record_decoder.h"
#include "ingest/symbols.h"

namespace tocsin::ingest {

// event/1, one JSON object a line. Blank lines are no records, but count as positions, so that a
// position is a line number.
// Thread-safety: one thread at a time.
class NdjsonDecoder final : public RecordDecoder {
 public:
  explicit NdjsonDecoder(std::shared_ptr<const CurrentSymbols> symbols)
      : reader_(std::move(symbols)) {}
  void decode(std::string_view bytes, int64_t first_position, Arena& arena,
              DecodedSink& sink) override;

 private:
  JsonEventReader reader_;
  Rejection rejection_;
};

// event/1, one object that is the whole of the bytes: a Kafka message. No bytes at all (a
// tombstone) are a skip `empty`.
// Thread-safety: one thread at a time.
class MessageDecoder final : public RecordDecoder {
 public:
  explicit MessageDecoder(std::shared_ptr<const CurrentSymbols> symbols)
      : reader_(std::move(symbols)) {}
  void decode(std::string_view bytes, int64_t first_position, Arena& arena,
              DecodedSink& sink) override;

 private:
  JsonEventReader reader_;
  Rejection rejection_;
};

// event/1, one JSON array of objects. Where the array itself is broken, the elements before are
// told and the rest is one rejection.
// Thread-safety: one thread at a time.
class JsonArrayDecoder final : public RecordDecoder {
 public:
  explicit JsonArrayDecoder(std::shared_ptr<const CurrentSymbols> symbols)
      : reader_(std::move(symbols)) {}
  void decode(std::string_view bytes, int64_t first_position, Arena& arena,
              DecodedSink& sink) override;

 private:
  JsonEventReader reader_;
  Rejection rejection_;
};

// Reads one record with `reader` and tells `sink`: what every decoder of event/1 does last.
void tell_record(JsonEventReader& reader, std::string_view json, std::string_view raw,
                 const EnvelopeDefaults& defaults, int64_t position, Arena& arena,
                 Rejection& rejection, DecodedSink& sink);
void tell_rejection(std::string_view raw, int64_t position, const Rejection& rejection,
                    Arena& arena, DecodedSink& sink);
void tell_skip(std::string_view raw, int64_t position, std::string_view reason, DecodedSink& sink);

}  // namespace tocsin::ingest
