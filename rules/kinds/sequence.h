#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rules/in_order.h"
#include "rules/kinds/episode.h"
#include "rules/kinds/open_match.h"
#include "rules/stored_event.h"

namespace tocsin::rules {

// An event that may take or break a step and waits until nothing earlier can come.
struct PendingStep {
  EventTime time{};
  SourceId source{};
  JournalSeq seq = 0;
  std::shared_ptr<const std::string> event;  // encode_event()
  mutable Level told = Level::kNone;         // of the match that it completed on arrival

  std::string_view event_id() const { return stored_event_id(*event); }
  size_t bytes() const { return event == nullptr ? 0 : event->size(); }
};

struct SequenceGroup : EpisodeGroup {
  std::vector<OpenMatch> open;  // oldest first
  InOrder<PendingStep> pending;
  OpenMatch match;  // the latest complete one
  // `open` as it will be when all that is pending has been taken, if it goes on like this. Not
  // saved: made again when there is need.
  std::optional<std::vector<OpenMatch>> ahead;
};

// Kind `sequence`: steps in order, with steps that must not come (rules/kinds/README.md).
//
// Events are taken in (time, source, id) order once the watermark has passed them, so that a late
// answer still breaks `not … for`. Each open match takes the first event that fits its next step.
//
// A rule of positive steps alone is tried on arrival, ahead of the watermark, and fires
// provisionally. What it tells stands: its events came in that order, whatever comes in between;
// a straggler only makes further matches. So when the watermark has passed, it is confirmed, and
// the match that the events then make together is told again only when its level is higher.
class SequenceDetector final : public EpisodeDetector<SequenceGroup> {
 public:
  SequenceDetector(Surroundings& around, const Rule& rule, RuleIndex index,
                   Timeline::ClassId time_class);
  void on_event(const Event& event, JournalSeq seq) override;

 protected:
  std::string progress(const SequenceGroup& group) const override;
  void on_due(SequenceGroup& group, EventTime due) override;
  void write_group(ByteWriter& to, const SequenceGroup& group) override;
  void read_group(ByteReader& from, SequenceGroup& group) override;
  size_t bytes_of(const SequenceGroup& group) const override;
  Finding finding_of(SequenceGroup& group, EventTime at) override;
  bool is_at_rest(const SequenceGroup& group) const override;
  void forget(SequenceGroup& group) override;
  void on_rebind() override;

 private:
  const SequenceDetect& detect() const { return std::get<SequenceDetect>(rule().detect); }
  SequencePlan plan() const { return SequencePlan(detect()); }
  bool is_relevant(const Event& event);
  void set_common_at(const SequenceGroup& group, EventTime at);
  void clear_variables();
  void set_variables(const OpenMatch& match);
  // Takes the event into `open`; the matches that it completes, oldest first: of those that share
  // no event the oldest alone.
  std::vector<OpenMatch> take(std::vector<OpenMatch>& open, const PendingStep& pending);
  bool breaks(const OpenMatch& match, const Event& event);
  std::optional<uint32_t> first_that_holds(const OpenMatch& match, const Event& event);
  std::optional<uint32_t> step_taken(const OpenMatch& match, const Event& event);
  void begin(std::vector<OpenMatch>& open, const PendingStep& pending, const Event& event);
  void drop_past(std::vector<OpenMatch>& open, const OpenMatch& complete) const;
  void drop_expired(std::vector<OpenMatch>& open, EventTime now) const;
  // Of an armed rule, as of the last set_common(): those that began before it was armed as it is
  // now. True when there were any.
  bool drop_unarmed(std::vector<OpenMatch>& open) const;
  // The open match whose waiting ends first, not after `until`.
  std::optional<size_t> first_waiting(const std::vector<OpenMatch>& open, EventTime until) const;
  std::optional<OpenMatch> end_wait(std::vector<OpenMatch>& open, size_t index) const;
  // Tells of the match if its level is above `told`. Returns the level that has been told now.
  Level conclude(SequenceGroup& group, OpenMatch match, EventTime at, bool is_early, Level told);
  // Tells of the matches that pending events from `place` on complete.
  void try_early(SequenceGroup& group, InOrder<PendingStep>::Place place);
  void go_on(SequenceGroup& group, EventTime now);

  bool may_fire_early_ = false;
  std::vector<std::optional<size_t>> slots_;  // of a step's variable
  std::vector<uint32_t> scratch_;
};

}  // namespace tocsin::rules
