#include "rules/kinds/term_memory.h"

#include <algorithm>

#include "rules/grown.h"
#include "rules/source_time.h"

namespace tocsin::rules {

namespace {

bool is_less(const SeenTerm& seen, uint64_t term) { return seen.term < term; }

}  // namespace

const SeenTerm* TermMemory::find(uint64_t term) const {
  const auto at = std::lower_bound(terms_.begin(), terms_.end(), term, is_less);
  return at == terms_.end() || at->term != term ? nullptr : &*at;
}

bool TermMemory::has(uint64_t term, EventTime from) const {
  const SeenTerm* seen = find(term);
  return seen != nullptr && seen->last >= from;
}

bool TermMemory::has_but_at(uint64_t term, EventTime from, EventTime at) const {
  const SeenTerm* seen = find(term);
  return seen != nullptr && (seen->last == at ? seen->before : seen->last) >= from;
}

size_t TermMemory::count(EventTime from) const {
  return static_cast<size_t>(std::count_if(
      terms_.begin(), terms_.end(), [from](const SeenTerm& seen) { return seen.last >= from; }));
}

void TermMemory::note(uint64_t term, EventTime at) {
  const auto place = std::lower_bound(terms_.begin(), terms_.end(), term, is_less);
  if (place == terms_.end() || place->term != term) {
    terms_.insert(place, {.term = term, .last = at, .before = kMinEventTime});
  } else if (at > place->last) {
    place->before = std::exchange(place->last, at);
  } else if (at < place->last) {
    place->before = std::max(place->before, at);
  }
}

void TermMemory::forget(EventTime from) {
  std::erase_if(terms_, [from](const SeenTerm& seen) { return seen.last < from; });
  shrink_if_sparse(terms_);
}

void TermMemory::write(ByteWriter& to) const {
  to.u32(static_cast<uint32_t>(terms_.size()));
  for (const SeenTerm& seen : terms_) {
    to.u64(seen.term);
    to.time(seen.last);
    to.time(seen.before);
  }
}

void TermMemory::read(ByteReader& from) {
  terms_.resize(from.count());
  for (SeenTerm& seen : terms_) {
    seen.term = from.u64();
    seen.last = from.time();
    seen.before = from.time();
  }
}

bool TermPast::is_learning(const NewTermDetect& detect, EventTime at) const {
  if (!detect.learn_for && !detect.learn_events) return false;
  if (detect.learn_events && events >= *detect.learn_events) return false;
  return !detect.learn_for || at < add(std::min(first, at), *detect.learn_for);
}

EventTime horizon(const NewTermDetect& detect, EventTime at) {
  const EventTime start = subtract(at, detect.history);
  return detect.history.is_calendar() ? EventTime(std::chrono::floor<std::chrono::days>(start))
                                      : start;
}

EventTime forgotten_at(const NewTermDetect& detect, EventTime newest) {
  // What is seen a whole history later is decided a moment after that, in this group or in another
  // that asks it: until then it must know.
  const EventTime end = newest + longest(detect.history) + 2 * kMoment;
  return detect.history.is_calendar() ? end + std::chrono::days(1) : end;
}

}  // namespace tocsin::rules
