#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "storage/journal_chunk.h"

namespace tocsin::storage {

// The journal chunks that were read last, unpacked: evidence tends to lie close together.
//
// Thread-safety: any thread.
class ChunkCache {
 public:
  explicit ChunkCache(size_t chunks) : capacity_(chunks) {}

  // nullptr when there is none with that record and catalogue.
  std::shared_ptr<const JournalChunk> find(JournalSeq seq, const Catalogue* catalogue);
  void insert(std::shared_ptr<const JournalChunk> chunk);
  void clear();

 private:
  struct Entry {
    std::shared_ptr<const JournalChunk> chunk;
    uint64_t used;
  };

  const size_t capacity_;
  std::mutex mutex_;  // guards the rest
  std::vector<Entry> entries_;
  uint64_t clock_ = 0;
};

}  // namespace tocsin::storage
