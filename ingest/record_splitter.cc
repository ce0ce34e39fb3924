#include "ingest/record_splitter.h"

#include <algorithm>
#include <cstring>

namespace tocsin::ingest {
namespace {

size_t find_from(std::string_view bytes, size_t from, char wanted) {
  const void* const found = std::memchr(bytes.data() + from, wanted, bytes.size() - from);
  return found == nullptr ? std::string_view::npos
                          : static_cast<size_t>(static_cast<const char*>(found) - bytes.data());
}

}  // namespace

// In well-formed CSV a line feed ends a row exactly when an even number of quotes came before it.
std::optional<size_t> first_record(std::string_view bytes, Framing framing) {
  if (bytes.empty()) return std::nullopt;
  const size_t first_end = find_from(bytes, 0, '\n');
  if (first_end == std::string_view::npos) return std::nullopt;
  if (framing == Framing::kLines) return first_end + 1;
  size_t end = first_end;
  size_t counted = 0;
  bool inside = false;
  while (true) {
    for (size_t quote = find_from(bytes.substr(0, end), counted, '"');
         quote != std::string_view::npos; quote = find_from(bytes.substr(0, end), quote + 1, '"')) {
      inside = !inside;
    }
    if (!inside) return end + 1;
    if (end >= kMaxRecordBytes) return first_end + 1;
    counted = end;
    end = find_from(bytes, end + 1, '\n');
    if (end == std::string_view::npos) {
      if (bytes.size() >= kMaxRecordBytes) return first_end + 1;
      return std::nullopt;
    }
  }
}

WholeRecords whole_records(std::string_view bytes, Framing framing) {
  WholeRecords whole;
  while (const auto length = first_record(bytes.substr(whole.bytes), framing)) {
    whole.bytes += *length;
    ++whole.records;
  }
  return whole;
}

}  // namespace tocsin::ingest
