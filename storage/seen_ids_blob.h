#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "rules/model/event.h"
#include "rules/model/hash.h"
#include "rules/model/result.h"
#include "storage/bytes.h"
#include "storage/store.h"

namespace tocsin::storage {

// The ids of one chunk's events, for rebuilding the dedupe index without unpacking the journal
// (README.md, "ids"). Ids compress to nothing, so the blob is not packed.
// Thread-safety: one thread at a time.
class SeenIdsWriter {
 public:
  void clear();
  void add(Hash128 key, uint32_t rev, EventTime time);
  size_t count() const { return count_; }
  EventTime newest() const { return newest_; }
  // Writes the blob of all that was added.
  void finish(ByteBuffer& to) const;

 private:
  ByteBuffer keys_;
  ByteBuffer rest_;
  uint32_t count_ = 0;
  int64_t last_time_ = 0;
  EventTime newest_ = kMinEventTime;
};

// Calls for each id with time >= since. kCorrupt, and nothing called, when the checksum is wrong.
Status read_seen_ids_blob(JournalSeq key, std::string_view blob, EventTime since,
                          const std::function<void(const Store::SeenId&)>& each);

}  // namespace tocsin::storage
