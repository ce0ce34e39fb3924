#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "ingest/event_source.h"
#include "ingest/kafka_options.h"
#include "ingest/symbols.h"

namespace tocsin::ingest {

struct KafkaSourceOptions {
  std::string name;
  KafkaConnection connection;
  std::vector<std::string> topics;
  std::string group;
  // group.instance.id: a restart within the session time-out keeps its partitions. "" : dynamic.
  std::string instance_id;
  // Where to begin without a stored position and without the group's: "earliest" or "latest".
  std::string offset_reset = "earliest";
  // A batch is handed on at so many bytes, or after `max_wait`; larger costs memory and delay.
  size_t batch_bytes = size_t{512} * 1024;
  std::chrono::milliseconds max_wait{20};
  // Decoder of messages that are no CloudEvents; one a partition. Default: one event/1 a message.
  std::function<std::shared_ptr<RecordDecoder>(std::string_view stream)> make_decoder;
  std::shared_ptr<const CurrentSymbols> symbols;
};

// Topics of a broker, read as a member of a consumer group.
//
// A partition is the stream "kafka/TOPIC/PARTITION"; its position is the offset of the next
// message, in decimals, stored with the commit of its batch. On assignment reading starts behind
// what was handed on already, else at the stored position, else where the group's committed offset
// says, else by `offset_reset`. After the durable commit the offset is also told to the broker,
// asynchronously: for people and tools, never read where a position is stored.
//
// One thread polls single messages: the batch call of librdkafka before 2.1 can skip offsets around
// pause, seek and rebalance; the single-message call keeps the position of each message exactly, so
// that here pausing is safe. The eager `range` assignor with static membership keeps clear of the
// cooperative one's faults. When the queue is full all partitions are paused until there is room,
// and polling goes on, which keeps the member in its group however long that takes. A gap in a
// partition's offsets (compaction, transaction markers, retention) is counted. So are offsets that
// go back, as they do when a topic is made anew and ends before the position: such messages are
// taken, and health() says so. A topic made anew that has grown past the position already is not
// noticed.
// Thread-safety: start and stop from one thread; health from any.
class KafkaSource final : public EventSource {
 public:
  explicit KafkaSource(KafkaSourceOptions options);
  ~KafkaSource() override;

  const std::string& name() const override { return options_.name; }
  Status start(
      BatchQueue& queue,
      std::function<std::optional<std::string>(std::string_view stream)> position_of) override;
  void stop() override;
  SourceHealth health() const override;

  // Offsets that were jumped over, and how often a partition's went back.
  uint64_t offset_gaps() const { return gaps_; }
  uint64_t offsets_backwards() const { return backwards_; }

 private:
  class Consumer;

  const KafkaSourceOptions options_;
  std::shared_ptr<Consumer> consumer_;  // shared with on_committed of batches still under way
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> gaps_{0};
  std::atomic<uint64_t> backwards_{0};
  mutable std::mutex mutex_;
  SourceHealth health_;  // guarded by mutex_
};

}  // namespace tocsin::ingest
