#include "ingest/kafka_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include "ingest/reasons.h"
#include "tests/ingest/mock_cluster.h"
#include "tests/ingest/told_records.h"

namespace tocsin::ingest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// What came out of a queue: ids by stream in order, and the positions to go on from.
struct Received {
  std::map<std::string, std::vector<std::string>> ids;
  std::map<std::string, std::string> positions;
  std::map<std::string, uint16_t> numbers;  // of partitions, by stream
  std::vector<std::string> raw;             // of every record
  std::vector<int64_t> offsets;             // likewise
  size_t count = 0;
  bool commits = true;  // tells the source that a batch is durable

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
      raw.push_back(record.raw);
      offsets.push_back(record.position);
      ++count;
    }
    positions[batch.stream] = batch.next_position;
    numbers[batch.stream] = batch.partition;
    if (commits) batch.on_committed(Receipt{});
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
  for (const auto& [stream, number] : received.numbers) {
    EXPECT_TRUE(stream.ends_with("/" + std::to_string(number - 1))) << stream << " is " << number;
  }
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

// False when it is still not so after a minute.
template <typename Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

TEST(KafkaSource, TakesTheMessagesOfATopicThatWasMadeAnewAndSaysSo) {
  MockCluster cluster(1);
  ASSERT_TRUE(produce(cluster, 1, 20));
  BatchQueue queue(1 << 20);
  KafkaSource source(options(cluster));
  ASSERT_TRUE(source.start(queue, [](std::string_view) { return "300"; }));
  Received received;
  received.take_until(queue, 20);
  source.stop();
  EXPECT_EQ(received.all().size(), 20u);
  EXPECT_EQ(received.positions["kafka/reports/0"], "20");
  EXPECT_EQ(source.health().offsets_backwards, 1u);
  EXPECT_EQ(source.health().offset_gaps, 0u);
  EXPECT_TRUE(source.health().connected);
  EXPECT_THAT(source.health().message, HasSubstr("kafka/reports/0 went back from 300 to 0"));
}

