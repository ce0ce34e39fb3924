#pragma once

#include <cstddef>
#include <string>

#include "rules/model/time.h"

namespace tocsin::daemon {

// Up to where a source was taken to be complete, time after time: of one that is silent, three
// million times a year, at intervals that differ by little. So differences of differences are kept,
// a byte or two each.
//
// First all are added, then they are taken. Thread-safety: one thread at a time.
class AdvanceTimes {
 public:
  // One that is no later than the last told nothing, and is left out.
  void add(EventTime time);

  // The first that was not taken yet; kMaxEventTime: none is left.
  EventTime next() const { return next_; }
  void take();

  size_t bytes() const { return bytes_.size(); }

 private:
  std::string bytes_;  // what follows the first
  size_t taken_ = 0;   // bytes
  EventTime next_ = kMaxEventTime;
  Milliseconds next_step_{0};  // to next_, from the one before it
  EventTime last_ = kMinEventTime;
  Milliseconds last_step_{0};
};

}  // namespace tocsin::daemon
