#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "storage/journal_writer.h"

namespace tocsin::storage {

// Writes a chunk anew without the content of some of its events.
//
// Every record keeps its number; of an erased event ErasedEvent is left, and its id among the ids
// of the chunk, with its time rounded up to the end of the day: dedupe goes on, nothing else does.
// Texts that only erased events had are gone from the chunk's tables too.
// Thread-safety: one thread at a time.
class ChunkEraser {
 public:
  ChunkEraser(Compression compression, int level);

  struct Rewritten {
    std::string chunk;
    std::string ids;  // blob; empty when none was handed in
    EventTime newest_id = kMinEventTime;
    uint64_t erased = 0;               // events that were whole before
    EventTime before = kMinEventTime;  // the end of the newest day of one
  };
  // nullopt when no event in it is marked so and whole. `ids`: the blob of the chunk's ids, where
  // retention has left it. Fails as reading the chunk does.
  Result<std::optional<Rewritten>> erase(JournalSeq key, std::string_view chunk,
                                         const std::optional<std::string>& ids,
                                         const std::function<bool(Tlp)>& is_due);

 private:
  Result<bool> has_due(const JournalChunk& chunk, const std::function<bool(Tlp)>& is_due);
  static Result<std::string> rewrite_ids(JournalSeq key, std::string_view blob,
                                         const std::vector<std::optional<EventTime>>& erased,
                                         EventTime& newest);

  JournalWriter writer_;
  Arena arena_;
};

}  // namespace tocsin::storage