TEST(KafkaSource, CountsWhatRetentionTookAwayBeforeItWasRead) {
  MockCluster cluster(1);
  // The mock broker keeps 5 MiB of a partition.
  for (int id = 1; id <= 120; id += 10) ASSERT_TRUE(produce(cluster, id, id + 9, 60'000));
  BatchQueue queue(16 << 20);
  KafkaSource source(options(cluster));
  ASSERT_TRUE(source.start(queue, [](std::string_view) { return "5"; }));
  Received received;
  while (received.positions["kafka/reports/0"] != "120") {
    auto batch = queue.pop_until(std::chrono::steady_clock::now() + std::chrono::seconds(60));
    ASSERT_TRUE(batch.has_value());
    received.take(*batch);
  }
  source.stop();
  EXPECT_EQ(received.all().size(), received.count) << "none twice";
  EXPECT_LT(received.count, 115u);
  EXPECT_EQ(source.health().offset_gaps, 115 - received.count);
  EXPECT_EQ(source.health().offsets_backwards, 0u);
}

TEST(KafkaSource, DoesNotHandOnAgainWhatWaitsInTheQueueWhenTheGroupIsDividedAnew) {
  MockCluster cluster(2);
  ASSERT_TRUE(produce(cluster, 1, 200));
  BatchQueue queue(1 << 20);
  KafkaSourceOptions o = options(cluster);
  o.instance_id = "";
  KafkaSource source(o);
  ASSERT_TRUE(source.start(queue, [](std::string_view) { return std::nullopt; }));
  Received first;
  first.commits = false;
  first.take_until(queue, 200);
  BatchQueue other_queue(1 << 20);
  KafkaSource other(o);
  ASSERT_TRUE(other.start(other_queue, [](std::string_view) { return std::nullopt; }));
  ASSERT_TRUE(eventually([&] { return other.health().connected; })) << "it has its part";
  ASSERT_TRUE(produce(cluster, 201, 400));
  Received rest;
  const auto new_ones = [&] {
    std::set<std::string> ids = first.all();
    ids.merge(rest.all());
    return std::count_if(ids.begin(), ids.end(),
                         [](const std::string& id) { return std::stoi(id) > 200; });
  };
  ASSERT_TRUE(eventually([&] {
    const auto now = std::chrono::steady_clock::now();
    if (auto batch = queue.pop_until(now)) first.take(*batch);
    if (auto batch = other_queue.pop_until(now)) rest.take(*batch);
    return new_ones() == 200;
  }));
  source.stop();
  other.stop();
  ASSERT_EQ(rest.ids.size(), 1u) << "the group was divided";
  EXPECT_EQ(first.all().size(), first.count) << "none twice";
  EXPECT_GT(first.count, 200u) << "the part that stayed is read on";
  EXPECT_EQ(source.health().offset_gaps, 0u);
}

TEST(KafkaSource, IsWellAgainWithoutAMessageWhenTheBrokersAreBack) {
  MockCluster cluster(1);
  BatchQueue queue(1 << 20);
  KafkaSource source(options(cluster));
  ASSERT_TRUE(source.start(queue, [](std::string_view) { return std::nullopt; }));
  ASSERT_TRUE(eventually([&] { return source.health().connected; }));
  cluster.set_down(true);
  ASSERT_TRUE(eventually([&] { return !source.health().connected; }));
  EXPECT_THAT(source.health().message, HasSubstr("Kafka: "));
  cluster.set_down(false);
  EXPECT_TRUE(eventually([&] { return source.health().connected; })) << source.health().message;
  EXPECT_EQ(source.health().message, "");
  source.stop();
}

TEST(KafkaSource, KnowsCloudEventsByTheirHeadersInAnyOrderAndOfAnyLength) {
  using Headers = std::vector<std::pair<std::string, std::string>>;
  const std::string long_name(300, 'x');
  const std::string envelope =
      R"({"specversion":"1.0","type":"t","source":"s","id":"e","data":)" + event(1) + "}";
  const Headers binary = {{"ce_specversion", "1.0"},
                          {"ce_id", "e"},
                          {"ce_source", "an/origin/that/is/longer/than/a/small/text"},
                          {"ce_type", "t"},
                          {"ce_anextensionwithquitealongname", "x"},
                          {"content-type", "application/json"}};
  Headers reversed(binary.rbegin(), binary.rend());
  Headers among_others = {{long_name, long_name}, {"traceparent", "00-0af7651916cd43dd8448eb211c"}};
  for (int i = 0; i < 40; ++i) among_others.emplace_back("other" + std::to_string(i), "");
  among_others.insert(among_others.begin() + 20, binary.begin(), binary.end());
  Headers structured = {{long_name, "x"},
                        {"Content-Type", "application/cloudevents+json; charset=UTF-8"},
                        {"x", long_name}};
  const std::vector<std::pair<std::string, Headers>> messages = {
      {event(1), binary},       {event(2), reversed}, {event(3), among_others},
      {envelope, structured},   {event(4), {}},       {event(5), {{"content-type", "text/json"}}},
      {event(6), {{"", "1.0"}}}};
  MockCluster cluster(1);
  for (const auto& [payload, headers] : messages) {
    ASSERT_TRUE(produce_with_headers(cluster, payload, headers));
  }
  BatchQueue queue(1 << 20);
  KafkaSource source(options(cluster));
  ASSERT_TRUE(source.start(queue, [](std::string_view) { return std::nullopt; }));
  Received received;
  received.take_until(queue, messages.size());
  source.stop();
  EXPECT_THAT(received.ids["kafka/reports/0"], ElementsAre("1", "2", "3", "1", "4", "5", "6"));
  // The headers of a binary-mode event are kept as its envelope.
  EXPECT_THAT(received.raw[0],
              HasSubstr(R"("source":"an/origin/that/is/longer/than/a/small/text")"));
  EXPECT_THAT(received.raw[1], HasSubstr(R"("anextensionwithquitealongname":"x")"));
  EXPECT_THAT(received.raw[2], HasSubstr(R"("datacontenttype":"application/json")"));
  EXPECT_EQ(received.raw[4], event(4)) << "no CloudEvent";
}

TEST(KafkaSource, TakesSeveralEventsInAMessageAsHttpDoesInABody) {
  const auto envelope = [](int id) {
    return R"({"specversion":"1.0","type":"t","source":"s","id":"e","data":)" + event(id) + "}";
  };
  MockCluster cluster(1);
  ASSERT_TRUE(produce_with_headers(cluster, "[" + event(1) + "," + event(2) + "]", {}));
  ASSERT_TRUE(produce_with_headers(cluster, event(3) + "\n" + event(4) + "\n",
                                   {{"content-type", "application/x-ndjson"}}));
  ASSERT_TRUE(produce_with_headers(cluster, "[" + envelope(5) + "," + envelope(6) + "]",
                                   {{"content-type", "application/cloudevents-batch+json"}}));
  ASSERT_TRUE(produce_with_headers(cluster, "[" + event(7) + "]",
                                   {{"content-type", "application/json; charset=utf-8"}}));
  BatchQueue queue(1 << 20);
  KafkaSource source(options(cluster));
  ASSERT_TRUE(source.start(queue, [](std::string_view) { return std::nullopt; }));
  Received received;
  received.take_until(queue, 7);
  source.stop();
  EXPECT_THAT(received.ids["kafka/reports/0"], ElementsAre("1", "2", "3", "4", "5", "6", "7"));
  EXPECT_THAT(received.offsets, ElementsAre(0, 0, 1, 1, 2, 2, 3)) << "of the message";
  EXPECT_EQ(received.positions["kafka/reports/0"], "4");
}

TEST(KafkaSource, HandsOnNoMoreRecordsAtATimeThanABatchMayHold) {
  const auto array = [](int count) {
    std::string text = "[0";
    for (int i = 1; i < count; ++i) text += ",0";
    return text + "]";
  };
  MockCluster cluster(1);
  for (const int count : {9'000, 9'000, 9'000, 10'001}) {
    ASSERT_TRUE(produce_with_headers(cluster, array(count), {}));
  }
  BatchQueue queue(1 << 20);
  KafkaSourceOptions o = options(cluster);
  o.max_wait = std::chrono::seconds(1);
  KafkaSource source(o);
  ASSERT_TRUE(source.start(queue, [](std::string_view) { return std::nullopt; }));
  std::vector<ToldRecord> all;
  for (std::string position; position != "4";) {
    auto batch = queue.pop_until(std::chrono::steady_clock::now() + std::chrono::seconds(60));
    ASSERT_TRUE(batch.has_value());
    Arena arena;
    ToldRecords told;
    for (const RawBatch::Part& part : batch->parts) {
      part.decoder->decode(std::string_view(batch->bytes).substr(part.begin, part.size),
                           part.position, arena, told);
    }
    EXPECT_LE(told.all.size(), static_cast<size_t>(kMaxBatchRecords));
    all.insert(all.end(), told.all.begin(), told.all.end());
    position = batch->next_position;
  }
  source.stop();
  ASSERT_EQ(all.size(), 27'001u) << "a message with too many is refused whole";
  EXPECT_EQ(all.back().reason, reasons::kTooMany);
}

}  // namespace
}  // namespace tocsin::ingest
