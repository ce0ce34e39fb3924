#pragma once

#include <optional>
#include <vector>

#include "tests/oracle/reading.h"

namespace tocsin::rules::oracle {

// When something happens to a sequence: waits that are over come before events of the same time,
// events come in their order.
struct Moment {
  EventTime at{};
  size_t place = 0;  // 0: a wait is over; else the event's place + 1

  friend auto operator<=>(const Moment&, const Moment&) = default;
};

// One try to find a sequence: the steps that events from one first event on take.
struct Run {
  std::vector<std::pair<size_t, size_t>> taken;  // step, event
  size_t next = 0;                               // strict order: the first step not yet decided
  EventTime last{};  // when the step before was taken, or its waiting was over
  Moment over{kMaxEventTime, 0};
  bool is_complete = false;
};

// Follows what becomes of a sequence that begins with one event, through all that come after it.
class RunFinder {
 public:
  RunFinder(const Case& of, const Rule& rule, const Reading& reading, const Key& key,
            const std::vector<Seen>& events)
      : of_(of), rule_(rule), reading_(reading), key_(key), events_(events) {}

  // nullopt: the event begins nothing.
  std::optional<Run> follow_from(size_t first) const;
  // Sets the variables of the steps taken.
  void fill(Variables& variables, const Run& run) const;

 private:
  const SequenceDetect& detect() const { return std::get<SequenceDetect>(rule_.detect); }
  const SequenceStep& step(size_t i) const { return detect().steps[i]; }
  EventTime time(size_t event) const { return events_[event].event->time; }
  EventTime start(const Run& run) const { return time(run.taken.front().second); }
  bool has_taken(const Run& run, size_t step) const;
  std::optional<size_t> waiting_step(const Run& run) const;
  // Goes through waits that are over by `until`. False: the run has come to its end.
  bool pass_waits(Run& run, EventTime until) const;
  bool is_expired(const Run& run, EventTime at) const;
  std::vector<size_t> steps_open(const Run& run, EventTime at) const;
  bool is_ordered(const Run& run, size_t event) const;
  bool is_armed_anew(const Run& run, EventTime at) const;
  // False: the run has come to its end.
  bool take(Run& run, size_t event) const;
  bool has_all(const Run& run) const;
  void end(Run& run, Moment moment, bool is_complete) const;

  const Case& of_;
  const Rule& rule_;
  const Reading& reading_;
  const Key& key_;
  const std::vector<Seen>& events_;
};

}  // namespace tocsin::rules::oracle
