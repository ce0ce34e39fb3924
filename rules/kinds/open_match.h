#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rules/model/event.h"
#include "rules/rule.h"
#include "rules/state_codec.h"
#include "rules/watermark.h"

namespace tocsin::rules {

// A step of a sequence that an event has taken.
struct BoundStep {
  uint32_t step = 0;
  JournalSeq seq = 0;
  EventTime time{};
  EventTime latest{};  // that it may have been; == time unless the time is imprecise
  Tlp tlp = Tlp::kClear;
  std::shared_ptr<const std::string> event;  // encode_event(); shared by copies of the match
};

// A sequence begun and not yet complete, or just completed.
struct OpenMatch {
  std::vector<BoundStep> bound;
  EventTime start{};
  EventTime last{};   // when the step before was taken, or its waiting was over
  uint32_t next = 0;  // strict order: the first step not yet decided
};

// Which way an open match can go, given the steps alone.
//
// Strict order: from `next` on, optional steps may be left out; a negated step waits from `last`.
// Any order: the steps come as they like; none of them is negated.
class SequencePlan {
 public:
  explicit SequencePlan(const SequenceDetect& detect) : detect_(&detect) {}

  // Positive steps that an event at `t` may take now, in order.
  void candidates(const OpenMatch& match, EventTime t, std::vector<uint32_t>& steps) const;
  // The negated step that waits now: an event that fits it breaks the match.
  std::optional<uint32_t> waiting(const OpenMatch& match) const;
  // When the waiting is over; kNever when nothing waits.
  EventTime wait_end(const OpenMatch& match) const;
  // After this moment the match cannot go on.
  EventTime expiry(const OpenMatch& match) const;

  void bind(OpenMatch& match, BoundStep step) const;
  void end_waiting(OpenMatch& match) const;
  bool is_complete(const OpenMatch& match) const;

 private:
  const SequenceStep& step(uint32_t index) const { return detect_->steps[index]; }
  uint32_t count() const { return static_cast<uint32_t>(detect_->steps.size()); }
  bool is_bound(const OpenMatch& match, uint32_t index) const;
  bool has_all_needed(const OpenMatch& match) const;

  const SequenceDetect* detect_;
};

void write(ByteWriter& to, const OpenMatch& match);
OpenMatch read_open_match(ByteReader& from);

}  // namespace tocsin::rules
