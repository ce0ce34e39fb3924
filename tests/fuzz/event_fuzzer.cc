#include <cstddef>
#include <cstdint>

#include "checking_sink.h"
#include "ingest/cloudevents.h"
#include "ingest/event_decoder.h"
#include "padded_bytes.h"
#include "tests/ingest/small_catalogue.h"

// The first byte chooses the decoder, the rest are its bytes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tocsin::ingest;
  if (size == 0) return 0;
  static const auto symbols = small_symbols();
  static EventDecoder lines(symbols, EventForm::kLines);
  static EventDecoder message(symbols, EventForm::kSingle);
  static EventDecoder array(symbols, EventForm::kArray);
  static EventDecoder cloud(symbols, EventForm::kEnvelope);
  static EventDecoder batch(symbols, EventForm::kEnvelopeArray);
  RecordDecoder* const decoders[] = {&lines, &message, &array, &cloud, &batch};
  const PaddedBytes bytes({reinterpret_cast<const char*>(data) + 1, size - 1});
  tocsin::Arena arena(16 * 1024);
  CheckingSink sink;
  decoders[data[0] % 5]->decode(bytes.view(), 0, arena, sink);
  return 0;
}
