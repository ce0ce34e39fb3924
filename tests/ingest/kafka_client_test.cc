#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/kafka_producer.h"
#include "ingest/kafka_source.h"
#include "tests/ingest/mock_cluster.h"

namespace tocsin::ingest {
namespace {

using testing::HasSubstr;

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
  BatchQueue queue(1000);
  for (const auto& [path, why] : std::vector<std::pair<std::string, std::string>>{
           {"/no/such/file", "No such file"}, {"/", "Is a directory"}, {"/dev/null", "empty"}}) {
    SCOPED_TRACE(path);
    o.connection.sasl_password_file = path;
    KafkaSource source(o);
    const Status started = source.start(queue, [](std::string_view) { return std::nullopt; });
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(started.error().message, AllOf(HasSubstr(path), HasSubstr(why)));
    const auto producer = KafkaProducer::open({.connection = o.connection, .topic = "alerts"});
    ASSERT_FALSE(producer);
    EXPECT_THAT(producer.error().message, HasSubstr(why));
  }
}

}  // namespace
}  // namespace tocsin::ingest
