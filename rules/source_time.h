#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "rules/model/event.h"
#include "rules/model/time.h"

namespace tocsin::rules {

inline constexpr EventTime kNever = kMaxEventTime;

// Up to where one source has been heard by each of the partitions that it comes by.
//
// Order is kept within a partition alone: one may be read far behind another, so a source has told
// all only up to where its slowest partition is (as in Flink and Kafka Streams). A partition counts
// from its first event until it leaves(). 0 stands for what comes by none, and for corrections,
// which are no sign of how far a partition is read: it counts while there is no other.
class PartitionTimes {
 public:
  struct Partition {
    uint16_t number = 0;
    EventTime newest{};
  };

  bool has_any() const { return !partitions_.empty(); }
  // Whether observe() of it takes in none.
  bool knows(uint16_t number) const {
    return number == 0 ? has_any() : find(number) != partitions_.end();
  }
  bool is_only(uint16_t number) const {
    return partitions_.size() == 1 && partitions_.front().number == number;
  }

  // A new one is taken in.
  void observe(uint16_t number, EventTime time) {
    const auto found = find(number);
    if (found == partitions_.end()) {
      if (number == 0 && has_any()) return;
      if (is_only(0)) partitions_.clear();
      partitions_.insert(std::find_if(partitions_.begin(), partitions_.end(),
                                      [=](const Partition& p) { return p.number > number; }),
                         {number, time});
      return;
    }
    auto& newest = partitions_[static_cast<size_t>(found - partitions_.begin())].newest;
    newest = std::max(newest, time);
  }
  // Is waited for no longer, until it is heard of again. The last one stays: without it the source
  // would have told nothing.
  void leave(uint16_t number) {
    const auto found = find(number);
    if (partitions_.size() > 1 && found != partitions_.end()) partitions_.erase(found);
  }

  // kMinEventTime: nothing.
  EventTime told() const {
    EventTime told = partitions_.empty() ? kMinEventTime : kMaxEventTime;
    for (const Partition& partition : partitions_) told = std::min(told, partition.newest);
    return told;
  }
  // By number.
  const std::vector<Partition>& all() const { return partitions_; }

 private:
  std::vector<Partition>::const_iterator find(uint16_t number) const {
    return std::find_if(partitions_.begin(), partitions_.end(),
                        [=](const Partition& partition) { return partition.number == number; });
  }

  std::vector<Partition> partitions_;  // a few
};

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
