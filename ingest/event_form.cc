#include "ingest/event_form.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>

#include <algorithm>
#include <string>

#include "ingest/as_absl.h"
#include "ingest/json_array.h"

namespace tocsin::ingest {
namespace {

// The type without parameters, in lower case.
std::string media_type(std::string_view content_type) {
  const std::string_view bare = content_type.substr(0, content_type.find(';'));
  return absl::AsciiStrToLower(absl::StripAsciiWhitespace(as_absl(bare)));
}

}  // namespace

std::string_view header_value(std::span<const Header> headers, std::string_view name) {
  for (const Header& header : headers) {
    if (absl::EqualsIgnoreCase(as_absl(header.first), as_absl(name))) {
      const absl::string_view value = absl::StripAsciiWhitespace(as_absl(header.second));
      return {value.data(), value.size()};
    }
  }
  return {};
}

SaidForm said_form(std::span<const Header> headers, std::string_view bytes) {
  const std::string type = media_type(header_value(headers, "content-type"));
  if (type.starts_with("application/cloudevents")) {
    if (type == "application/cloudevents+json") {
      return {SaidBy::kContentType, EventForm::kEnvelope};
    }
    if (type == "application/cloudevents-batch+json") {
      return {SaidBy::kContentType, EventForm::kEnvelopeArray};
    }
    return {SaidBy::kOtherCloud};
  }
  if (is_binary_cloud_event(headers)) return {SaidBy::kAttributes, EventForm::kEnvelope};
  if (type.empty()) return {};
  if (type == "application/json") return {SaidBy::kContentType, json_form(bytes)};
  if (type == "application/x-ndjson" || type == "application/ndjson" ||
      type == "application/jsonl" || type == "application/x-jsonlines") {
    return {SaidBy::kContentType, EventForm::kLines};
  }
  return {SaidBy::kOther};
}

EventForm json_form(std::string_view bytes) {
  const size_t first = bytes.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  const bool is_array = first != std::string_view::npos && bytes[first] == '[';
  return is_array ? EventForm::kArray : EventForm::kSingle;
}

size_t count_records(EventForm form, std::string_view bytes, size_t most) {
  switch (form) {
    case EventForm::kSingle:
    case EventForm::kEnvelope:
      return 1;
    case EventForm::kLines: {
      if (bytes.empty()) return 0;
      const auto line_ends = static_cast<size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
      return line_ends + (bytes.back() == '\n' ? 0 : 1);
    }
    case EventForm::kArray:
    case EventForm::kEnvelopeArray:
      if (json_form(bytes) != EventForm::kArray) return 1;
      break;
  }
  JsonArrayScanner scanner(bytes.substr(std::min(bytes.find('['), bytes.size())));
  std::string_view element;
  std::string_view problem;
  size_t count = 0;
  while (count <= most && scanner.next(element, problem) == JsonArrayScanner::Step::kElement) {
    ++count;
  }
  return count;
}

}  // namespace tocsin::ingest
