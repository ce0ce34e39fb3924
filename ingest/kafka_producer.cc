#include "ingest/kafka_producer.h"

#include <fmt/format.h>
#include <librdkafka/rdkafkacpp.h>

#include <algorithm>
#include <string>

namespace tocsin::ingest {

// librdkafka's producer with the reports of the messages under way.
class KafkaProducer::Handle final : public RdKafka::DeliveryReportCb, public RdKafka::EventCb {
 public:
  void dr_cb(RdKafka::Message& message) override {
    --waiting;
    if (message.err() != RdKafka::ERR_NO_ERROR && first_error.empty()) {
      first_error = message.errstr();
    }
  }

  // Failures come back as the Status of a call; the library's own lines on stderr would double
  // them. Of a broker that does not let us in, messages only tell that they timed out.
  void event_cb(RdKafka::Event& event) override {
    if (is_refusal(event)) refusal = event.str();
  }

  ~Handle() override {
    if (!producer) return;
    // Nothing of an earlier, failed call may be written later, behind newer messages.
    producer->purge(RdKafka::Producer::PURGE_QUEUE | RdKafka::Producer::PURGE_INFLIGHT);
    producer->flush(1000);
  }

  size_t waiting = 0;
  std::string first_error;
  std::string refusal;
  std::unique_ptr<RdKafka::Producer> producer;  // last: its end calls dr_cb
};

KafkaProducer::KafkaProducer(KafkaProducerOptions options) : options_(std::move(options)) {}
KafkaProducer::~KafkaProducer() = default;

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::open(KafkaProducerOptions options) {
  std::unique_ptr<KafkaProducer> producer(new KafkaProducer(std::move(options)));
  if (Status connected = producer->connect(); !connected) return connected.error();
  return producer;
}

Status KafkaProducer::connect() {
  auto handle = std::make_unique<Handle>();
  const std::unique_ptr<RdKafka::Conf> conf(RdKafka::Conf::create(RdKafka::Conf::CONF_GLOBAL));
  if (Status applied = apply_connection(options_.connection, *conf); !applied) return applied;
  const std::string timeout = std::to_string(options_.timeout.count());
  for (const auto& [name, value] :
       {std::pair<std::string, std::string>{"enable.idempotence", "true"},
        {"acks", "all"},
        {"linger.ms", "0"},
        {"message.timeout.ms", timeout}}) {
    if (Status set = set_property(*conf, name, value); !set) return set;
  }
  std::string why;
  if (conf->set("dr_cb", static_cast<RdKafka::DeliveryReportCb*>(handle.get()), why) !=
          RdKafka::Conf::CONF_OK ||
      conf->set("event_cb", static_cast<RdKafka::EventCb*>(handle.get()), why) !=
          RdKafka::Conf::CONF_OK) {
    return invalid(fmt::format("set up the Kafka producer: {}", why));
  }
  handle->producer.reset(RdKafka::Producer::create(conf.get(), why));
  if (!handle->producer) return invalid(fmt::format("create the Kafka producer: {}", why));
  handle_ = std::move(handle);  // only whole: the next produce_all() tries again otherwise
  return Status::ok();
}

Status KafkaProducer::produce_all(std::span<const KafkaMessage> messages) {
  if (!handle_) {
    if (Status connected = connect(); !connected) return connected;
  }
  Handle& handle = *handle_;
  handle.first_error.clear();
  handle.refusal.clear();
  const auto deadline = std::chrono::steady_clock::now() + options_.timeout;
  const auto left_ms = [&] {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    return static_cast<int>(std::max<int64_t>(0, left.count()));
  };
  for (const KafkaMessage& message : messages) {
    RdKafka::ErrorCode error = RdKafka::ERR_NO_ERROR;
    do {
      error = handle.producer->produce(
          options_.topic, RdKafka::Topic::PARTITION_UA, RdKafka::Producer::RK_MSG_COPY,
          const_cast<char*>(message.payload.data()), message.payload.size(), message.key.data(),
          message.key.size(), 0, nullptr);
      // The library's queue is full: its reports make room.
      if (error == RdKafka::ERR__QUEUE_FULL) handle.producer->poll(std::min(50, left_ms()));
    } while (error == RdKafka::ERR__QUEUE_FULL && left_ms() > 0);
    if (error != RdKafka::ERR_NO_ERROR) {
      handle.first_error = RdKafka::err2str(error);
      break;
    }
    ++handle.waiting;
  }
  while (handle.waiting > 0 && left_ms() > 0) handle.producer->poll(std::min(100, left_ms()));
  if (handle.waiting == 0 && handle.first_error.empty()) return Status::ok();
  const std::string why = !handle.refusal.empty()       ? handle.refusal
                          : !handle.first_error.empty() ? handle.first_error
                                                        : "no answer within the time-out";
  // What is still under way must not arrive behind the caller's next try.
  handle_.reset();
  return unavailable(
      fmt::format("write {} messages to Kafka topic {}: {}", messages.size(), options_.topic, why));
}

}  // namespace tocsin::ingest
