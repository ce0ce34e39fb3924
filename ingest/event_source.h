#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "ingest/bounded_queue.h"
#include "ingest/raw_batch.h"
#include "rules/model/result.h"

namespace tocsin::ingest {

using BatchQueue = BoundedQueue<RawBatch>;

// How an input is doing, for `status`, `/-/ready` and metrics.
struct SourceHealth {
  bool connected = false;
  bool finished = false;  // a one-shot input that has been read whole
  bool failed = false;    // a one-shot input that cannot be read; it is not tried again
  // For people: what is wrong while not connected, else what they should know. Empty: nothing.
  std::string message;
  std::map<std::string, int64_t> lag_records;  // by stream, where known
  // How far reading is behind, by stream, where known: age of the last record read while more wait.
  std::map<std::string, double> lag_seconds{};
  // Of Kafka, since the start: offsets jumped over, and how often they went back.
  uint64_t offset_gaps = 0;
  uint64_t offsets_backwards = 0;
};

// An input that reads by itself (Kafka, files); HTTP pushes instead.
//
// Reads from the stored position on, puts batches into the queue, and waits when the queue is full:
// back-pressure reaches the outside, nothing is dropped.
// Thread-safety: start and stop from one thread; health from any.
class EventSource {
 public:
  virtual ~EventSource() = default;
  virtual const std::string& name() const = 0;
  // Starts its own thread. `position_of` gives the stored position of a stream, safe from any
  // thread. kNotFound: what is to be read is not there; health() says so as well.
  virtual Status start(
      BatchQueue& queue,
      std::function<std::optional<std::string>(std::string_view stream)> position_of) = 0;
  // Stops reading and joins the thread; batches already queued stay valid.
  virtual void stop() = 0;
  virtual SourceHealth health() const = 0;
};

}  // namespace tocsin::ingest
