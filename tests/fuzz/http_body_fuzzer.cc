#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "checking_sink.h"
#include "ingest/http_body.h"
#include "padded_bytes.h"
#include "rules/model/check.h"
#include "take_headers.h"
#include "tests/ingest/small_catalogue.h"

// A request as on the wire: lines of `Name: value`, an empty line, the body.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tocsin::ingest;
  static const std::shared_ptr<const CurrentSymbols> symbols = small_symbols();
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<Header> headers = take_headers(text);
  BodyLimits limits;
  limits.inflate = {.max_bytes = 256 * 1024, .max_ratio = 200, .free_bytes = 16 * 1024};
  auto result = read_http_body(headers, std::string(text), symbols, limits);
  if (const auto* refusal = std::get_if<BodyRefusal>(&result)) {
    TOCSIN_CHECK(refusal->status == 400 || refusal->status == 413 || refusal->status == 415);
    TOCSIN_CHECK(!refusal->message.empty());
    return 0;
  }
  const ReadableBody& body = std::get<ReadableBody>(result);
  TOCSIN_CHECK(body.size <= body.bytes.size() && body.bytes.capacity() >= body.size + kPadding);
  const PaddedBytes bytes(std::string_view(body.bytes).substr(0, body.size));
  tocsin::Arena arena(16 * 1024);
  CheckingSink sink;
  body.decoder->decode(bytes.view(), 1, arena, sink);
  return 0;
}
