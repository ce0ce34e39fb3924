#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "ingest/json_event.h"

namespace tocsin::ingest {

// Reads the envelope of CloudEvents 1.0 in the JSON format. `data` is the event/1 object; where it
// lacks id, source or time, the envelope's are taken. Extension attributes are accepted and not
// kept.
// Thread-safety: one thread at a time.
class EnvelopeReader {
 public:
  EnvelopeReader();
  ~EnvelopeReader();

  // `envelope` is followed by at least kPadding readable bytes. On success `data` is the event's
  // text in it and `defaults` what the envelope says; false: `rejection` says why.
  bool read(std::string_view envelope, Arena& arena, std::string_view& data,
            EnvelopeDefaults& defaults, Rejection& rejection);

 private:
  class Parser;
  std::unique_ptr<Parser> parser_;
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

}  // namespace tocsin::ingest
