#include "daemon/seen_ids.h"

namespace tocsin::daemon {
namespace {

int32_t day_of(EventTime time) {
  return static_cast<int32_t>(
      std::chrono::floor<std::chrono::days>(time).time_since_epoch().count());
}

}  // namespace

bool SeenIds::contains(Hash128 key, uint32_t rev) const {
  const auto found = ids_.find(key);
  return found != ids_.end() && found->second.rev >= rev;
}

bool SeenIds::remember(Hash128 key, uint32_t rev, int32_t day, Days& days) {
  const auto [entry, is_new] = ids_.try_emplace(key, Entry{rev, day});
  if (!is_new) {
    if (entry->second.rev >= rev) return false;
    entry->second = {rev, day};
  }
  days[day].push_back(key);
  return true;
}

bool SeenIds::insert(Hash128 key, uint32_t rev, SourceId source, EventTime time) {
  const auto index = static_cast<size_t>(source);
  if (index >= by_source_.size()) by_source_.resize(index + 1);
  return remember(key, rev, day_of(time), by_source_[index]);
}

void SeenIds::restore(Hash128 key, uint32_t rev, EventTime time) {
  remember(key, rev, day_of(time), restored_);
}

void SeenIds::forget_days(Days& days, int32_t before) {
  while (!days.empty() && days.begin()->first < before) {
    constexpr size_t kLookAhead = 16;
    const auto& [day, keys] = *days.begin();
    for (size_t i = 0; i < keys.size(); ++i) {
      if (i + kLookAhead < keys.size()) ids_.prefetch(keys[i + kLookAhead]);
      const auto found = ids_.find(keys[i]);
      // A later revision may have moved the id to another day's list.
      if (found != ids_.end() && found->second.day == day) ids_.erase(found);
    }
    days.erase(days.begin());
  }
}

void SeenIds::forget(SourceId source, EventTime horizon) {
  const auto index = static_cast<size_t>(source);
  if (index < by_source_.size()) forget_days(by_source_[index], day_of(horizon));
}

void SeenIds::forget_restored(EventTime horizon) { forget_days(restored_, day_of(horizon)); }

}  // namespace tocsin::daemon
