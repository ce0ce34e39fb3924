#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::ingest {

// How far a file has been read; its text is part of the persistent format.
struct FilePosition {
  uint64_t inode = 0;
  uint64_t offset = 0;  // of the first byte not yet read
  int64_t record = 1;   // number of the record that begins there
  std::string prefix;   // hash of the first `prefix_bytes` of the file
  uint64_t prefix_bytes = 0;
};

// "12345:4096:17:1024:9f…"
std::string to_text(const FilePosition& position);
std::optional<FilePosition> parse_file_position(std::string_view text);

// At most so many bytes of a file's beginning tell it from another.
inline constexpr uint64_t kPrefixBytes = 1024;

}  // namespace tocsin::ingest
