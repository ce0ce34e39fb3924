#pragma once

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

#include "rules/grown.h"
#include "rules/watermark.h"

namespace tocsin::rules {

// The smallest step of event time: what happened at t is complete at t + kMoment.
inline constexpr Milliseconds kMoment{1};

// More events than these that wait in a group are too many to go through for each that comes.
inline constexpr size_t kFewPending = 256;

// Order of items with `time`, `source` and `event_id()`.
template <typename T>
bool is_before(const T& a, const T& b) {
  if (a.time != b.time || a.source != b.source) {
    return std::tie(a.time, a.source) < std::tie(b.time, b.source);
  }
  return a.event_id() < b.event_id();
}

// Puts the item in its place and returns that place.
template <typename T>
size_t insert_in_order(std::vector<T>& items, T item, size_t first = 0) {
  const auto begin = items.begin() + static_cast<std::ptrdiff_t>(first);
  const auto place = std::upper_bound(begin, items.end(), item, is_before<T>);
  const auto index = static_cast<size_t>(place - begin);
  items.insert(place, std::move(item));
  return index;
}

// Events that wait until nothing earlier can come, in the order in which they are then taken: by
// (time, source, id). To put one behind all others, to drop the first and to ask for the size cost
// the same however many wait. `T` also has `bytes()`: what it holds beside itself, by sizes and not
// by capacities, which change as items are moved.
template <typename T>
class Pending {
 public:
  size_t size() const { return items_.size() - first_; }
  bool empty() const { return size() == 0; }
  T& operator[](size_t i) { return items_[first_ + i]; }
  const T& operator[](size_t i) const { return items_[first_ + i]; }
  auto begin() { return items_.begin() + static_cast<std::ptrdiff_t>(first_); }
  auto end() { return items_.end(); }
  auto begin() const { return items_.begin() + static_cast<std::ptrdiff_t>(first_); }
  auto end() const { return items_.end(); }
  size_t bytes() const { return grown_bytes<T>(size()) + held_; }
  // When the first of them can be taken; kNever when none waits.
  EventTime due() const { return empty() ? kNever : begin()->time + kMoment; }

  // Returns its place.
  size_t insert(T item) {
    held_ += item.bytes();
    return insert_in_order(items_, std::move(item), first_);
  }

  void drop_first(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      T& item = items_[first_++];
      held_ -= item.bytes();
      item = T{};
    }
    if (first_ * 2 < items_.size()) return;
    items_.erase(items_.begin(), begin());
    first_ = 0;
    shrink_if_sparse(items_);
  }

 private:
  std::vector<T> items_;
  size_t first_ = 0;  // before it: dropped
  size_t held_ = 0;
};

}  // namespace tocsin::rules
