#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/pipeline.h"
#include "ingest/record_decoder.h"
#include "rules/model/arena.h"
#include "rules/model/result.h"

namespace tocsin::daemon {

// What a file of history came to. records = with_events + skipped + rejected.
struct InputCounts {
  std::string name;
  uint64_t records = 0;      // rows or lines of the file
  uint64_t with_events = 0;  // that gave at least one event
  uint64_t events = 0;
  std::map<std::string, uint64_t, std::less<>> skipped;   // by reason
  std::map<std::string, uint64_t, std::less<>> rejected;  // by reason
  struct Problem {
    int64_t position = 0;
    std::string reason;
    std::string message;
  };
  std::vector<Problem> problems;  // the first rejected ones

  uint64_t skipped_total() const;
  uint64_t rejected_total() const;
};

// History read from files into memory, in the order in which it is to arrive.
//
// All inputs are merged by event time, as if each event had arrived when it could be known.
// Thread-safety: one thread at a time.
class History {
 public:
  // Reads a whole file through `decoder`, which is kept since events may point into it. A record
  // that gives several events (mappings) counts as one. kUnavailable when it cannot be read.
  Status read(const std::string& name, const std::string& path,
              std::unique_ptr<ingest::RecordDecoder> decoder);

  // Files do not tell when a correction came, so history is judged as it stands in the end: of each
  // event its last revision is kept, and none where that retracts it. Before `sort`.
  void settle();
  // Orders by (time, source, id). With a seed, arrivals are then moved at random, each by less than
  // its source's lateness: results must not change.
  void sort(const Catalogue& catalogue);
  void shuffle(const Catalogue& catalogue, uint64_t seed);

  // Feeds everything into the pipeline: sources are expected, ended after their last event, and
  // time goes on to the end of the day (UTC) of the newest event: most dates are days, so the input
  // covers that one whole, and no window that it may not cover is closed. `progress` is told how
  // many of how many are done.
  struct Outcome {
    uint64_t accepted = 0;
    uint64_t duplicates = 0;
    uint64_t too_late = 0;
    EventTime judged_to = kMinEventTime;
  };
  Result<Outcome> play(Pipeline& pipeline,
                       const std::function<void(uint64_t done, uint64_t of)>& progress);

  void for_each(const std::function<void(const Event&)>& call) const {
    for (const Entry& entry : events_) call(entry.event);
  }

  uint64_t superseded() const { return superseded_; }  // by a later revision
  uint64_t retracted() const { return retracted_; }    // retractions, and what they retract
  const std::vector<InputCounts>& inputs() const { return inputs_; }
  size_t size() const { return events_.size(); }

 private:
  friend class HistoryReader;
  struct Entry {
    Event event;
    int64_t position = 0;
    uint32_t input = 0;
    std::string_view raw;
  };

  std::vector<Entry> events_;
  uint64_t superseded_ = 0;
  uint64_t retracted_ = 0;
  std::vector<InputCounts> inputs_;
  std::vector<std::unique_ptr<std::string>> contents_;
  std::vector<std::unique_ptr<ingest::RecordDecoder>> decoders_;
  Arena arena_{1 << 20};
};

}  // namespace tocsin::daemon
