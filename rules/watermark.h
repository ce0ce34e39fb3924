#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "rules/model/catalogue.h"
#include "rules/model/event.h"
#include "rules/source_time.h"

namespace tocsin::rules {

// Event time: watermarks of sources and rules, and the timers that wait for them.
//
// Rules that wait for the same sources with the same lateness share a time class. A class has one
// watermark, the minimum over its live sources of (told - lateness), or the heartbeat if later, and
// one heap of timers; what a source has told is the minimum over its partitions. A class of a
// higher rank waits for all that those of lower ranks wait for whose sources are among its own, so
// that it is never ahead of what it reads. Each source knows the event time at which the next timer
// of any of its classes can become due (`wake`), so that an ordinary event costs two comparisons
// however many rules there are.
//
// Invariant: watermark(class) never decreases. For every class with a timer at d and every live
// source s of it that has not reached d + lateness: wake(s) <= d + lateness.
// Thread-safety: one thread at a time.
class Timeline {
 public:
  using ClassId = uint32_t;
  struct Timer {
    EventTime due;
    uint32_t rule;
    uint32_t group;
    friend bool operator<(const Timer& a, const Timer& b) {  // std::push_heap: latest on top
      return std::tie(b.due, b.rule, b.group) < std::tie(a.due, a.rule, a.group);
    }
  };

  explicit Timeline(const Catalogue& catalogue);

  // The class of rules with these feeding sources (sorted) and at least this lateness. Timers of a
  // class run before those of one that was asked for later; classes of another `rank` are not
  // shared, so that they can come after. Those of lower ranks are asked for first.
  ClassId class_of(Milliseconds lateness, std::vector<SourceId> feeding, int rank = 0);
  // Another catalogue: forgets classes and timers, keeps what is known of the sources by name.
  void rebind(const Catalogue& next, const Catalogue& old);

  void expect(SourceId source);
  // Whether a timer may have become due: then call run(source).
  bool observe(SourceId source, EventTime time, uint16_t partition = 0) {
    SourceTime& s = sources_[static_cast<size_t>(source)];
    if (!s.is_live || s.has_ended) [[unlikely]]
      expect(source);
    if (time < s.first) [[unlikely]]
      lower_first(s, time);
    if (!s.partitions.is_only(partition)) [[unlikely]]
      return observe_one_of_many(source, time, partition);
    if (time <= s.told) return false;
    s.partitions.observe(partition, time);
    s.told = time;
    s.newest = std::max(s.newest, time);
    s.is_dirty = true;
    return time >= s.wake;
  }
  // Nothing more is waited for from it, until it is heard of again: call run(source).
  void leave_partition(SourceId source, uint16_t partition);
  void advance(SourceId source, EventTime to);
  void end(SourceId source);
  void finish(EventTime to);

  // A timer of a group; the same group may have older ones in the heap, the handler ignores them.
  void schedule(ClassId id, Timer timer);

  // A tick that heartbeats alone made due, to be judged again when a feed is heard of again. Until
  // it is released nothing that the rule may read of that tick has passed.
  void hold(ClassId id, Timer tick);
  void release(ClassId id, Timer tick);
  // Whether one of these that are live has told, by its lateness in the class, all up to `tick`, or
  // none is live any more.
  bool is_told(ClassId id, std::span<const SourceId> feeds, EventTime tick) const;
  // Hands every held tick of the classes of `source` to `handle`, in order of time, which releases
  // those that can be judged now. To be followed by run().
  template <typename Handle>
  void run_held(SourceId source, Handle&& handle) {
    for (const ClassId id : this->source(source).classes) run_held_of(id, handle);
  }
  template <typename Handle>
  void run_all_held(Handle&& handle) {
    for (ClassId id = 0; id < classes_.size(); ++id) run_held_of(id, handle);
  }

  // Hands every due timer of the classes of `source` to `handle`, in order of time within a class.
  template <typename Handle>
  void run(SourceId source, Handle&& handle) {
    SourceTime& s = sources_[static_cast<size_t>(source)];
    s.wake = kNever;
    for (const ClassId id : s.classes) run_class(id, handle);
  }
  template <typename Handle>
  void run_all(Handle&& handle) {
    for (SourceTime& s : sources_) s.wake = kNever;
    for (ClassId id = 0; id < classes_.size(); ++id) run_class(id, handle);
  }

