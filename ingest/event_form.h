#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "ingest/cloudevents.h"

// How events lie in the bytes of a body or message, and how its headers say so: the same for HTTP
// and Kafka.
namespace tocsin::ingest {

enum class EventForm : uint8_t {
  kLines,          // one JSON object a line
  kSingle,         // one JSON object that is the whole of the bytes
  kArray,          // a JSON array of objects
  kEnvelope,       // one CloudEvents envelope
  kEnvelopeArray,  // a JSON array of them
};
inline constexpr size_t kEventForms = 5;

constexpr bool has_envelope(EventForm form) { return form >= EventForm::kEnvelope; }

// The value of a header, its name in any case, without white space around it; empty: none.
std::string_view header_value(std::span<const Header> headers, std::string_view name);

enum class SaidBy : uint8_t {
  kNothing,      // no content type: the caller's protocol decides
  kContentType,  // `form`
  kAttributes,   // a binary-mode CloudEvent: kEnvelope after structured_from_binary()
  kOther,        // a content type that is none of ours
  kOtherCloud,   // CloudEvents in a format that is not JSON
};
struct SaidForm {
  SaidBy by = SaidBy::kNothing;
  EventForm form = EventForm::kSingle;
};

// What the headers say of `bytes`: application/x-ndjson (also ndjson, jsonl, x-jsonlines),
// application/json (an array or one object, as it begins), application/cloudevents+json,
// application/cloudevents-batch+json, or the attributes of a binary-mode CloudEvent.
SaidForm said_form(std::span<const Header> headers, std::string_view bytes);

// kArray when that is how `bytes` begin, else kSingle.
EventForm json_form(std::string_view bytes);

// How many records `bytes` hold in that form, blank lines included; counted no further than just
// past `most`. Where an array is broken, the elements before count.
size_t count_records(EventForm form, std::string_view bytes, size_t most);

}  // namespace tocsin::ingest
