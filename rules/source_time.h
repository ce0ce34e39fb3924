#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "rules/model/event.h"
#include "rules/model/time.h"

namespace tocsin::rules {

inline constexpr EventTime kNever = kMaxEventTime;
// The smallest step of event time: what happened at t is complete at t + kMoment.
inline constexpr Milliseconds kMoment{1};

// Up to where one source has been heard by each of the partitions that it comes by.
//
// Order is kept within a partition alone: one may be read far behind another, so a source has told
// all only up to where its slowest partition is (as in Flink and Kafka Streams). A partition counts
// from its first event until it leaves(). 0 stands for what comes by none, and for corrections,
// which are no sign of how far a partition is read: it counts while there is no other.
class PartitionTimes {
 public:
  using Newest = std::map<uint16_t, EventTime>;  // of each

  bool has_any() const { return !newest_.empty(); }
  // Whether observe() of it takes in none.
  bool knows(uint16_t number) const { return number == 0 ? has_any() : newest_.contains(number); }
  bool is_only(uint16_t number) const {
    return newest_.size() == 1 && newest_.begin()->first == number;
  }

  // A new one is taken in.
  void observe(uint16_t number, EventTime time) {
    if (number == 0 && has_any() && !is_only(0)) return;
    if (number != 0) newest_.erase(0);
    EventTime& newest = newest_.try_emplace(number, time).first->second;
    newest = std::max(newest, time);
  }
  // Is waited for no longer, until it is heard of again. The last one stays: without it the source
  // would have told nothing.
  void leave(uint16_t number) {
    if (newest_.size() > 1) newest_.erase(number);
  }

  // kMinEventTime: nothing.
  EventTime told() const {
    EventTime told = has_any() ? kMaxEventTime : kMinEventTime;
    for (const auto& [number, newest] : newest_) told = std::min(told, newest);
    return told;
  }
  const Newest& all() const { return newest_; }

 private:
  Newest newest_;  // a few
};

// Corrections tell of the past.
inline uint16_t partition_of(const Event& event) {
  return event.op == Operation::kAssert ? event.partition : uint16_t{0};
}

// What is known of the time of one source.
struct SourceTime {
  EventTime newest = kMinEventTime;    // newest event time seen
  EventTime told = kMinEventTime;      // the same, of its slowest partition
  EventTime first = kNever;            // oldest event time seen
  EventTime advanced = kMinEventTime;  // believed complete up to here (heartbeat)
  EventTime missed = kMinEventTime;    // rules that it feeds had come so far when it joined them
  bool is_live = false;                // declared or seen
  bool has_ended = false;
  bool is_dirty = false;
  EventTime wake = kNever;  // an event at or after this may make a timer due
  std::vector<uint32_t> classes;
  PartitionTimes partitions;
};

}  // namespace tocsin::rules
