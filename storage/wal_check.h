#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rules/model/result.h"
#include "storage/torn_log.h"

namespace tocsin::storage {

// Tells damage in RocksDB's write-ahead log from the torn end that a crash leaves.
//
// RocksDB replays a log up to the first place that it cannot read. After a crash in the middle of a
// write that is right: the write was never acknowledged. After a flipped byte it would silently
// forget acknowledged commits. The log's layout (32 KiB blocks of fragments, each with checksum,
// length and type) lets the two be told apart: a torn write has nothing behind it and is cut off or
// has a hole of zeros; anything else is damage.
enum class WalEnd : uint8_t { kClean, kTorn, kDamaged };

struct WalVerdict {
  WalEnd end = WalEnd::kClean;
  uint64_t offset = 0;  // of the first bytes that cannot be read
};

// Judges the bytes of one log. `synced`: each write was on the disk before the next began, so that
// a hole with a later write behind it is damage too.
WalVerdict judge_wal(std::string_view log, bool synced);

// Paths of the logs in a data folder, sorted.
Result<std::vector<std::string>> wal_files(const std::string& folder);

// Judges every log of a data folder, which no other process may be writing to; gives those whose
// end is torn. kCorrupt with file and offset when one is damaged, kUnavailable when one cannot be
// read.
Result<std::vector<TornLog>> check_wal(const std::string& folder, bool synced);

}  // namespace tocsin::storage
