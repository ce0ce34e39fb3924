#include "rules/watermark.h"

#include <iterator>

namespace tocsin::rules {

Timeline::Timeline(const Catalogue& catalogue)
    : catalogue_(&catalogue), sources_(catalogue.sources().size()) {}

Timeline::ClassId Timeline::class_of(Milliseconds lateness, std::vector<SourceId> feeding,
                                     int rank) {
  const auto next = static_cast<ClassId>(classes_.size());
  const auto [found, is_new] = class_index_.try_emplace({rank, lateness.count(), feeding}, next);
  if (is_new) {
    TimeClass fresh;
    fresh.rank = rank;
    fresh.lateness = lateness;
    fresh.feeding = std::move(feeding);
    fresh.watermark = finished_;
    classes_.push_back(std::move(fresh));
    relink();
  }
  return found->second;
}

void Timeline::rebind(const Catalogue& next, const Catalogue& old) {
  classes_.clear();
  class_index_.clear();
  std::vector<SourceTime> sources(next.sources().size());
  for (size_t i = 0; i < sources.size(); ++i) {
    const auto known = old.find_source(next.sources()[i].name);
    if (known) sources[i] = std::move(sources_[static_cast<size_t>(*known)]);
  }
  sources_ = std::move(sources);
  catalogue_ = &next;
  relink();
}

void Timeline::relink() {
  for (SourceTime& s : sources_) {
    s.classes.clear();
    s.wake = kNever;
  }
  for (ClassId id = 0; id < classes_.size(); ++id) {
    TimeClass& c = classes_[id];
    c.live = awaited(c);
    for (ClassId lower = 0; lower < id; ++lower) {
      const TimeClass& read = classes_[lower];
      const bool is_read =
          read.rank < c.rank && std::includes(c.feeding.begin(), c.feeding.end(),
                                              read.feeding.begin(), read.feeding.end());
      if (is_read) c.live.insert(c.live.end(), read.live.begin(), read.live.end());
    }
    std::sort(c.live.begin(), c.live.end());
    c.live.erase(std::unique(c.live.begin(), c.live.end()), c.live.end());
    for (const SourceId source : c.live) this->source(source).classes.push_back(id);
    arm(c);
  }
}

// The live ones among its own.
std::vector<SourceId> Timeline::awaited(const TimeClass& c) const {
  const auto is_waited_for = [this](SourceId id) {
    return source(id).is_live && !source(id).has_ended;
  };
  std::vector<SourceId> live;
  std::copy_if(c.feeding.begin(), c.feeding.end(), std::back_inserter(live), is_waited_for);
  const bool some_ended = std::any_of(c.feeding.begin(), c.feeding.end(),
                                      [this](SourceId id) { return source(id).has_ended; });
  // All feeds of these rules have ended: what they told is complete, and the time of the others
  // is the only one that goes on (a hold or a window must still come to its end).
  if (!live.empty() || !some_ended) return live;
  for (size_t i = 0; i < sources_.size(); ++i) {
    if (is_waited_for(static_cast<SourceId>(i))) live.push_back(static_cast<SourceId>(i));
  }
  return live;
}

void Timeline::expect(SourceId id) {
  SourceTime& s = source(id);
  if (s.is_live && !s.has_ended) return;
  settle();  // though this source starts further back
  s.missed = reached_by_rules_of(id);
  s.is_live = true;
  s.has_ended = false;
  s.is_dirty = true;
  relink();
}

// The first, one that joins, or one of several.
bool Timeline::observe_one_of_many(SourceId id, EventTime time, uint16_t partition) {
  SourceTime& s = source(id);
  if (s.partitions.has_any() && !s.partitions.knows(partition)) {
    settle();  // though this partition starts further back
    s.missed = reached_by_rules_of(id);
  }
  s.partitions.observe(partition, time);
  s.newest = std::max(s.newest, time);
  s.is_dirty = true;
  const EventTime before = std::exchange(s.told, s.partitions.told());
  if (s.told < before) relink();
  return s.told > before && s.told >= s.wake;
}

void Timeline::leave_partition(SourceId id, uint16_t partition) {
  SourceTime& s = source(id);
  settle();
  s.partitions.leave(partition);
  s.told = s.partitions.told();
  s.is_dirty = true;
}

EventTime Timeline::decided_without(SourceId id, uint16_t partition) const {
  const SourceTime& s = source(id);
  const bool is_there = s.is_live && !s.has_ended;
  const bool joins = s.partitions.has_any() && !s.partitions.knows(partition);
  return is_there && !joins ? s.missed : reached_by_rules_of(id);
}

EventTime Timeline::reached_by_rules_of(SourceId id) const {
  EventTime latest = source(id).missed;
  for (const TimeClass& c : classes_) {
    if (!std::binary_search(c.feeding.begin(), c.feeding.end(), id)) continue;
    latest = std::max({latest, c.watermark, computed_watermark(c)});
  }
  return latest;
}

void Timeline::settle() {
  for (TimeClass& c : classes_) c.watermark = std::max(c.watermark, computed_watermark(c));
}

void Timeline::lower_first(SourceTime& s, EventTime time) {
  settle();
  s.first = time;
  s.is_dirty = true;
  first_moved_ = true;
}

void Timeline::advance(SourceId id, EventTime to) {
  expect(id);
  SourceTime& s = source(id);
  if (s.first == kNever) lower_first(s, to);
  s.advanced = std::max(s.advanced, to);
  s.is_dirty = true;
}

void Timeline::end(SourceId id) {
  SourceTime& s = source(id);
  settle();
  s.is_live = true;
  s.has_ended = true;
  s.is_dirty = true;
  relink();
}

void Timeline::finish(EventTime to) {
  finished_ = std::max(finished_, to);
  for (TimeClass& c : classes_) c.watermark = std::max(c.watermark, to);
}

EventTime Timeline::computed_watermark(const TimeClass& c) const {
  EventTime lowest = kNever;
  for (const SourceId id : c.live) {
    const SourceTime& s = source(id);
    lowest = std::min(lowest, std::max(s.told - lateness_in(c, id), s.advanced));
  }
  if (!c.live.empty()) return std::max(lowest, kMinEventTime);
  const bool some_ended = std::any_of(c.feeding.begin(), c.feeding.end(),
                                      [this](SourceId id) { return source(id).has_ended; });
  if (!some_ended) return kMinEventTime;
  // Nothing is live any more, so all have come to the same end: rules over alerts, which wait for
  // more sources, must not be ahead of those that they read.
  EventTime newest = kMinEventTime;
  for (const SourceTime& s : sources_) newest = std::max(newest, s.newest);
  return newest;
}

EventTime Timeline::watermark(ClassId id) {
  TimeClass& c = classes_[id];
  c.watermark = std::max(c.watermark, computed_watermark(c));
  return c.watermark;
}

void Timeline::raise_watermark(ClassId id, EventTime to) {
  classes_[id].watermark = std::max(classes_[id].watermark, to);
  classes_[id].passed = std::max(classes_[id].passed, to);
}

EventTime Timeline::first(std::span<const SourceId> feeds) const {
  EventTime first = kNever;
  for (const SourceId source : feeds) {
    first = std::min(first, this->source(source).first);
  }
  return first;
}

bool Timeline::is_stale(std::span<const SourceId> feeds, EventTime tick) const {
  if (tick <= finished_) return false;
  bool some_live = false;
  for (const SourceId source : feeds) {
    const SourceTime& s = this->source(source);
    if (!s.is_live || s.has_ended) continue;
    // A yearly panel that comes in one batch holds nothing back for long, and is silent only when
    // the next one is overdue.
    const Source& about = catalogue_->source(source);
    const Milliseconds pause = about.cadence > about.idle ? about.cadence : Milliseconds{0};
    if (s.newest + pause >= tick) return false;
    some_live = true;
  }
  return some_live;
}

void Timeline::schedule(ClassId id, Timer timer) {
  TimeClass& c = classes_[id];
  const bool is_first = c.timers.empty() || timer.due < c.timers.front().due;
  c.timers.push_back(timer);
  std::push_heap(c.timers.begin(), c.timers.end());
  if (is_first) arm(c);
}

void Timeline::arm(const TimeClass& c) {
  if (c.timers.empty() && c.held.empty()) return;
  for (const SourceId id : c.live) {
    SourceTime& s = source(id);
    const Milliseconds lateness = lateness_in(c, id);
    const auto wake_at = [&](EventTime due) {
      if (s.told < due + lateness) s.wake = std::min(s.wake, due + lateness);
    };
    if (!c.timers.empty()) wake_at(c.timers.front().due);
    if (c.held.empty()) continue;
    // Held ticks up to there wait for other sources.
    const auto next = c.held.upper_bound({s.told - lateness, UINT32_MAX, UINT32_MAX});
    if (next != c.held.end()) wake_at(next->due);
  }
}

void Timeline::hold(ClassId id, Timer tick) {
  classes_[id].held.insert(tick);
  arm(classes_[id]);
}

void Timeline::release(ClassId id, Timer tick) { classes_[id].held.erase(tick); }

bool Timeline::is_told(ClassId id, std::span<const SourceId> feeds, EventTime tick) const {
  if (tick <= finished_) return true;
  bool some_live = false;
  for (const SourceId feed : feeds) {
    const SourceTime& s = source(feed);
    if (!s.is_live || s.has_ended) continue;
    if (s.told >= tick + lateness_in(classes_[id], feed)) return true;
    some_live = true;
  }
  return !some_live;
}

std::optional<EventTime> Timeline::source_watermark(SourceId id) const {
  const SourceTime& s = source(id);
  if (s.newest == kMinEventTime && s.advanced == kMinEventTime) return std::nullopt;
  return std::max(s.told - catalogue_->source(id).lateness, s.advanced);
}

EventTime Timeline::lowest_watermark() const {
  EventTime lowest = kNever;
  EventTime newest = kMinEventTime;
  for (size_t i = 0; i < sources_.size(); ++i) {
    const SourceTime& s = sources_[i];
    if (!s.is_live) continue;
    const auto own = source_watermark(static_cast<SourceId>(i)).value_or(kMinEventTime);
    newest = std::max(newest, s.newest);
    if (!s.has_ended) lowest = std::min(lowest, own);
  }
  return std::max(finished_, lowest == kNever ? newest : lowest);
}

size_t Timeline::bytes() const {
  size_t sum = sources_.size() * sizeof(SourceTime);
  for (const TimeClass& c : classes_) sum += sizeof c + c.timers.capacity() * sizeof(Timer);
  return sum;
}

}  // namespace tocsin::rules
