#include "daemon/kafka_sink.h"

#include <vector>

namespace tocsin::daemon {

Status KafkaSink::deliver(const std::vector<storage::OutboxEntry>& entries) {
  if (!producer_) {
    Result<std::unique_ptr<ingest::KafkaProducer>> opened = ingest::KafkaProducer::open(options_);
    if (!opened) return unavailable(opened.error().message);  // mended here, not by losing alerts
    producer_ = std::move(*opened);
  }
  std::vector<std::string> keys;
  keys.reserve(entries.size());
  std::vector<ingest::KafkaMessage> messages;
  for (const storage::OutboxEntry& entry : entries) {
    keys.push_back(to_hex(entry.alert));
    messages.push_back({.key = keys.back(), .payload = entry.json});
  }
  return producer_->produce_all(messages);
}

}  // namespace tocsin::daemon
