#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rules/group_table.h"
#include "rules/pane_grid.h"
#include "rules/window.h"

namespace tocsin::rules {

struct SignalGroup : Group {
  PaneStore panes;
};

// A value of a signal, with what it rests on.
struct SignalValue {
  double value = 0;
  EventTime from{};  // of the events it was taken over
  EventTime to{};
};

// Counts one signal: events into panes, kept as long as its readers look back.
//
// Its class waits for everything that its readers wait for, so its watermark is never ahead of
// theirs: what they ask for at a tick that they may judge is complete and still there.
class SignalStore final : public GroupedDetector<SignalGroup> {
 public:
  SignalStore(Surroundings& around, const Signal& signal, RuleIndex index,
              Timeline::ClassId time_class);

  void on_event(const Event& event, JournalSeq seq) override;
  // The same signal of another bundle.
  void rebind_signal(const Signal& signal, RuleIndex index, Timeline::ClassId time_class);
  // Rules of that class read it: nothing is forgotten that they may still ask for.
  void add_reader(Timeline::ClassId time_class) { readers_.push_back(time_class); }

  // At the last tick at or before `at`; nullopt where there is none, or none can be known: all its
  // feeds are silent, the group was refused, or the window begins before what is counted. `hold`
  // instead of the signal's own.
  std::optional<SignalValue> value(const std::vector<std::string>& key, EventTime at,
                                   const std::optional<Span>& hold);
  // Over the events of [from, to), which begin and end with panes; nullopt where nothing came.
  std::optional<SignalValue> value_over(const std::vector<std::string>& key, EventTime from,
                                        EventTime to);
  // The best events of [from, to), and the highest marking among them.
  void collect(const std::vector<std::string>& key, EventTime from, EventTime to, size_t most,
               std::vector<EvidenceItem>& best);
  Tlp marking(const std::vector<std::string>& key, EventTime from, EventTime to);
  bool counts(const Event& event);
  // The last tick at or before `at`: what it tells then is of before it.
  EventTime tick_at(EventTime at) const { return grid_.start_of(at); }

  const Signal& signal() const { return *signal_; }

 protected:
  void on_due(SignalGroup& group, EventTime due) override;
  void write_group(ByteWriter& to, const SignalGroup& group) override;
  void read_group(ByteReader& from, SignalGroup& group) override;
  size_t bytes_of(const SignalGroup& group) const override { return group.panes.bytes(); }
  Finding finding_of(SignalGroup&, EventTime) override { return {}; }

 private:
  const Measure& measure() const { return signal_->measure(); }
  std::optional<double> merged(const SignalGroup& group, EventTime from, EventTime to);
  // The last value that a tick before `tick` had, no longer ago than `hold`.
  std::optional<SignalValue> last_value(const SignalGroup& group, EventTime tick, Span hold);
  // Panes before it are looked at no more.
  EventTime needed_from() const;
  EventTime forget_at(const SignalGroup& group) const;

  const Signal* signal_;
  PaneGrid grid_;
  size_t evidence_per_pane_ = 0;
  std::vector<Timeline::ClassId> readers_;
  Accumulator merged_;
};

}  // namespace tocsin::rules
