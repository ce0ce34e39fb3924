#pragma once

#include <array>
#include <cstdint>

// What journal_record_writer.cc writes and journal_record_reader.cc reads. Part of the persistent
// format: do not renumber. README.md, "A record".
namespace tocsin::storage::record {

// First two bytes of a record: which parts follow.
enum Flag : uint16_t {
  kControl = 1 << 0,
  kRev = 1 << 1,
  kValue = 1 << 2,
  kConfidence = 1 << 3,
  kPosition = 1 << 4,
  kTimeEnd = 1 << 5,
  kActors = 1 << 6,
  kTags = 1 << 7,
  kAttrs = 1 << 8,
  kPartition = 1 << 9,
  kErased = 1 << 10,  // alone
  kPlacedAfter = 1 << 11,
};
inline constexpr uint16_t kAllFlags = 0xFFF;

enum class AttrTag : uint8_t { kNull = 0, kFalse = 1, kTrue = 2, kInt = 3, kDouble = 4, kText = 5 };

// A double that is a decimal with up to six places is told as that number times 10^k; one that is
// not, by its eight bytes after kRawDouble. Low three bits of a varint: k.
inline constexpr int kMaxDecimals = 6;
inline constexpr uint64_t kRawDouble = 7;
inline constexpr std::array<double, kMaxDecimals + 1> kPowersOfTen{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};

}  // namespace tocsin::storage::record
