#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "ingest/cloudevents.h"
#include "ingest/event_decoder.h"
#include "tests/ingest/small_catalogue.h"

namespace {

using tocsin::Arena;
using tocsin::ingest::Decoded;
using tocsin::ingest::Verdict;

// Every rejection has a reason and a message, and every event keeps the format's promises.
class CheckingSink final : public tocsin::ingest::DecodedSink {
 public:
  void on_record(const Decoded& record) override {
    if (record.verdict == Verdict::kReject && (record.reason.empty() || record.message.empty())) {
      std::abort();
    }
    if (record.verdict != Verdict::kEvent) return;
    const tocsin::Event& event = record.event;
    if (event.id.empty() || event.id.size() > tocsin::kMaxIdBytes ||
        event.attrs.size() > tocsin::kMaxAttrs || event.time_end < event.time) {
      std::abort();
    }
  }
};

}  // namespace

// The first byte chooses the decoder, the rest are its bytes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static const auto symbols = tocsin::ingest::small_symbols();
  static tocsin::ingest::NdjsonDecoder lines(symbols);
  static tocsin::ingest::MessageDecoder message(symbols);
  static tocsin::ingest::JsonArrayDecoder array(symbols);
  static tocsin::ingest::CloudEventsDecoder cloud(symbols,
                                                  tocsin::ingest::CloudEventsForm::kSingle);
  static tocsin::ingest::CloudEventsDecoder batch(symbols, tocsin::ingest::CloudEventsForm::kBatch);
  tocsin::ingest::RecordDecoder* const decoders[] = {&lines, &message, &array, &cloud, &batch};
  // An allocation of exactly the promised size, so that the sanitizer sees a read too far.
  const size_t length = size - 1;
  const std::unique_ptr<char[]> bytes(new char[length + tocsin::ingest::kPadding]());
  for (size_t i = 0; i < length; ++i) bytes[i] = static_cast<char>(data[i + 1]);
  Arena arena(16 * 1024);
  CheckingSink sink;
  decoders[data[0] % 5]->decode({bytes.get(), length}, 0, arena, sink);
  return 0;
}
