#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "bytes_as_file.h"
#include "daemon/http/access.h"
#include "ingest/file_position.h"
#include "rules/cel/clock.h"
#include "rules/model/check.h"
#include "rules/model/hash.h"
#include "rules/model/time.h"

namespace tocsin {
namespace {

void read_time(std::string_view text) {
  if (const auto time = parse_time(text)) {
    const auto again = parse_time(format_time(*time));
    TOCSIN_CHECK(again && *again == *time);
    TOCSIN_CHECK(parse_time(format_date(*time)).has_value());
  }
  if (const auto span = parse_span(text)) {
    const auto again = parse_span(format_span(*span));
    TOCSIN_CHECK(again && *again == *span);
    TOCSIN_CHECK(shortest(*span) <= longest(*span));
    const EventTime from = *parse_time("2011-02-28T23:00:00Z");
    TOCSIN_CHECK(add(from, *span) - from <= longest(*span));
    TOCSIN_CHECK(from - subtract(from, *span) <= longest(*span));
    TOCSIN_CHECK(!format_duration(longest(*span)).empty());
  }
}

void read_cel_time(std::string_view text) {
  if (const auto time = cel::parse_timestamp(text)) {
    const auto again = cel::parse_timestamp(cel::format_timestamp(*time));
    TOCSIN_CHECK(again && cel::format_timestamp(*again) == cel::format_timestamp(*time));
  }
  if (const auto duration = cel::parse_duration(text)) {
    const auto again = cel::parse_duration(cel::format_duration(*duration));
    TOCSIN_CHECK(again && cel::format_duration(*again) == cel::format_duration(*duration));
  }
  if (const auto zone = cel::find_zone(text)) {
    for (const int64_t at : {cel::kMinSeconds, int64_t{0}, cel::kMaxSeconds}) {
      cel::utc_of(cel::local_of(at, *zone), *zone);
    }
  }
}

void read_position(std::string_view text) {
  if (const auto position = ingest::parse_file_position(text)) {
    const auto again = ingest::parse_file_position(ingest::to_text(*position));
    TOCSIN_CHECK(again && ingest::to_text(*again) == ingest::to_text(*position));
  }
  Hash128 hash;
  if (from_hex(text, hash)) TOCSIN_CHECK(to_hex(hash) == text);
}

void read_tokens(std::string_view text) {
  const BytesAsFile file(text);
  const auto tokens = daemon::http::read_tokens(file.path());
  if (!tokens) {
    TOCSIN_CHECK(!tokens.error().message.empty());
    return;
  }
  TOCSIN_CHECK(!tokens->empty());
  for (const std::string& token : *tokens) TOCSIN_CHECK(token.size() >= 16);
}

}  // namespace
}  // namespace tocsin

// Any bytes as one of the small texts: a time, a span, a zone, a position, an id, a tokens file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  tocsin::read_time(text);
  tocsin::read_cel_time(text);
  tocsin::read_position(text);
  tocsin::read_tokens(text);
  return 0;
}
