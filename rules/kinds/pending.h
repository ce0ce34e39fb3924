#pragma once

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

#include "rules/watermark.h"

namespace tocsin::rules {

// The smallest step of event time: what happened at t is complete at t + kMoment.
inline constexpr Milliseconds kMoment{1};

// Events that wait until nothing earlier can come, in the order in which they are then taken: by
// (time, source, id). `T` has `time`, `source` and `event_id()`.
template <typename T>
bool is_before(const T& a, const T& b) {
  if (a.time != b.time || a.source != b.source) {
    return std::tie(a.time, a.source) < std::tie(b.time, b.source);
  }
  return a.event_id() < b.event_id();
}

// Puts the item in its place and returns that place.
template <typename T>
size_t insert_in_order(std::vector<T>& pending, T item) {
  const auto place = std::upper_bound(pending.begin(), pending.end(), item, is_before<T>);
  const auto index = static_cast<size_t>(place - pending.begin());
  pending.insert(place, std::move(item));
  return index;
}

template <typename T>
void drop_first(std::vector<T>& pending, size_t count) {
  pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(count));
}

// When the first of them can be taken; kNever when none waits.
template <typename T>
EventTime first_due(const std::vector<T>& pending) {
  return pending.empty() ? kNever : pending.front().time + kMoment;
}

}  // namespace tocsin::rules
