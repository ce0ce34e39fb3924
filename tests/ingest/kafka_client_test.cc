// The order of calls and the way of bytes, against librdkafka's mock cluster. It proves nothing
// about transactions or fencing; the tests against the real broker do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "ingest/kafka_producer.h"
#include "ingest/kafka_source.h"
#include "tests/ingest/small_catalogue.h"
#include "tests/ingest/told_records.h"

namespace tocsin::ingest {
namespace {

using testing::HasSubstr;

constexpr const char* kTopic = "reports";

std::string event(int id) {
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

Status produce(const MockCluster& cluster, int first, int last) {
  auto producer = KafkaProducer::open({cluster.connection(), kTopic});
  if (!producer) return producer.error();
  std::vector<std::string> payloads;
  std::vector<std::string> keys;
  for (int id = first; id <= last; ++id) {
    payloads.push_back(event(id));
    keys.push_back(std::to_string(id));
  }
  std::vector<KafkaMessage> messages;
  for (size_t i = 0; i < payloads.size(); ++i) messages.push_back({keys[i], payloads[i]});
  return (*producer)->produce_all(messages);
}

KafkaSourceOptions options(const MockCluster& cluster) {
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

// What came out of a queue: ids by stream in order, and the positions to go on from.
struct Received {
  std::map<std::string, std::vector<std::string>> ids;
  std::map<std::string, std::string> positions;
  size_t count = 0;

  void take(RawBatch& batch) {
    Arena arena;
    ToldRecords told;
    for (const RawBatch::Part& part : batch.parts) {
      RecordDecoder& decoder = part.decoder ? *part.decoder : *batch.decoder;
      decoder.decode(std::string_view(batch.bytes).substr(part.begin, part.size), part.position,
                     arena, told);
    }
    for (const ToldRecord& record : told.all) {
      ASSERT_EQ(record.verdict, Verdict::kEvent) << record.message;
      ids[batch.stream].emplace_back(record.event.id);
      ++count;
    }
    positions[batch.stream] = batch.next_position;
    if (batch.on_committed) batch.on_committed(Receipt{});
  }

  void take_until(BatchQueue& queue, size_t wanted) {
    while (count < wanted) {
      auto batch = queue.pop_until(std::chrono::steady_clock::now() + std::chrono::seconds(60));
      ASSERT_TRUE(batch.has_value()) << "only " << count << " of " << wanted << " came";
      take(*batch);
    }
  }

  std::set<std::string> all() const {
    std::set<std::string> unique;
    for (const auto& [stream, list] : ids) unique.insert(list.begin(), list.end());
    return unique;
  }
};

TEST(KafkaSource, ReadsEveryMessageOnceAndGoesOnFromTheStoredPositions) {
  MockCluster cluster(3);
  ASSERT_TRUE(produce(cluster, 1, 300));
  Received received;
  {
    BatchQueue queue(1 << 20);
    KafkaSource source(options(cluster));
    ASSERT_TRUE(source.start(queue, [](std::string_view) { return std::nullopt; }));
    received.take_until(queue, 300);
    EXPECT_TRUE(source.health().connected);
    source.stop();
  }
  EXPECT_EQ(received.all().size(), 300u);
  EXPECT_EQ(received.ids.size(), 3u) << "all partitions";
  ASSERT_TRUE(produce(cluster, 301, 400));
  BatchQueue queue(1 << 20);
  KafkaSourceOptions o = options(cluster);
  o.group = "another";  // so that the group's offsets cannot help
  KafkaSource source(o);
  ASSERT_TRUE(source.start(queue, [&](std::string_view stream) -> std::optional<std::string> {
    const auto found = received.positions.find(std::string(stream));
    return found == received.positions.end() ? std::nullopt : std::optional(found->second);
  }));
  received.take_until(queue, 400);
  source.stop();
  EXPECT_EQ(received.count, 400u);
  EXPECT_EQ(received.all().size(), 400u);
  EXPECT_EQ(source.offset_gaps(), 0u);
  EXPECT_EQ(source.offsets_backwards(), 0u);
}

TEST(KafkaSource, HoldsBackWhenTheQueueIsFullAndLosesNothing) {
  MockCluster cluster(2);
  ASSERT_TRUE(produce(cluster, 1, 500));
  BatchQueue queue(2000);
  KafkaSourceOptions o = options(cluster);
  o.batch_bytes = 1000;
  KafkaSource source(o);
  ASSERT_TRUE(source.start(queue, [](std::string_view) { return std::nullopt; }));
  Received received;
  // Wait until it is full, so that the source has to pause at least once.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (queue.size() < 1 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  received.take_until(queue, 500);
  source.stop();
  EXPECT_EQ(received.count, 500u);
  EXPECT_EQ(received.all().size(), 500u);
  for (const auto& [stream, ids] : received.ids) {
    std::vector<int> numbers;
    for (const std::string& id : ids) numbers.push_back(std::stoi(id));
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end())) << stream;
  }
}

TEST(KafkaProducer, TriesAgainWhenABrokerAnswersWithAPassingError) {
  MockCluster cluster(1);
  cluster.fail_produce(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 2);
  EXPECT_TRUE(produce(cluster, 1, 3));
}

TEST(KafkaProducer, SaysWhenNobodyAnswersAndWorksAgainAfterwards) {
  MockCluster cluster(1);
  KafkaProducerOptions o{cluster.connection(), kTopic};
  o.timeout = std::chrono::milliseconds(1500);
  auto producer = KafkaProducer::open(o);
  ASSERT_TRUE(producer) << producer.error().message;
  const std::vector<KafkaMessage> messages{{"k", "v"}};
  cluster.set_down(true);
  const Status failed = (*producer)->produce_all(messages);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(failed.error().message, HasSubstr("write 1 messages to Kafka topic reports"));
  cluster.set_down(false);
  Status again = (*producer)->produce_all(messages);
  for (int i = 0; i < 10 && !again; ++i) again = (*producer)->produce_all(messages);
  EXPECT_TRUE(again) << again.error().message;
}

TEST(KafkaOptions, RefusesPropertiesThatWouldBreakAPromise) {
  MockCluster cluster(1);
  for (const std::string name : {"enable.auto.commit", "acks", "group.instance.id"}) {
    KafkaSourceOptions o = options(cluster);
    o.connection.properties[name] = "x";
    BatchQueue queue(1000);
    KafkaSource source(o);
    const Status started = source.start(queue, [](std::string_view) { return std::nullopt; });
    ASSERT_FALSE(started) << name;
    EXPECT_THAT(started.error().message, HasSubstr(name));
  }
  KafkaSourceOptions o = options(cluster);
  o.connection.properties["no.such.property"] = "x";
  BatchQueue queue(1000);
  KafkaSource source(o);
  const Status started = source.start(queue, [](std::string_view) { return std::nullopt; });
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("no.such.property"));
}

TEST(KafkaOptions, ReadsSecretsFromFilesOnly) {
  MockCluster cluster(1);
  KafkaSourceOptions o = options(cluster);
  o.connection.sasl_password_file = "/no/such/file";
  BatchQueue queue(1000);
  KafkaSource source(o);
  const Status started = source.start(queue, [](std::string_view) { return std::nullopt; });
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("/no/such/file"));
}

}  // namespace
}  // namespace tocsin::ingest
