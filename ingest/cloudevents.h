#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "ingest/json_event.h"
#include "ingest/record_decoder.h"
#include "ingest/symbols.h"

namespace tocsin::ingest {

enum class CloudEventsForm { kSingle, kBatch };

// CloudEvents 1.0 in the JSON format: one envelope (application/cloudevents+json), or an array of
// them (application/cloudevents-batch+json). `data` is the event/1 object; where it lacks id,
// source or time, the envelope's are taken. Extension attributes are accepted and not kept.
// Thread-safety: one thread at a time.
class CloudEventsDecoder final : public RecordDecoder {
 public:
  CloudEventsDecoder(std::shared_ptr<const CurrentSymbols> symbols, CloudEventsForm form);
  ~CloudEventsDecoder() override;
  void decode(std::string_view bytes, int64_t first_position, Arena& arena,
              DecodedSink& sink) override;

 private:
  class Envelope;
  void tell(std::string_view envelope, int64_t position, Arena& arena, DecodedSink& sink);

  JsonEventReader reader_;
  std::unique_ptr<Envelope> envelope_;
  CloudEventsForm form_;
  Rejection rejection_;
};

// Name and value of a message or request header.
using Header = std::pair<std::string_view, std::string_view>;

// Binary mode: whether the headers carry a CloudEvent (`ce_specversion` of Kafka, `ce-specversion`
// of HTTP; any case).
bool is_binary_cloud_event(std::span<const Header> headers);

// How a protocol writes attributes into headers.
enum class HeaderCoding : uint8_t {
  kPlain,    // Kafka: as they are
  kPercent,  // HTTP: what is not printable ASCII percent-encoded, perhaps in quotes
};

// A binary-mode event as the structured envelope that means the same, so that one decoder reads
// both and a dead letter is whole. `payload` is put under `data` as it is.
std::string structured_from_binary(std::span<const Header> headers, HeaderCoding coding,
                                   std::string_view payload);

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

}  // namespace tocsin::ingest
