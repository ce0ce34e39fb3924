#include "daemon/seen_ids.h"

#include <algorithm>

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

void SeenIds::keep_until(Entry& entry, Hash128 key, int32_t day, Days& days) {
  if (day <= entry.day) return;
  entry.day = day;
  days[day].push_back(key);
}

bool SeenIds::insert(Hash128 key, uint32_t rev, SourceId source, EventTime time) {
  const auto index = static_cast<size_t>(source);
  if (index >= by_source_.size()) by_source_.resize(index + 1);
  Entry& entry = ids_.try_emplace(key, Entry{}).first->second;
  if (entry.day != kNoDay && entry.rev >= rev) return false;
  entry.rev = rev;
  keep_until(entry, key, day_of(time), by_source_[index]);
  return true;
}

void SeenIds::restore(Hash128 key, uint32_t rev, EventTime time) {
  Entry& entry = ids_.try_emplace(key, Entry{}).first->second;
  entry.rev = std::max(entry.rev, rev);
  keep_until(entry, key, day_of(time), restored_);
}

void SeenIds::forget_days(Days& days, int32_t before) {
  while (!days.empty() && days.begin()->first < before) {
    constexpr size_t kLookAhead = 16;
    const auto& [day, keys] = *days.begin();
    for (size_t i = 0; i < keys.size(); ++i) {
      if (i + kLookAhead < keys.size()) ids_.prefetch(keys[i + kLookAhead]);
      const auto found = ids_.find(keys[i]);
      // Another revision may have put the id on a later day's list.
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
