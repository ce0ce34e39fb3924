#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "rules/grown.h"
#include "rules/rule.h"
#include "rules/state_codec.h"

namespace tocsin::rules {

// When a group saw a term.
struct SeenTerm {
  uint64_t term = 0;  // its hash
  EventTime last{};
  EventTime before{};  // the moment it was seen at before `last`; kMinEventTime: never
};

// The terms of one group, each with when it was last seen.
//
// All times are event times. What was last seen before a time `from` is forgotten as far as that
// time is concerned, and still there until forget() is called.
// Thread-safety: one thread at a time.
class TermMemory {
 public:
  // Seen at `from` or later.
  bool has(uint64_t term, EventTime from) const;
  // The same without what was seen at the very moment `at`.
  bool has_but_at(uint64_t term, EventTime from, EventTime at) const;
  // How many were seen at `from` or later.
  size_t count(EventTime from) const;
  size_t size() const { return terms_.size(); }
  size_t bytes() const { return grown_bytes(terms_); }

  // Sees the term at `at`, also after later ones.
  void note(uint64_t term, EventTime at);
  // Drops those that were last seen before `from`.
  void forget(EventTime from);
  void clear() { terms_.clear(); }

  void write(ByteWriter& to) const;
  void read(ByteReader& from);

 private:
  const SeenTerm* find(uint64_t term) const;

  std::vector<SeenTerm> terms_;  // by hash
};

// How long and how much a group has been heard of: what `learn` asks.
struct TermPast {
  EventTime first = kMaxEventTime;
  EventTime newest = kMinEventTime;
  uint64_t events = 0;

  bool is_empty() const { return events == 0; }
  // A group that has been silent since before `from` has forgotten everything and begins anew.
  void forget(EventTime from) {
    if (newest < from) *this = TermPast{};
  }
  void count(EventTime at) {
    first = std::min(first, at);
    newest = std::max(newest, at);
    ++events;
  }
  // Whether an event at `at` would be learned only.
  bool is_learning(const NewTermDetect& detect, EventTime at) const;
};

// Since when a term must not have been seen, to be new at `at`. Calendar spans reach back to the
// beginning of the day (UTC), so that a later moment never reaches back further than an earlier
// one.
EventTime horizon(const NewTermDetect& detect, EventTime at);
// A moment at which all that was last seen at `newest` is forgotten.
EventTime forgotten_at(const NewTermDetect& detect, EventTime newest);

}  // namespace tocsin::rules
