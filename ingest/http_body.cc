#include "ingest/http_body.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "ingest/as_absl.h"
#include "ingest/event_decoder.h"
#include "ingest/event_form.h"

namespace tocsin::ingest {
namespace {

// Parameters other than a charset of UTF-8 change nothing that we read.
bool is_other_charset(std::string_view content_type) {
  const std::string lower = absl::AsciiStrToLower(as_absl(content_type));
  const size_t at = lower.find("charset=");
  if (at == std::string::npos) return false;
  const std::string_view charset = std::string_view(lower).substr(at + 8);
  return !charset.starts_with("utf-8") && !charset.starts_with("\"utf-8\"");
}

std::optional<Compression> compression_of(std::string_view encoding) {
  const std::string lower = absl::AsciiStrToLower(as_absl(encoding));
  if (lower == "gzip" || lower == "x-gzip") return Compression::kGzip;
  if (lower == "zstd") return Compression::kZstd;
  return std::nullopt;
}

bool is_identity(std::string_view encoding) {
  return encoding.empty() || absl::EqualsIgnoreCase(as_absl(encoding), "identity");
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
  const std::string_view encoding = header_value(headers, "content-encoding");
  const auto compression = compression_of(encoding);
  if (!compression && !is_identity(encoding)) {
    return BodyRefusal{415, fmt::format("Content-Encoding {} cannot be read; send gzip, zstd or "
                                        "identity",
                                        in_quotes(encoding))};
  }
  const std::string_view content_type = header_value(headers, "content-type");
  if (is_other_charset(content_type)) {
    return BodyRefusal{415,
                       fmt::format("Content-Type {}: only UTF-8 is read", in_quotes(content_type))};
  }
  std::variant<ReadableBody, BodyRefusal> result;
  ReadableBody& readable = std::get<ReadableBody>(result);
  if (compression) {
    Inflated inflated = inflate_all(body, *compression, limits.inflate);
    if (!inflated.ok) return refusal_of(inflated.error, encoding, limits);
    readable.bytes = std::move(inflated.bytes);
  } else if (body.size() > limits.inflate.max_bytes) {
    return refusal_of(InflateError::kTooLarge, encoding, limits);
  } else {
    readable.bytes = std::move(body);
  }
  SaidForm said = said_form(headers, readable.bytes);
  switch (said.by) {
    case SaidBy::kContentType:
      break;
    case SaidBy::kNothing:
      said.form = EventForm::kLines;
      break;
    case SaidBy::kAttributes:
      readable.bytes = structured_from_binary(headers, HeaderCoding::kPercent, readable.bytes);
      break;
    case SaidBy::kOther:
    case SaidBy::kOtherCloud:
      return BodyRefusal{415,
                         fmt::format("Content-Type {} cannot be read; send application/x-ndjson, "
                                     "application/json, application/cloudevents+json or "
                                     "application/cloudevents-batch+json",
                                     in_quotes(content_type))};
  }
  // Before any of them is looked at. A record has at least one byte.
  if (readable.bytes.size() > limits.max_records &&
      count_records(said.form, readable.bytes, limits.max_records) > limits.max_records) {
    return BodyRefusal{413, fmt::format("the body has more than {} records; send it in parts of at "
                                        "most so many",
                                        limits.max_records)};
  }
  readable.decoder = std::make_shared<EventDecoder>(symbols, said.form);
  readable.size = readable.bytes.size();
  readable.bytes.reserve(readable.size + kPadding);
  return result;
}

}  // namespace tocsin::ingest
