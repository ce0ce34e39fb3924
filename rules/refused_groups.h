#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rules/evidence.h"
#include "rules/hyperloglog.h"
#include "rules/model/alert.h"
#include "rules/state_codec.h"

namespace tocsin::rules {

// Which of a rule's `limits` keeps a new group out. Part of the persistent format.
enum class Limit : uint8_t { kGroups = 0, kState = 1, kNewGroups = 2 };

// An event whose group a rule did not take.
struct Refusal {
  JournalSeq seq = 0;    // of the event
  uint32_t watcher = 0;  // number of the rule, signal or arming among all that are told events
  Hash128 group;
  Limit limit = Limit::kGroups;
  friend auto operator<=>(const Refusal&, const Refusal&) = default;
};

// What is known of the groups that a rule refuses: how many events, of about how many groups, and a
// few of these by name. It takes little memory however many they are, and is the same in any order.
//
// Thread-safety: one thread at a time.
class RefusedGroups {
 public:
  // The groups with the smallest hashes, each with the best of its events (is_better).
  struct Sample {
    Hash128 group;
    std::string name;
    EvidenceItem event;  // seq 0: no event brought it
  };
  static constexpr size_t kSampled = 8;

  // Whether add() wants to know what the group is called.
  bool is_new_in_sample(Hash128 group) const;
  // `event`: nullptr when none brought it. `name` is looked at for what is new in the sample.
  void add(Hash128 group, const Event* event, JournalSeq seq, std::string name);
  void clear();

  uint64_t events() const { return events_; }
  // Exact below kSampled, an estimate above.
  uint64_t groups() const;
  const std::vector<Sample>& sample() const { return sample_; }
  // The highest of all events.
  Tlp tlp() const { return tlp_; }
  size_t bytes() const;

  void write(ByteWriter& to) const;
  void read(ByteReader& from);

 private:
  uint64_t events_ = 0;
  Tlp tlp_ = Tlp::kClear;
  HyperLogLog distinct_;
  std::vector<Sample> sample_;  // by hash
};

}  // namespace tocsin::rules
