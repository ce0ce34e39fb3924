#include "storage/chunk_cache.h"

#include <algorithm>

namespace tocsin::storage {

std::shared_ptr<const JournalChunk> ChunkCache::find(JournalSeq seq, const Catalogue* catalogue) {
  const std::lock_guard lock(mutex_);
  for (Entry& entry : entries_) {
    if (entry.chunk->contains(seq) && entry.chunk->catalogue().get() == catalogue) {
      entry.used = ++clock_;
      return entry.chunk;
    }
  }
  return nullptr;
}

void ChunkCache::insert(std::shared_ptr<const JournalChunk> chunk) {
  const std::lock_guard lock(mutex_);
  if (entries_.size() < capacity_) {
    entries_.push_back({std::move(chunk), ++clock_});
    return;
  }
  const auto oldest =
      std::min_element(entries_.begin(), entries_.end(),
                       [](const Entry& a, const Entry& b) { return a.used < b.used; });
  *oldest = {std::move(chunk), ++clock_};
}

void ChunkCache::clear() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
}

}  // namespace tocsin::storage
