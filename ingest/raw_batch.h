#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ingest/record_decoder.h"
#include "rules/model/result.h"

namespace tocsin::ingest {

// Told for a batch when its commit is durable, or has failed. The counts add up:
// records = events + duplicates + skipped + rejected.
struct Receipt {
  Status status;  // of the commit
  uint64_t records = 0;
  uint64_t events = 0;
  uint64_t duplicates = 0;
  uint64_t skipped = 0;
  uint64_t rejected = 0;
  struct Problem {
    int64_t position = 0;
    std::string reason;
    std::string message;
  };
  std::vector<Problem> problems;  // the first kMaxProblems rejected records
};
inline constexpr size_t kMaxProblems = 100;

// Inputs that read by themselves put no more records into a batch: a commit comes between two
// batches, and a record costs memory beyond its bytes until then.
inline constexpr int64_t kMaxBatchRecords = 20'000;

// Bytes from outside on their way to the pipeline, with what is due when they are safe.
struct RawBatch {
  std::string stream;                      // "http", "kafka/topic/3", "file/NAME"
  uint16_t partition = 0;                  // Event::partition of all of it
  std::shared_ptr<RecordDecoder> decoder;  // used by the pipeline thread alone
  std::string bytes;                       // whole records, reserved for kPadding more
  size_t size = 0;                         // of the records in `bytes`; the rest is padding
  int64_t first_position = 0;
  // Messages of Kafka: positions where they differ from counting up. Empty: the
  // decoder splits `bytes` by itself. Spans of `bytes`.
  struct Part {
    size_t begin = 0;
    size_t size = 0;
    int64_t position = 0;
    std::shared_ptr<RecordDecoder> decoder;  // nullptr: the batch's own
  };
  std::vector<Part> parts;
  std::string next_position;  // stored for `stream` with the commit; empty: none
  std::function<void(const Receipt&)> on_committed;  // on the pipeline thread: hand over, return
  std::chrono::steady_clock::time_point received{};
  bool keep_refused = true;    // false: what is refused is told in the receipt and no dead letter
  bool end_of_stream = false;  // a one-shot input has been read whole
};

}  // namespace tocsin::ingest
