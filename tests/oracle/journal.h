#pragma once

#include <string>
#include <vector>

#include "rules/rule.h"
#include "tests/oracle/stream.h"

namespace tocsin::rules::oracle {

// An event as one rule meets it.
struct Seen {
  const Event* event = nullptr;
  JournalSeq seq = 0;
  // How far the rule had got when the event had come: what was decided up to there was decided
  // without it.
  EventTime known = kMinEventTime;

  bool is_late() const { return event->time < known; }
  // Whether it counts in a decision of the time `at`, over what was before it.
  bool counts_at(EventTime at) const { return event->time < at && known < at; }
  // When it is taken by what takes one event after the other.
  EventTime taken() const { return std::max(event->time, known); }
};

// What the daemon lets in of a stream: not what came before in the same or a later revision, and
// not what is older than its source's watermark by more than the horizon.
class Journal {
 public:
  Journal(const Catalogue& catalogue, const std::vector<Delivery>& deliveries);

  // All assertions, by (time, source, id).
  std::vector<Seen> seen_by(const Rule& rule) const;
  // Oldest event time of what these sources sent, corrections included.
  std::optional<EventTime> first_of(const std::vector<SourceId>& sources) const;
  // "desk/e17": ids are those of a source.
  std::string name_of(JournalSeq seq) const;
  Tlp tlp_of(JournalSeq seq) const { return accepted_.at(seq - 1).tlp; }
  size_t size() const { return accepted_.size(); }
  size_t duplicates() const { return duplicates_; }
  size_t too_late() const { return too_late_; }

 private:
  // After each accepted event: up to where the rule has everything.
  std::vector<EventTime> progress_of(const Rule& rule) const;

  const Catalogue* catalogue_;
  std::vector<Event> accepted_;  // seq - 1
  size_t duplicates_ = 0;
  size_t too_late_ = 0;
};

// The sources that send one of these indicators; nullopt: any.
std::vector<SourceId> senders(const Catalogue& catalogue,
                              const std::optional<std::vector<IndicatorId>>& indicators);

// One stream under one set of rules.
struct Case {
  const Bundle& bundle;
  const Journal& journal;
  EventTime end;

  const Catalogue& catalogue() const { return *bundle.catalogue; }
};

}  // namespace tocsin::rules::oracle
