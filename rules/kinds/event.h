#pragma once

#include <string>
#include <vector>

#include "rules/evidence.h"
#include "rules/in_order.h"
#include "rules/kinds/episode.h"
#include "rules/stored_event.h"

namespace tocsin::rules {

// An event that matched and waits until nothing earlier can come.
struct PendingMatch {
  EventTime time{};
  SourceId source{};
  JournalSeq seq = 0;
  mutable Level level = Level::kNone;
  std::string event;  // encode_event()

  std::string_view event_id() const { return stored_event_id(event); }
  size_t bytes() const { return event.size(); }
};

struct EventGroup : EpisodeGroup {
  InOrder<PendingMatch> pending;
  std::vector<EvidenceItem> evidence;
  std::string latest;  // encode_event() of the latest match
};

// Kind `event`: one event that matters by itself (rules/kinds/README.md).
class EventDetector final : public EpisodeDetector<EventGroup> {
 public:
  using EpisodeDetector::EpisodeDetector;
  void on_event(const Event& event, JournalSeq seq) override;

 protected:
  void on_due(EventGroup& group, EventTime due) override;
  void write_group(ByteWriter& to, const EventGroup& group) override;
  void read_group(ByteReader& from, EventGroup& group) override;
  size_t bytes_of(const EventGroup& group) const override;
  Finding finding_of(EventGroup& group, EventTime at) override;
  bool is_at_rest(const EventGroup& group) const override;
  void forget(EventGroup& group) override;
  bool fit_levels(EventGroup& group) override;

 private:
  Level level_of(const EventGroup& group, const Event& event);
  void take(EventGroup& group, const Event& event, JournalSeq seq, Level level, EventTime at,
            bool is_early);
  void go_on(EventGroup& group, EventTime now);
};

}  // namespace tocsin::rules
