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

void EventDecoder::decode(std::string_view bytes, int64_t first_position, Arena& arena,
                          DecodedSink& sink) {
  reader_.refresh();
  switch (form_) {
    case EventForm::kLines:
      return decode_lines(bytes, first_position, arena, sink);
    case EventForm::kArray:
    case EventForm::kEnvelopeArray:
      return decode_array(without_mark(bytes), first_position, arena, sink);
    case EventForm::kSingle:
    case EventForm::kEnvelope:
      if (bytes.empty()) return tell_skip(bytes, first_position, reasons::kEmpty, sink);
      return tell(without_mark(bytes), bytes, first_position, arena, sink);
  }
}

void EventDecoder::decode_lines(std::string_view bytes, int64_t position, Arena& arena,
                                DecodedSink& sink) {
  for (; !bytes.empty(); position += step_) {
    const void* const end = std::memchr(bytes.data(), '\n', bytes.size());
    const size_t length = end == nullptr
                              ? bytes.size()
                              : static_cast<size_t>(static_cast<const char*>(end) - bytes.data());
    std::string_view line = bytes.substr(0, length);
    bytes.remove_prefix(end == nullptr ? length : length + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const std::string_view json = without_mark(line);
    if (json.empty() || (json.front() != '{' && is_blank(json))) continue;
    tell_event(json, line, {}, position, arena, sink);
  }
}

void EventDecoder::decode_array(std::string_view bytes, int64_t position, Arena& arena,
                                DecodedSink& sink) {
  JsonArrayScanner scanner(bytes);
  std::string_view element;
  std::string_view problem;
  for (;; position += step_) {
    switch (scanner.next(element, problem)) {
      case JsonArrayScanner::Step::kEnd:
        return;
      case JsonArrayScanner::Step::kElement:
        tell(element, element, position, arena, sink);
        break;
      case JsonArrayScanner::Step::kBroken:
        rejection_.reason = reasons::kSyntax;
        rejection_.message = fmt::format("body (byte {}): {}", scanner.offset(), problem);
        tell_rejection(element, position, rejection_, arena, sink);
        return;
    }
  }
}

void EventDecoder::tell(std::string_view json, std::string_view raw, int64_t position, Arena& arena,
                        DecodedSink& sink) {
  if (has_envelope(form_)) return tell_envelope(json, raw, position, arena, sink);
  tell_event(json, raw, {}, position, arena, sink);
}

void EventDecoder::tell_envelope(std::string_view json, std::string_view raw, int64_t position,
                                 Arena& arena, DecodedSink& sink) {
  std::string_view data;
  EnvelopeDefaults defaults;
  if (!envelope_.read(json, arena, data, defaults, rejection_)) {
    return tell_rejection(raw, position, rejection_, arena, sink);
  }
  tell_event(data, raw, defaults, position, arena, sink);
}

void EventDecoder::tell_event(std::string_view json, std::string_view raw,
                              const EnvelopeDefaults& defaults, int64_t position, Arena& arena,
                              DecodedSink& sink) {
  Decoded told;
  if (!reader_.read(json, defaults, arena, told.event, rejection_)) [[unlikely]] {
    return tell_rejection(raw, position, rejection_, arena, sink);
  }
  told.verdict = Verdict::kEvent;
  told.position = position;
  told.raw = raw;
  sink.on_record(told);
}

void RefusingDecoder::decode(std::string_view bytes, int64_t first_position, Arena& arena,
                             DecodedSink& sink) {
  tell_rejection(bytes, first_position, rejection_, arena, sink);
}

}  // namespace tocsin::ingest
