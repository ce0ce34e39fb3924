#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ingest/cloudevents.h"
#include "ingest/inflate.h"
#include "ingest/record_decoder.h"
#include "ingest/symbols.h"

namespace tocsin::ingest {

// A request body that can go into a RawBatch: decompressed, with the decoder of its type.
struct ReadableBody {
  std::string bytes;  // reserved for kPadding more
  size_t size = 0;    // of the records in `bytes`
  std::shared_ptr<RecordDecoder> decoder;
};

// Why a body is refused before any record of it is looked at.
struct BodyRefusal {
  int status = 400;     // of HTTP: 400, 413 or 415
  std::string message;  // what is wrong and what to send
};

// What a body can be.
struct BodyLimits {
  InflateLimits inflate;
  // Lines, or elements of an array. A record costs memory beyond its bytes, most of all one that
  // becomes a dead letter: two bytes of garbage are one.
  size_t max_records = 100'000;
};

// Reads the headers that say how a body is to be understood.
//
// Content-Type: application/x-ndjson (also application/jsonl, application/ndjson; nothing at all is
// taken as NDJSON), application/json (an array, or one object), application/cloudevents+json,
// application/cloudevents-batch+json; with `ce-*` headers and a JSON type it is a binary-mode
// CloudEvent. Content-Encoding: gzip, zstd, identity.
// `headers` are all of the request's; names in any case.
// Thread-safety: any thread; what it returns belongs to the caller.
std::variant<ReadableBody, BodyRefusal> read_http_body(
    std::span<const Header> headers, std::string body,
    const std::shared_ptr<const CurrentSymbols>& symbols, const BodyLimits& limits);

}  // namespace tocsin::ingest
