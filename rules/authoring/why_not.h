#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rules/engine.h"
#include "rules/group_key.h"

namespace tocsin::rules {

// Tells how far a rule was from an alert about one group at a moment, and which events came near.
//
// Runs the whole bundle over the events, as a replay does: what rules over alerts look at is there.
// Thread-safety: one thread at a time.
class WhyNot {
 public:
  // `key` as texts in the order of the rule's `by`.
  WhyNot(std::shared_ptr<const Bundle> bundle, RuleIndex rule, std::vector<std::string> key,
         EventTime at);

  // In order of time; what is not before the moment is left out.
  void take(const Event& event);
  // The answer, in plain words over several lines.
  std::string tell();

 private:
  struct Near {
    EventTime time{};
    std::string id;
    std::string source;
    std::string why;  // what it was asked, with its values
  };

  void note_near(const Event& event);
  void note_selected(const Event& event);
  bool is_of_group(const Event& event);
  std::string tell_why_unknown() const;

  std::shared_ptr<const Bundle> bundle_;
  const Rule& rule_;
  RuleIndex index_;
  std::vector<std::string> key_;
  EventTime at_;
  Engine engine_;
  GroupKeyer keyer_;
  Arena arena_;
  std::vector<std::string> journal_;  // "time source id" by seq - 1
  uint64_t near_count_ = 0;
  uint64_t selected_ = 0;
  EventTime last_selected_{};
  uint64_t excepted_ = 0;
  const Exception* exception_ = nullptr;  // that left the latest of them out
  std::vector<Near> near_;                // the latest
  Engine::Transitions transitions_;
};

// The rule by id; nullopt when there is none, with the nearest name in `hint`.
std::optional<RuleIndex> find_rule(const Bundle& bundle, const std::string& id, std::string& hint);

// "region=SY source=desk" as texts in the order of the rule's keys; what is wrong in `problem`.
std::optional<std::vector<std::string>> parse_group(const Bundle& bundle, const Rule& rule,
                                                    const std::vector<std::string>& parts,
                                                    std::string& problem);

}  // namespace tocsin::rules
