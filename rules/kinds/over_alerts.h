#pragma once

#include <string>
#include <vector>

#include "rules/alert_board.h"
#include "rules/kinds/ticked.h"

namespace tocsin::rules {

struct PlaceGroup : Group {};

// What layers and spillover share: rules over the alerts of rules over events, by place.
//
// They look at what was decided before the tick, so that no rule reads another of its sort or
// itself, and at alerts of production rules only unless they are in draft or shadow themselves.
class OverAlertsDetector : public TickedDetector<PlaceGroup> {
 public:
  using TickedDetector::TickedDetector;

  void on_event(const Event&, JournalSeq) override {}

 protected:
  // Of an alert that counts: with a stretch of time in which it does.
  struct Counted {
    const BoardEntry* entry = nullptr;
    const BoardEntry::Change* change = nullptr;
    EventTime from{};
    EventTime to{};
  };

  virtual const AlertSelect& alerts() const = 0;
  void on_due(PlaceGroup& group, EventTime tick) override;
  void write_group(ByteWriter&, const PlaceGroup&) override {}
  void read_group(ByteReader&, PlaceGroup&) override {}
  size_t bytes_of(const PlaceGroup&) const override { return 0; }

  // Wakes the place at the next tick after `at`, made known when it is new.
  void wake(RegionId region, EventTime at);
  // Sets the variables of alert_variables().
  void look_at(const BoardEntry& entry, Level level);
  bool selects(const BoardEntry& entry, Level level);
  std::span<const cel::Value> alert() const { return alert_; }
  // Evidence, marking and names of the alerts.
  void add_alerts(const std::vector<Counted>& counted, Finding& finding) const;
  RegionLevel level_of_groups() const { return rule().by.front().level; }

  // For judge(): before it looks at alerts, and for each that it looks at. After `from` it matters.
  void begin_looking();
  void look_beyond(const BoardEntry& entry, EventTime from, EventTime tick);

 private:
  bool has_alerts_ = false;      // some that are told before the tick may matter at a later one
  EventTime upcoming_ = kNever;  // the next that is told after it
  std::vector<cel::Value> alert_;
};

}  // namespace tocsin::rules
