#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tocsin::ingest {

// What ends a record: a line feed; in CSV not one inside a quoted cell.
//
// Only quotes that stand where CSV has them count: one inside an unquoted cell, or text behind a
// closing one, makes the record end at its first line feed. So does a quote that is not closed
// within kMaxRecordBytes, or at all. A stray quote then costs its own line and no other, and
// whoever cuts the same bytes anywhere between records finds the same ones.
struct Framing {
  bool has_quotes = false;
  char delimiter = ',';  // of cells; looked at when has_quotes
};

inline constexpr size_t kMaxRecordBytes = size_t{1} << 20;

// Length of the first record of `bytes` with its line feed; nullopt when its end is not there yet.
// `bytes` begins at a record.
std::optional<size_t> first_record(std::string_view bytes, Framing framing);

// The same where nothing follows `bytes`, which is not empty: the last record may lack its line
// feed, and a quote that is still open will not be closed.
size_t first_record_at_end(std::string_view bytes, Framing framing);

// The records at the front of `bytes`, at most `most`: how long they are together, and how many.
struct WholeRecords {
  size_t bytes = 0;
  int64_t records = 0;
};
WholeRecords whole_records(std::string_view bytes, Framing framing, int64_t most = INT64_MAX);
WholeRecords whole_records_at_end(std::string_view bytes, Framing framing,
                                  int64_t most = INT64_MAX);

// Some programs put a byte order mark before UTF-8; it means nothing there.
inline std::string_view without_mark(std::string_view text) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  return text.starts_with(kMark) ? text.substr(kMark.size()) : text;
}

}  // namespace tocsin::ingest
