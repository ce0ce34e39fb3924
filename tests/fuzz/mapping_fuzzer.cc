#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "checking_sink.h"
#include "ingest/mapping_decoder.h"
#include "padded_bytes.h"
#include "rules/load/catalogue_loader.h"
#include "rules/model/check.h"
#include "tests/ingest/small_catalogue.h"

namespace {

using namespace tocsin;
using namespace tocsin::ingest;
using Mapping = std::shared_ptr<const SourceMapping>;
using Names = std::shared_ptr<const CurrentSymbols>;

constexpr std::array kShipped{
    "gdelt2",   "mass-mobilization", "ucdp-ged-sample",  "ucdp-ged-syria", "ucdp-ged-text",
    "ucdp-ged", "unhcr-flows",       "unhcr-population", "vdem",           "wgi"};

Names shipped_symbols() {
  const std::string folder = TOCSIN_SOURCE_DIR "/rules/catalogue/";
  Diagnostics diagnostics;
  auto catalogue = rules::load_catalogue(
      {folder + "indicators.yaml", folder + "sources.yaml", folder + "regions.yaml"}, diagnostics);
  TOCSIN_CHECK(catalogue != nullptr);
  return std::make_shared<CurrentSymbols>(std::move(catalogue));
}

Mapping shipped_mapping(size_t number, const Names& symbols) {
  static std::array<Mapping, kShipped.size()> loaded;
  Mapping& mapping = loaded.at(number);
  if (mapping != nullptr) return mapping;
  Diagnostics diagnostics;
  mapping = load_mapping(
      TOCSIN_SOURCE_DIR "/ingest/mappings/" + std::string(kShipped.at(number)) + ".yaml",
      &symbols->get()->catalogue(), diagnostics);
  TOCSIN_CHECK(mapping != nullptr);
  return mapping;
}

// Each row ends in exactly one way.
void decode(const Mapping& mapping, const Names& symbols, std::string_view table) {
  MappingDecoder decoder(mapping, symbols);
  const PaddedBytes bytes(table);
  Arena arena(16 * 1024);
  CheckingSink sink;
  decoder.decode(bytes.view(), 0, arena, sink);
  const MappingCounts& counts = decoder.counts();
  TOCSIN_CHECK(counts.rows == counts.rows_with_events + counts.rows_skipped + counts.rows_rejected);
}

}  // namespace

// `0` to `9` and a table for that one of the shipped mappings; or `y`, a mapping, and behind a line
// of its own that says `%%` a table for it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] != 'y') {
    static const Names symbols = shipped_symbols();
    const size_t shipped = (data[0] + kShipped.size() - '0' % kShipped.size()) % kShipped.size();
    decode(shipped_mapping(shipped, symbols), symbols, text);
    return 0;
  }
  static const Names symbols = small_symbols();
  const size_t end = text.find("\n%%\n");
  Diagnostics diagnostics;
  const Mapping mapping =
      parse_mapping(text.substr(0, end), "mapping.yaml", &symbols->get()->catalogue(), diagnostics);
  TOCSIN_CHECK((mapping == nullptr) == diagnostics.has_errors());
  for (const Diagnostic& d : diagnostics.all()) {
    TOCSIN_CHECK(d.place.file == "mapping.yaml" && d.place.line >= 1 && !d.message.empty());
  }
  if (mapping != nullptr && end != text.npos) decode(mapping, symbols, text.substr(end + 4));
  return 0;
}
