#pragma once

#include <absl/container/btree_set.h>

#include <cstddef>
#include <tuple>
#include <utility>

#include "rules/grown.h"
#include "rules/watermark.h"

namespace tocsin::rules {

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

// Events by (time, source, id), of which the first are dropped: those that wait until nothing
// earlier can come, or that may still be asked for. However many there are, and in whatever order
// they come, to add one costs their logarithm. `T` also has `bytes()`: what it holds beside itself.
// What changes while it is kept is `mutable`, and does not decide the order.
template <typename T>
class InOrder {
  struct Before {
    using is_transparent = void;
    bool operator()(const T& a, const T& b) const { return is_before(a, b); }
    bool operator()(const T& a, EventTime b) const { return a.time < b; }
    bool operator()(EventTime a, const T& b) const { return a < b.time; }
  };
  using Items = absl::btree_multiset<T, Before>;

 public:
  using Place = typename Items::const_iterator;

  size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  Place begin() const { return items_.begin(); }
  Place end() const { return items_.end(); }
  // The first that is not earlier.
  Place at_or_after(EventTime time) const { return items_.lower_bound(time); }
  size_t bytes() const { return tree_bytes<T>(size()) + held_; }
  // When the first of them can be taken; kNever when there is none.
  EventTime due() const { return empty() ? kNever : begin()->time + kMoment; }

  // Behind those that are its equals. Places are good until the next call that changes something.
  Place insert(T item) {
    held_ += item.bytes();
    return items_.insert(items_.end(), std::move(item));
  }

  void drop_before(Place place) {
    for (Place each = begin(); each != place; ++each) held_ -= each->bytes();
    items_.erase(begin(), place);
  }

 private:
  Items items_;
  size_t held_ = 0;
};

}  // namespace tocsin::rules
