#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bytes_as_file.h"
#include "checking_sink.h"
#include "ingest/event_decoder.h"
#include "ingest/file_source.h"
#include "rules/model/check.h"
#include "tests/ingest/small_catalogue.h"

namespace tocsin::ingest {
namespace {

struct Batch {
  std::string bytes;
  int64_t first_position = 0;
  std::string next_position;
};

// All batches of a one-shot file, read from a stored position.
std::vector<Batch> read(const std::string& path, Framing framing, size_t chunk_bytes,
                        std::optional<std::string> position) {
  static const auto symbols = small_symbols();
  FileSourceOptions options;
  options.name = "desk";
  options.path = path;
  options.framing = framing;
  options.chunk_bytes = chunk_bytes;
  options.make_decoder = [](std::string_view) {
    return std::make_shared<EventDecoder>(symbols, EventForm::kLines);
  };
  FileSource source(std::move(options));
  BatchQueue queue(size_t{1} << 30);
  TOCSIN_CHECK(source.start(queue, [&](std::string_view) { return position; }));
  std::vector<Batch> batches;
  for (bool ended = false; !ended;) {
    auto batch = queue.pop_until(std::chrono::steady_clock::now() + std::chrono::seconds(5));
    TOCSIN_CHECK(batch && batch->size <= batch->bytes.size());
    TOCSIN_CHECK(batch->bytes.capacity() >= batch->size + kPadding);
    ended = batch->end_of_stream;
    Arena arena(16 * 1024);
    CheckingSink sink;
    const std::string_view records = std::string_view(batch->bytes).substr(0, batch->size);
    batch->decoder->decode(records, batch->first_position, arena, sink);
    batches.push_back({std::string(records), batch->first_position, batch->next_position});
  }
  source.stop();
  TOCSIN_CHECK(source.health().finished && !source.health().failed);
  return batches;
}

std::string joined(const std::vector<Batch>& batches, size_t from = 0) {
  std::string bytes;
  for (size_t i = from; i < batches.size(); ++i) bytes += batches[i].bytes;
  return bytes;
}

}  // namespace
}  // namespace tocsin::ingest

// A file that is read once: a byte for its framing, one for how much is read at a time, a stored
// position on a line of its own, the file's bytes. Whatever the size of the pieces, all bytes are
// handed on once and in order, and who goes on where a batch ended gets the rest, under the same
// numbers.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tocsin::ingest;
  constexpr size_t kLongest = 4096;
  if (size < 2 || size > kLongest) return 0;
  const Framing framing{.has_quotes = data[0] % 2 == 1, .delimiter = data[0] % 4 < 2 ? ',' : '\t'};
  const size_t chunk_bytes = 16 + data[1];
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const size_t line_end = text.find('\n');
  if (line_end == text.npos) return 0;
  const std::string_view bytes = text.substr(line_end + 1);
  const tocsin::BytesAsFile file(bytes);

  const auto whole = read(file.path(), framing, size_t{1} << 20, {});
  const auto pieces = read(file.path(), framing, chunk_bytes, {});
  TOCSIN_CHECK(joined(whole) == bytes && joined(pieces) == bytes);
  const size_t middle = pieces.size() / 2;
  const auto rest = read(file.path(), framing, chunk_bytes, pieces[middle].next_position);
  TOCSIN_CHECK(joined(rest) == joined(pieces, middle + 1));
  if (middle + 1 < pieces.size() && !pieces[middle + 1].bytes.empty()) {
    TOCSIN_CHECK(rest.front().first_position == pieces[middle + 1].first_position);
  }
  // A position that is none is no beginning in the middle of a record.
  const std::string read_from =
      joined(read(file.path(), framing, chunk_bytes, std::string(text.substr(0, line_end))));
  TOCSIN_CHECK(bytes.ends_with(read_from));
  return 0;
}
