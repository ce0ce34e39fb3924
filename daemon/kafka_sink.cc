#include "daemon/kafka_sink.h"

#include <vector>

namespace tocsin::daemon {

Status KafkaSink::deliver(const std::vector<Notification>& notifications) {
  std::vector<ingest::KafkaMessage> messages;
  for (const Notification& notification : notifications) {
    messages.push_back({.key = notification.id, .payload = notification.json});
  }
  return produce(messages);
}

Status KafkaSink::send_heartbeat(const std::string& json) {
  return produce({{.key = "heartbeat", .payload = json}});
}

Status KafkaSink::send_digest(const std::string& json) {
  return produce({{.key = "digest", .payload = json}});
}

Status KafkaSink::produce(const std::vector<ingest::KafkaMessage>& messages) {
  if (!producer_) {
    Result<std::unique_ptr<ingest::KafkaProducer>> opened = ingest::KafkaProducer::open(options_);
    if (!opened) return unavailable(opened.error().message);  // mended here, not by losing alerts
    producer_ = std::move(*opened);
  }
  return producer_->produce_all(messages);
}

}  // namespace tocsin::daemon
