#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "ingest/kafka_options.h"
#include "rules/model/result.h"

namespace tocsin::ingest {

struct KafkaProducerOptions {
  KafkaConnection connection;
  std::string topic;
  std::chrono::milliseconds timeout{10'000};  // for a whole produce_all
};

struct KafkaMessage {
  std::string_view key;
  std::string_view payload;
};

// Writes messages to one topic and waits until all in-sync replicas have them.
//
// Idempotent within the life of the object; a caller that tries again after a failure may write a
// message twice, so readers keep the first of each key that names its content.
// Thread-safety: one thread at a time.
class KafkaProducer {
 public:
  static Result<std::unique_ptr<KafkaProducer>> open(KafkaProducerOptions options);
  ~KafkaProducer();
  KafkaProducer(const KafkaProducer&) = delete;
  KafkaProducer& operator=(const KafkaProducer&) = delete;

  // In order. kUnavailable: some may be written, some not; try all again. After a fatal error of
  // the library the next call works with a fresh producer.
  Status produce_all(std::span<const KafkaMessage> messages);

 private:
  class Handle;
  explicit KafkaProducer(KafkaProducerOptions options);
  Status connect();

  const KafkaProducerOptions options_;
  std::unique_ptr<Handle> handle_;
};

}  // namespace tocsin::ingest
