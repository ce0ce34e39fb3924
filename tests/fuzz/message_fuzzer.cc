#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "checking_sink.h"
#include "ingest/kafka_message.h"
#include "padded_bytes.h"
#include "rules/model/check.h"
#include "take_headers.h"
#include "tests/ingest/small_catalogue.h"

// A message of Kafka: `m` for an input with a mapping, else any other letter; lines of `Name:
// value` for its headers, an empty line, the payload.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tocsin::ingest;
  if (size == 0) return 0;
  static const std::shared_ptr<const CurrentSymbols> symbols = small_symbols();
  MessageReader reader(symbols, /*has_mapping=*/data[0] == 'm');
  std::string_view payload(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::vector<Header> headers = take_headers(payload);

  std::string batch = "before\n";  // another message
  const size_t begin = batch.size();
  const auto read = reader.append(headers, payload, batch);
  TOCSIN_CHECK(batch.starts_with("before\n") && read.records <= kMaxMessageRecords);
  if (read.decoder == nullptr) {
    TOCSIN_CHECK(data[0] == 'm' && std::string_view(batch).substr(begin) == payload);
    return 0;
  }
  const PaddedBytes bytes(std::string_view(batch).substr(begin));
  tocsin::Arena arena(16 * 1024);
  CheckingSink sink;
  read.decoder->decode(bytes.view(), 7, arena, sink);
  // No more than it was said to hold, but for one that tells where an array breaks off.
  TOCSIN_CHECK(sink.records() <= read.records + 1);
  if (payload.empty()) TOCSIN_CHECK(sink.records() == 1);
  return 0;
}
