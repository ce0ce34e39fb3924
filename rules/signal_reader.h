#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rules/cel/value.h"
#include "rules/evidence.h"
#include "rules/key_map.h"
#include "rules/rule.h"

namespace tocsin::rules {

class SignalStore;
struct Group;
struct SignalValue;
struct Surroundings;

// Reads the signals of one rule for its groups: what a signal tells of the same keys, or of the
// region that holds the group's.
//
// Thread-safety: one thread at a time.
class SignalReader {
 public:
  SignalReader(Surroundings& around, const Rule& rule);

  bool empty() const { return uses_.empty(); }
  size_t size() const { return uses_.size(); }
  // Values at `at`, by use; null where there is none.
  void read(const Group& group, EventTime at, std::span<cel::Value> values);
  std::optional<SignalValue> value(size_t use, const Group& group, EventTime at);
  // The mean over [from, to) of an indicator; of another signal, its value at `to`.
  std::optional<SignalValue> value_over(size_t use, const Group& group, EventTime from,
                                        EventTime to);
  // Whether the event is one of those that the signal counts.
  bool counts(size_t use, const Event& event);
  // The best events that the value rests on.
  void collect(size_t use, const Group& group, const SignalValue& value, size_t most,
               std::vector<EvidenceItem>& best);
  // The highest of all that the rule may have read to decide at `at`.
  Tlp marking(const Group& group, EventTime at);

 private:
  struct Source {
    SignalStore* store = nullptr;
    KeyMap key;
  };
  struct Use {
    const SignalUse* about = nullptr;
    std::vector<Source> sources;  // asked in this order
  };

  Source source_of(const std::string& key, const Rule& rule) const;
  bool key_of(const Source& source, const Group& group);

  Surroundings* around_;
  std::vector<Use> uses_;
  std::vector<std::string> key_;
};

}  // namespace tocsin::rules
