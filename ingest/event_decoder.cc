#include "ingest/event_decoder.h"

#include <fmt/format.h>

#include <cstring>

#include "ingest/json_array.h"
#include "ingest/reasons.h"
#include "ingest/record_splitter.h"

namespace tocsin::ingest {
namespace {

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

void tell_rejection(std::string_view raw, int64_t position, const Rejection& rejection,
                    Arena& arena, DecodedSink& sink) {
  Decoded told;
  told.verdict = Verdict::kReject;
  told.reason = rejection.reason;
  told.message = arena.copy(rejection.message);
  told.position = position;
  told.raw = raw;
  sink.on_record(told);
}

void tell_skip(std::string_view raw, int64_t position, std::string_view reason, DecodedSink& sink) {
  Decoded told;
  told.verdict = Verdict::kSkip;
  told.reason = reason;
  told.position = position;
  told.raw = raw;
  sink.on_record(told);
}

void tell_record(JsonEventReader& reader, std::string_view json, std::string_view raw,
                 const EnvelopeDefaults& defaults, int64_t position, Arena& arena,
                 Rejection& rejection, DecodedSink& sink) {
  Decoded told;
  if (!reader.read(json, defaults, arena, told.event, rejection)) [[unlikely]] {
    tell_rejection(raw, position, rejection, arena, sink);
    return;
  }
  told.verdict = Verdict::kEvent;
  told.position = position;
  told.raw = raw;
  sink.on_record(told);
}

void NdjsonDecoder::decode(std::string_view bytes, int64_t first_position, Arena& arena,
                           DecodedSink& sink) {
  reader_.refresh();
  int64_t position = first_position;
  while (!bytes.empty()) {
    const void* const end = std::memchr(bytes.data(), '\n', bytes.size());
    const size_t length = end == nullptr
                              ? bytes.size()
                              : static_cast<size_t>(static_cast<const char*>(end) - bytes.data());
    std::string_view line = bytes.substr(0, length);
    bytes.remove_prefix(end == nullptr ? length : length + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const std::string_view json = without_mark(line);
    if (json.empty() || (json.front() != '{' && is_blank(json))) {
      ++position;
      continue;
    }
    tell_record(reader_, json, line, {}, position, arena, rejection_, sink);
    ++position;
  }
}

void MessageDecoder::decode(std::string_view bytes, int64_t first_position, Arena& arena,
                            DecodedSink& sink) {
  reader_.refresh();
  if (bytes.empty()) {
    tell_skip(bytes, first_position, reasons::kEmpty, sink);
    return;
  }
  tell_record(reader_, without_mark(bytes), bytes, {}, first_position, arena, rejection_, sink);
}

void JsonArrayDecoder::decode(std::string_view bytes, int64_t first_position, Arena& arena,
                              DecodedSink& sink) {
  reader_.refresh();
  JsonArrayScanner scanner(without_mark(bytes));
  std::string_view element;
  std::string_view problem;
  for (int64_t position = first_position;; ++position) {
    switch (scanner.next(element, problem)) {
      case JsonArrayScanner::Step::kEnd:
        return;
      case JsonArrayScanner::Step::kElement:
        tell_record(reader_, element, element, {}, position, arena, rejection_, sink);
        break;
      case JsonArrayScanner::Step::kBroken:
        rejection_.reason = reasons::kSyntax;
        rejection_.message = fmt::format("body (byte {}): {}", scanner.offset(), problem);
        tell_rejection(element, position, rejection_, arena, sink);
        return;
    }
  }
}

}  // namespace tocsin::ingest
