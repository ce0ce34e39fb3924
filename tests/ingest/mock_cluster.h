#pragma once

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <librdkafka/rdkafkacpp.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/kafka_producer.h"
#include "ingest/kafka_source.h"
#include "tests/ingest/small_catalogue.h"

// librdkafka's mock cluster, for the order of calls and the way of bytes. It proves nothing about
// transactions or fencing; the tests against the real broker do.
namespace tocsin::ingest {

inline constexpr const char* kTopic = "reports";

inline std::string event(int id) {
  return R"({"id":")" + std::to_string(id) +
         R"(","source":"ucdp-ged","indicator":"violence.state_based","time":"2011-03-18","region":"SY"})";
}

class MockCluster {
 public:
  explicit MockCluster(int partitions) {
    char why[256];
    rd_kafka_conf_t* const conf = rd_kafka_conf_new();
    handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    cluster_ = rd_kafka_mock_cluster_new(handle_, 1);
    rd_kafka_mock_topic_create(cluster_, kTopic, partitions, 1);
  }
  ~MockCluster() {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(handle_);
  }
  MockCluster(const MockCluster&) = delete;
  MockCluster& operator=(const MockCluster&) = delete;

  KafkaConnection connection() const {
    KafkaConnection connection;
    connection.brokers = rd_kafka_mock_cluster_bootstraps(cluster_);
    return connection;
  }
  void fail_produce(rd_kafka_resp_err_t error, int times) {
    for (int i = 0; i < times; ++i) rd_kafka_mock_push_request_errors(cluster_, 0, 1, error);
  }
  void set_down(bool down) {
    if (down) {
      rd_kafka_mock_broker_set_down(cluster_, 1);
    } else {
      rd_kafka_mock_broker_set_up(cluster_, 1);
    }
  }

 private:
  rd_kafka_t* handle_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
};

// Events `first` to `last`, each with so much white space that it has at least `bytes`.
inline Status produce(const MockCluster& cluster, int first, int last, size_t bytes = 0) {
  auto producer = KafkaProducer::open({cluster.connection(), kTopic});
  if (!producer) return producer.error();
  std::vector<std::string> payloads;
  std::vector<std::string> keys;
  for (int id = first; id <= last; ++id) {
    payloads.push_back(event(id));
    if (payloads.back().size() < bytes) payloads.back().resize(bytes, ' ');
    keys.push_back(std::to_string(id));
  }
  std::vector<KafkaMessage> messages;
  for (size_t i = 0; i < payloads.size(); ++i) messages.push_back({keys[i], payloads[i]});
  return (*producer)->produce_all(messages);
}

// One message to partition 0 with headers, in their order; false when it could not be written.
inline bool produce_with_headers(const MockCluster& cluster, std::string_view payload,
                                 const std::vector<std::pair<std::string, std::string>>& headers) {
  std::string why;
  const std::unique_ptr<RdKafka::Conf> conf(RdKafka::Conf::create(RdKafka::Conf::CONF_GLOBAL));
  conf->set("bootstrap.servers", cluster.connection().brokers, why);
  const std::unique_ptr<RdKafka::Producer> producer(RdKafka::Producer::create(conf.get(), why));
  RdKafka::Headers* const all = RdKafka::Headers::create();
  for (const auto& [name, value] : headers) all->add(name, value);
  const RdKafka::ErrorCode error = producer->produce(kTopic, 0, RdKafka::Producer::RK_MSG_COPY,
                                                     const_cast<char*>(payload.data()),
                                                     payload.size(), nullptr, 0, 0, all, nullptr);
  return error == RdKafka::ERR_NO_ERROR && producer->flush(20'000) == RdKafka::ERR_NO_ERROR;
}

inline KafkaSourceOptions options(const MockCluster& cluster) {
  KafkaSourceOptions o;
  o.name = "reports";
  o.connection = cluster.connection();
  o.connection.properties["session.timeout.ms"] = "6000";
  o.topics = {kTopic};
  o.group = "tocsin";
  o.instance_id = "one";
  o.symbols = small_symbols();
  return o;
}

}  // namespace tocsin::ingest
