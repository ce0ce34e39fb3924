// POST /v1/events: from a body to a batch in the queue, and from its receipt to the answer.
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <utility>
#include <variant>

#include "daemon/http/api.h"
#include "daemon/http/parameters.h"
#include "ingest/http_body.h"
#include "rules/model/json_text.h"

namespace tocsin::daemon::http {
namespace {

// The commit is durable, or nothing of the batch can be relied on.
Response answer_of(const ingest::Receipt& receipt) {
  if (!receipt.status) {
    return try_again(503,
                     "not stored: " + receipt.status.error().message +
                         "; send the same again later, ids make a repeat harmless",
                     kSoonSeconds);
  }
  Response response;
  std::string& to = response.body;
  to = fmt::format(R"({{"records":{},"accepted":{},"duplicates":{},"skipped":{},"rejected":{})",
                   receipt.records, receipt.events, receipt.duplicates, receipt.skipped,
                   receipt.rejected);
  to += ",\"problems\":[";
  for (const ingest::Receipt::Problem& problem : receipt.problems) {
    if (to.back() != '[') to += ',';
    to += fmt::format("{{\"position\":{},\"reason\":", problem.position);
    append_json_string(to, problem.reason);
    to += ",\"message\":";
    append_json_string(to, problem.message);
    to += '}';
  }
  to += "]}\n";
  return response;
}

}  // namespace

// Unpacking takes long: not on the server's thread.
void Api::post_events(Request& request, std::string_view, const Respond& respond) {
  const std::string_view encoding = request.header("content-encoding");
  if (encoding.empty() || encoding == "identity") return take_events(request, respond);
  reader_.post(
      [this, respond, request = std::move(request)]() mutable { take_events(request, respond); });
}

void Api::take_events(Request& request, const Respond& respond) {
  Parameters parameters(request.query);
  const bool keep_refused = parameters.word("refused", {"keep", "tell"}).value_or("keep") == "keep";
  parameters.refuse_unknown();
  if (auto refusal = parameters.refusal()) return respond(std::move(*refusal));
  std::vector<ingest::Header> headers;
  for (const auto& [name, value] : request.headers) headers.emplace_back(name, value);
  const ingest::BodyLimits limits{.inflate = {.max_bytes = options_.decompressed_bytes},
                                  .max_records = options_.body_records};
  auto read = ingest::read_http_body(headers, std::move(request.body), backend_.symbols(), limits);
  if (const auto* refusal = std::get_if<ingest::BodyRefusal>(&read)) {
    if (refusal->status == 413) tell_too_large(request.peer, refusal->message);
    return respond(problem(refusal->status, refusal->message));
  }
  auto& body = std::get<ingest::ReadableBody>(read);
  ingest::RawBatch batch;
  batch.stream = "http";
  batch.decoder = std::move(body.decoder);
  batch.bytes = std::move(body.bytes);
  batch.size = body.size;
  batch.first_position = 1;
  batch.keep_refused = keep_refused;
  batch.received = std::chrono::steady_clock::now();
  batch.on_committed = [respond](const ingest::Receipt& receipt) { respond(answer_of(receipt)); };
  switch (backend_.push(batch)) {
    case Backend::Taken::kYes:
      return;
    case Backend::Taken::kFull:
      warn_of("senders are told to wait: events come faster than they are judged", "queue_bytes",
              request.peer,
              "nothing is lost; should it last, raise `shards` or give it a faster disk");
      return respond(try_again(429, "the queue is full: events come faster than they are judged",
                               kSoonSeconds));
    case Backend::Taken::kPaused:
      return respond(try_again(503, "no input is taken: " + backend_.why_paused(), kLaterSeconds));
  }
}

}  // namespace tocsin::daemon::http
