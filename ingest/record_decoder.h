#pragma once

#include <cstdint>
#include <string_view>

#include "rules/model/arena.h"
#include "rules/model/event.h"

namespace tocsin::ingest {

enum class Verdict : uint8_t { kEvent, kSkip, kReject };

// What became of one input record. Texts live in the arena or in the input bytes.
struct Decoded {
  Verdict verdict = Verdict::kReject;
  Event event;               // of kEvent
  std::string_view reason;   // of kSkip and kReject: a closed list, fit for a metric label
  std::string_view message;  // of kReject: what is wrong, where, and what to do
  int64_t position = 0;      // line, row or offset, counted by the decoder's caller
  std::string_view raw;      // the record's bytes as they came
};

class DecodedSink {
 public:
  virtual ~DecodedSink() = default;
  virtual void on_record(const Decoded& record) = 0;
};

// Bytes of one stream → records, each an event, a skip with reason, or a rejection with reason.
// Never throws on any bytes; every record is told exactly once.
// Thread-safety: one thread at a time; one decoder a stream, since formats with a header keep it.
class RecordDecoder {
 public:
  virtual ~RecordDecoder() = default;

  // `bytes` holds whole records (the last may lack its line end) and is followed by at least
  // kPadding readable bytes. `first_position` numbers its first record; later ones count up.
  // Events passed to `sink` stay valid until the arena is reset, `bytes` is freed, or this goes.
  virtual void decode(std::string_view bytes, int64_t first_position, Arena& arena,
                      DecodedSink& sink) = 0;
};

// simdjson reads so far behind the end.
inline constexpr size_t kPadding = 64;

}  // namespace tocsin::ingest
