#include "ingest/http_body.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "ingest/event_decoder.h"
#include "ingest/json_array.h"

namespace tocsin::ingest {
namespace {

absl::string_view as_absl(std::string_view text) { return {text.data(), text.size()}; }

std::string_view header_value(std::span<const Header> headers, std::string_view name) {
  for (const Header& header : headers) {
    if (absl::EqualsIgnoreCase(as_absl(header.first), as_absl(name))) {
      const absl::string_view value = absl::StripAsciiWhitespace(as_absl(header.second));
      return {value.data(), value.size()};
    }
  }
  return {};
}

// The type without parameters, in lower case.
std::string media_type(std::string_view content_type) {
  const std::string_view bare = content_type.substr(0, content_type.find(';'));
  return absl::AsciiStrToLower(absl::StripAsciiWhitespace(as_absl(bare)));
}

// Parameters other than a charset of UTF-8 change nothing that we read.
bool is_other_charset(std::string_view content_type) {
  const std::string lower = absl::AsciiStrToLower(as_absl(content_type));
  const size_t at = lower.find("charset=");
  if (at == std::string::npos) return false;
  const std::string_view charset = std::string_view(lower).substr(at + 8);
  return !charset.starts_with("utf-8") && !charset.starts_with("\"utf-8\"");
}

std::optional<Encoding> encoding_of(std::string_view word) {
  const std::string lower = absl::AsciiStrToLower(as_absl(word));
  if (lower.empty() || lower == "identity") return Encoding::kIdentity;
  if (lower == "gzip" || lower == "x-gzip") return Encoding::kGzip;
  if (lower == "zstd") return Encoding::kZstd;
  return std::nullopt;
}

bool is_array(std::string_view bytes) {
  const size_t first = bytes.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  return first != std::string_view::npos && bytes[first] == '[';
}

std::shared_ptr<RecordDecoder> decoder_of(std::string_view type, std::string_view bytes,
                                          const std::shared_ptr<const CurrentSymbols>& symbols) {
  if (type.empty() || type == "application/x-ndjson" || type == "application/ndjson" ||
      type == "application/jsonl" || type == "application/x-jsonlines") {
    return std::make_shared<NdjsonDecoder>(symbols);
  }
  if (type == "application/json") {
    if (is_array(bytes)) return std::make_shared<JsonArrayDecoder>(symbols);
    return std::make_shared<MessageDecoder>(symbols);
  }
  if (type == "application/cloudevents+json") {
    return std::make_shared<CloudEventsDecoder>(symbols, CloudEventsForm::kSingle);
  }
  if (type == "application/cloudevents-batch+json") {
    return std::make_shared<CloudEventsDecoder>(symbols, CloudEventsForm::kBatch);
  }
  return nullptr;
}

// Whether an array has more than `limit` elements; where it is broken, those before count.
bool has_more_elements(std::string_view array, size_t limit) {
  JsonArrayScanner scanner(array.substr(std::min(array.find('['), array.size())));
  std::string_view element;
  std::string_view problem;
  size_t count = 0;
  while (count <= limit && scanner.next(element, problem) == JsonArrayScanner::Step::kElement) {
    ++count;
  }
  return count > limit;
}

// Whether the body holds more than `limit` records, before any of them is looked at.
bool has_more_records(std::string_view type, std::string_view bytes, size_t limit) {
  if (bytes.size() <= limit) return false;
  if (type == "application/json" || type == "application/cloudevents-batch+json") {
    return is_array(bytes) && has_more_elements(bytes, limit);
  }
  if (type == "application/cloudevents+json") return false;
  const auto line_ends = static_cast<size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
  return line_ends + (bytes.back() == '\n' ? 0 : 1) > limit;
}

BodyRefusal refusal_of(InflateError error, std::string_view encoding, const BodyLimits& limits) {
  switch (error) {
    case InflateError::kTooLarge:
      return {413, fmt::format("the body is larger than {} bytes; send it in parts",
                               limits.inflate.max_bytes)};
    case InflateError::kRatio:
      return {413, fmt::format("the body grows more than {} times when unpacked; send it in parts "
                               "or uncompressed",
                               limits.inflate.max_ratio)};
    case InflateError::kDamaged:
      break;
  }
  return {400, fmt::format("the body is not whole {} data; send it again", encoding)};
}

}  // namespace

std::variant<ReadableBody, BodyRefusal> read_http_body(
    std::span<const Header> headers, std::string body,
    const std::shared_ptr<const CurrentSymbols>& symbols, const BodyLimits& limits) {
  const std::string_view encoding_word = header_value(headers, "content-encoding");
  const auto encoding = encoding_of(encoding_word);
  if (!encoding) {
    return BodyRefusal{415, fmt::format("Content-Encoding {} cannot be read; send gzip, zstd or "
                                        "identity",
                                        in_quotes(encoding_word))};
  }
  const std::string_view content_type = header_value(headers, "content-type");
  if (is_other_charset(content_type)) {
    return BodyRefusal{415,
                       fmt::format("Content-Type {}: only UTF-8 is read", in_quotes(content_type))};
  }
  std::variant<ReadableBody, BodyRefusal> result;
  ReadableBody& readable = std::get<ReadableBody>(result);
  if (*encoding == Encoding::kIdentity) {
    if (body.size() > limits.inflate.max_bytes) {
      return refusal_of(InflateError::kTooLarge, encoding_word, limits);
    }
    readable.bytes = std::move(body);
  } else {
    Inflated inflated = inflate_all(body, *encoding, limits.inflate);
    if (!inflated.ok) return refusal_of(inflated.error, encoding_word, limits);
    readable.bytes = std::move(inflated.bytes);
  }
  const std::string written_type = media_type(content_type);
  std::string_view type = written_type;
  const bool structured = type.starts_with("application/cloudevents");
  if (!structured && is_binary_cloud_event(headers)) {
    readable.bytes = structured_from_binary(headers, HeaderCoding::kPercent, readable.bytes);
    type = "application/cloudevents+json";
  }
  readable.decoder = decoder_of(type, readable.bytes, symbols);
  if (readable.decoder == nullptr) {
    return BodyRefusal{415,
                       fmt::format("Content-Type {} cannot be read; send application/x-ndjson, "
                                   "application/json, application/cloudevents+json or "
                                   "application/cloudevents-batch+json",
                                   in_quotes(content_type))};
  }
  if (has_more_records(type, readable.bytes, limits.max_records)) {
    return BodyRefusal{413, fmt::format("the body has more than {} records; send it in parts of at "
                                        "most so many",
                                        limits.max_records)};
  }
  readable.size = readable.bytes.size();
  readable.bytes.reserve(readable.size + kPadding);
  return result;
}

}  // namespace tocsin::ingest
