#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <map>
#include <vector>

#include "rules/model/event.h"
#include "rules/model/hash.h"

namespace tocsin::daemon {

// Remembers which (source, id, rev) were accepted, as long as a repeat could still be accepted.
//
// An event older than its source's watermark minus `correction_horizon` is refused as too late, so
// only younger ids need to be kept: the memory is bounded by the events of the horizon (about 40
// bytes each), and within it no repeat is ever taken for new. Two ids are confused with odds of
// 2^-128 a pair.
// Thread-safety: pipeline thread only.
class SeenIds {
 public:
  // True when this revision, or a later one, of the id was remembered before.
  bool contains(Hash128 key, uint32_t rev) const;

  // Whether any revision of it was; whether only earlier ones were.
  bool knows_earlier(Hash128 key, uint32_t rev) const {
    const auto found = ids_.find(key);
    return found != ids_.end() && found->second.rev < rev;
  }
  bool knows(Hash128 key) const { return ids_.contains(key); }

  // Asks for the memory that insert() will need; nearly every id is new and far from the last one.
  void prefetch(Hash128 key) const { ids_.prefetch(key); }

  // Remembers the revision; false when it, or a later one, was there already.
  bool insert(Hash128 key, uint32_t rev, SourceId source, EventTime time);

  // The same for ids read back from the store, whose source is not known: kept until the slowest
  // source has passed them.
  void restore(Hash128 key, uint32_t rev, EventTime time);

  // Forgets ids of `source` with time before `horizon`, by whole days.
  void forget(SourceId source, EventTime horizon);
  void forget_restored(EventTime horizon);

  size_t size() const { return ids_.size(); }

 private:
  static constexpr int32_t kNoDay = INT32_MIN;
  struct Entry {
    uint32_t rev = 0;
    int32_t day = kNoDay;  // whose list may erase it: the latest event day of any of its revisions
  };
  using Days = std::map<int32_t, std::vector<Hash128>>;

  static void keep_until(Entry& entry, Hash128 key, int32_t day, Days& days);
  void forget_days(Days& days, int32_t before);

  absl::flat_hash_map<Hash128, Entry> ids_;
  std::vector<Days> by_source_;  // index: SourceId
  Days restored_;
};

}  // namespace tocsin::daemon