  EventTime watermark(ClassId id);
  // The same, and changes nothing.
  EventTime reached(ClassId id) const {
    return std::max(classes_[id].watermark, computed_watermark(classes_[id]));
  }
  // As it was before the move that take_first_moved() tells of: timers up to here have run.
  EventTime settled_watermark(ClassId id) const { return classes_[id].watermark; }
  // Up to where its timers have run, and none of them is held.
  EventTime passed(ClassId id) const {
    const TimeClass& c = classes_[id];
    return c.held.empty() ? c.passed : std::min(c.passed, c.held.begin()->due);
  }
  // Has got so far already, elsewhere; to be followed by run_all().
  void reach(ClassId id, EventTime to) {
    classes_[id].watermark = std::max(classes_[id].watermark, to);
  }
  // Takes back a watermark that was saved.
  void raise_watermark(ClassId id, EventTime to);
  // Oldest event time of the sources; their first heartbeat when none came; kNever.
  EventTime first(std::span<const SourceId> feeds) const;
  // Whether all live sources of these have told nothing at or after `tick`, and none of those that
  // tell more seldom than they become idle is still in time: then a watermark at `tick` comes from
  // heartbeats alone.
  bool is_stale(std::span<const SourceId> feeds, EventTime tick) const;
  // True once after first() of some class may have become lower.
  bool take_first_moved() { return std::exchange(first_moved_, false); }

  std::optional<EventTime> source_watermark(SourceId source) const;
  // How far rules have come without this partition of the source: what it tells of before is late.
  // kMinEventTime: it was there from the beginning.
  EventTime decided_without(SourceId source, uint16_t partition) const;
  EventTime lowest_watermark() const;
  SourceTime& source(SourceId id) { return sources_[static_cast<size_t>(id)]; }
  const SourceTime& source(SourceId id) const { return sources_[static_cast<size_t>(id)]; }
  // After sources were changed by hand (restore): finds out again who waits for whom.
  void relink();
  EventTime finished() const { return finished_; }
  size_t bytes() const;

 private:
  struct Earlier {
    bool operator()(const Timer& a, const Timer& b) const { return b < a; }
  };
  struct TimeClass {
    int rank = 0;
    Milliseconds lateness{0};
    std::vector<SourceId> feeding;
    std::vector<SourceId> live;  // whose watermark counts
    EventTime watermark = kMinEventTime;
    EventTime passed = kMinEventTime;
    std::vector<Timer> timers;  // heap
    std::set<Timer, Earlier> held;
  };

  Milliseconds lateness_in(const TimeClass& c, SourceId source) const {
    return std::max(c.lateness, catalogue_->source(source).lateness);
  }
  void lower_first(SourceTime& s, EventTime time);
  bool observe_one_of_many(SourceId source, EventTime time, uint16_t partition);
  EventTime reached_by_rules_of(SourceId source) const;
  // Watermarks reached so far stay, whatever becomes of the sources.
  void settle();
  EventTime computed_watermark(const TimeClass& c) const;
  void arm(const TimeClass& c);
  std::vector<SourceId> awaited(const TimeClass& c) const;

  template <typename Handle>
  void run_held_of(ClassId id, Handle&& handle) {
    const std::vector<Timer> held(classes_[id].held.begin(), classes_[id].held.end());
    for (const Timer& tick : held) handle(tick);
  }

  template <typename Handle>
  void run_class(ClassId id, Handle&& handle) {
    const EventTime now = watermark(id);
    while (!classes_[id].timers.empty() && classes_[id].timers.front().due <= now) {
      std::vector<Timer>& timers = classes_[id].timers;
      const Timer timer = timers.front();
      std::pop_heap(timers.begin(), timers.end());
      timers.pop_back();
      classes_[id].passed = std::max(classes_[id].passed, timer.due);
      handle(timer);
    }
    classes_[id].passed = std::max(classes_[id].passed, now);
    arm(classes_[id]);
  }

  const Catalogue* catalogue_;
  std::vector<SourceTime> sources_;
  std::vector<TimeClass> classes_;
  std::map<std::tuple<int, int64_t, std::vector<SourceId>>, ClassId> class_index_;
  EventTime finished_ = kMinEventTime;
  bool first_moved_ = false;
};

}  // namespace tocsin::rules
