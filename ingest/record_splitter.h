#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tocsin::ingest {

enum class Framing : uint8_t {
  kLines,   // a record ends at a line feed
  kQuoted,  // CSV: not at one inside double quotes
};

// Longer records are cut at their first line feed, so that one stray quote cannot swallow a file.
inline constexpr size_t kMaxRecordBytes = 1024 * 1024;

// Length of the first record of `bytes` with its line feed; nullopt when its end is not there yet.
// `bytes` begins at a record.
std::optional<size_t> first_record(std::string_view bytes, Framing framing);

// The whole records at the front of `bytes`: how long they are together, and how many.
struct WholeRecords {
  size_t bytes = 0;
  int64_t records = 0;
};
WholeRecords whole_records(std::string_view bytes, Framing framing);

}  // namespace tocsin::ingest
