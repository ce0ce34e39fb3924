#pragma once

#include <absl/container/btree_set.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rules/group_table.h"
#include "rules/in_order.h"
#include "rules/stored_event.h"

namespace tocsin::rules {

// An event that arms or disarms.
struct ArmingEvent {
  EventTime time{};
  SourceId source{};
  JournalSeq seq = 0;
  mutable Tlp tlp = Tlp::kClear;
  bool disarms = false;
  mutable bool has_captured = false;
  mutable std::vector<std::optional<double>> signals;  // as the captures took them at `time`
  std::string event;                                   // encoded

  std::string_view event_id() const { return stored_event_id(event); }
  size_t bytes() const { return event.size(); }
  bool is_to_capture() const { return !has_captured && !disarms; }
};

struct ArmingGroup : Group {
  InOrder<ArmingEvent> events;
  absl::btree_multiset<EventTime> to_capture;  // times of those that are; not saved
};

// Remembers, for one armed rule, what armed it where and when.
//
// Which event armed a group at a time depends on that time alone, not on the order of arrival, once
// the rule's watermark has passed it.
class ArmingStore final : public GroupedDetector<ArmingGroup> {
 public:
  ArmingStore(Surroundings& around, const Arming& arming, RuleIndex index,
              Timeline::ClassId time_class);

  void on_event(const Event& event, JournalSeq seq) override;
  // The same arming of another bundle.
  void rebind_arming(const Arming& arming, RuleIndex index, Timeline::ClassId time_class);
  // As of a signal.
  void add_reader(Timeline::ClassId time_class) { reader_ = time_class; }

  // The event that holds the group armed at `at`; nullptr when it is not.
  const ArmingEvent* armed_at(const std::vector<std::string>& key, EventTime at);
  // `armed.since` and the captures, in their order. Views into the arena of the surroundings.
  void fill(const ArmingEvent& by, std::span<cel::Value> slots);
  const Arming& arming() const { return *arming_; }

 protected:
  void on_due(ArmingGroup& group, EventTime due) override;
  void write_group(ByteWriter& to, const ArmingGroup& group) override;
  void read_group(ByteReader& from, ArmingGroup& group) override;
  size_t bytes_of(const ArmingGroup& group) const override;
  Finding finding_of(ArmingGroup&, EventTime) override { return {}; }

 private:
  void capture(ArmingGroup& group, const ArmingEvent& event);
  // Drops what nobody can ask for: all before the last event before that time.
  void forget(ArmingGroup& group);
  void drop_before(ArmingGroup& group, InOrder<ArmingEvent>::Place place);
  // After `done`.
  EventTime next_due(const ArmingGroup& group, EventTime done) const;

  const Arming* arming_;
  std::optional<Timeline::ClassId> reader_;  // one rule, so one class
};

}  // namespace tocsin::rules
