#pragma once

#include <memory>
#include <string>

#include "daemon/notification_sink.h"
#include "ingest/kafka_producer.h"

namespace tocsin::daemon {

// Writes each transition as one message to a topic: key the alert's id, payload alert/1. Heartbeats
// have the key `heartbeat`.
//
// A delivery that failed half-way is repeated whole: readers keep the first of each (id, seq).
// Thread-safety: one thread.
class KafkaSink final : public NotificationSink {
 public:
  KafkaSink(std::string name, ingest::KafkaProducerOptions options)
      : name_(std::move(name)), options_(std::move(options)) {}

  const std::string& name() const override { return name_; }
  Status deliver(const std::vector<Notification>& notifications) override;
  Status send_heartbeat(const std::string& json) override;
  Status send_digest(const std::string& json) override;

 private:
  Status produce(const std::vector<ingest::KafkaMessage>& messages);

  const std::string name_;
  const ingest::KafkaProducerOptions options_;
  std::unique_ptr<ingest::KafkaProducer> producer_;  // opened by the first delivery
};

}  // namespace tocsin::daemon
