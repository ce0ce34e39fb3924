#include "ingest/kafka_source.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafkacpp.h>
#include <pthread.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "ingest/cloudevents.h"
#include "ingest/kafka_message.h"

namespace tocsin::ingest {
namespace {

using Clock = std::chrono::steady_clock;
using PartitionKey = std::pair<std::string, int32_t>;

constexpr int kPollMs = 10;
// A quiet topic gives no other sign that a broker is there again than librdkafka's statistics. To
// ask for one would have to wait behind the fetches that the broker holds back.
constexpr const char* kStatisticsMs = "2000";
constexpr std::string_view kBrokerIsUp = R"("state":"UP")";

std::string stream_of(const std::string& topic, int32_t partition) {
  return fmt::format("kafka/{}/{}", topic, partition);
}

std::optional<int64_t> parse_offset(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  int64_t offset = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), offset);
  if (error != std::errc{} || end != text->data() + text->size() || offset < 0) return std::nullopt;
  return offset;
}

// Views into the message. By the C interface: that of C++ gives each name as a copy.
std::vector<Header> headers_of(RdKafka::Message& message) {
  std::vector<Header> headers;
  rd_kafka_headers_t* all = nullptr;
  if (rd_kafka_message_headers(message.c_ptr(), &all) != RD_KAFKA_RESP_ERR_NO_ERROR) return headers;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0;
       rd_kafka_header_get_all(all, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
    headers.emplace_back(name, std::string_view(static_cast<const char*>(value), size));
  }
  return headers;
}

}  // namespace

// The handle of librdkafka and what the polling thread collects.
class KafkaSource::Consumer final : public RdKafka::RebalanceCb,
                                    public RdKafka::EventCb,
                                    public std::enable_shared_from_this<KafkaSource::Consumer> {
 public:
  explicit Consumer(KafkaSource& source) : source_(source), options_(source.options_) {}

  Status open() {
    const std::unique_ptr<RdKafka::Conf> conf(RdKafka::Conf::create(RdKafka::Conf::CONF_GLOBAL));
    if (Status applied = apply_connection(options_.connection, *conf); !applied) return applied;
    std::map<std::string, std::string> fixed = {
        {"group.id", options_.group},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", options_.offset_reset},
        {"partition.assignment.strategy", "range"},
        {"isolation.level", "read_committed"},
        {"statistics.interval.ms", kStatisticsMs},
    };
    if (!options_.instance_id.empty()) fixed["group.instance.id"] = options_.instance_id;
    for (const auto& [name, value] : fixed) {
      if (Status set = set_property(*conf, name, value); !set) return set;
    }
    std::string why;
    if (conf->set("rebalance_cb", static_cast<RdKafka::RebalanceCb*>(this), why) !=
            RdKafka::Conf::CONF_OK ||
        conf->set("event_cb", static_cast<RdKafka::EventCb*>(this), why) !=
            RdKafka::Conf::CONF_OK) {
      return invalid(fmt::format("set up the Kafka consumer: {}", why));
    }
    handle_.reset(RdKafka::KafkaConsumer::create(conf.get(), why));
    if (!handle_) return invalid(fmt::format("create the Kafka consumer: {}", why));
    const RdKafka::ErrorCode error = handle_->subscribe(options_.topics);
    if (error == RdKafka::ERR_NO_ERROR) return Status::ok();
    return invalid(fmt::format("subscribe to Kafka topics: {}", RdKafka::err2str(error)));
  }

  void run(BatchQueue& queue,
           std::function<std::optional<std::string>(std::string_view stream)> position_of) {
    position_of_ = std::move(position_of);
    while (!source_.stopping_ && !queue.closed()) {
      set_paused(!hand_on_due(queue));
      // Called when paused too: it serves heartbeats and rebalances, and keeps us in the group.
      const std::unique_ptr<RdKafka::Message> message(handle_->consume(kPollMs));
      take(*message);
      tell_lag();
    }
    close();
  }

  // From the pipeline thread, after the durable commit.
  void committed(const std::string& topic, int32_t partition, int64_t next_offset) {
    const std::scoped_lock lock(handle_mutex_);
    if (!handle_) return;
    const std::unique_ptr<RdKafka::TopicPartition> at(
        RdKafka::TopicPartition::create(topic, partition, next_offset));
    std::vector<RdKafka::TopicPartition*> offsets{at.get()};
    // A courtesy to people and tools; the position that counts is in the store already.
    handle_->commitAsync(offsets);
  }

  void rebalance_cb(RdKafka::KafkaConsumer* consumer, RdKafka::ErrorCode error,
                    std::vector<RdKafka::TopicPartition*>& partitions) override {
    if (error == RdKafka::ERR__ASSIGN_PARTITIONS) {
      for (RdKafka::TopicPartition* at : partitions) begin(*at);
      consumer->assign(partitions);
      if (paused_) consumer->pause(partitions);
      joined_ = true;
      away_.clear();
      troubles_.erase("");
      for (const RdKafka::TopicPartition* at : partitions) troubles_.erase(at->topic());
      tell();
      return;
    }
    // Batches in the queue stay valid: their positions are stored with them, and whoever reads the
    // partition next starts behind them here, elsewhere from its own store.
    pending_.clear();
    consumer->unassign();
  }

  void event_cb(RdKafka::Event& event) override {
    if (event.type() == RdKafka::Event::EVENT_STATS) {
      if (away_.empty() || event.str().find(kBrokerIsUp) == std::string::npos) return;
      away_.clear();
    } else if (event.type() != RdKafka::Event::EVENT_ERROR) {
      return;
    } else if (event.fatal()) {
      fatal_ = event.str();
    } else if (is_refusal(event)) {
      away_ = event.str();
    } else if (event.err() == RdKafka::ERR__ALL_BROKERS_DOWN) {
      if (away_.empty()) away_ = event.str();  // a refusal, told just before, says why
    } else {
      return;
    }
    tell();
  }

 private:
  // A partition's messages on their way into one batch.
  struct Pending {
    std::string topic;
    int32_t partition = 0;
    std::optional<MessageReader> reader;
    std::shared_ptr<RecordDecoder> decoder;  // of messages that do not say what they are
    size_t records = 0;                      // in the batch
    std::optional<int64_t> next_offset;      // expected; nullopt until the first message
    std::optional<int64_t> stamped_ms;       // time of the last message read, when it has one
    RawBatch batch;
    Clock::time_point since;
  };

  void begin(RdKafka::TopicPartition& at) {
    const std::string stream = stream_of(at.topic(), at.partition());
    Pending& pending = pending_[{at.topic(), at.partition()}];
    pending = {};
    pending.topic = at.topic();
    pending.partition = at.partition();
    // Batches that still wait in the queue are not stored yet, but will be: not once more.
    const auto handed_on = handed_on_.find({at.topic(), at.partition()});
    const auto next = handed_on != handed_on_.end() ? std::optional(handed_on->second)
                                                    : parse_offset(position_of_(stream));
    if (next) {
      at.set_offset(*next);
      pending.next_offset = *next;
    } else {
      at.set_offset(RdKafka::Topic::OFFSET_STORED);
    }
    pending.reader.emplace(options_.symbols, static_cast<bool>(options_.make_decoder));
    pending.decoder = options_.make_decoder ? options_.make_decoder(stream)
                                            : pending.reader->decoder_of(EventForm::kSingle);
  }

  void take(RdKafka::Message& message) {
    switch (message.err()) {
      case RdKafka::ERR_NO_ERROR:
        if (!away_.empty() || !troubles_.empty()) hear_from(message.topic_name());
        add(message);
        return;
      case RdKafka::ERR__TIMED_OUT:
      case RdKafka::ERR__PARTITION_EOF:
        return;
      default:
        troubles_[message.topic_name()] = message.errstr();
        tell();
    }
  }

  // A message is a sign that its topic can be read again, and that the group works.
  void hear_from(const std::string& topic) {
    away_.clear();
    troubles_.erase("");
    troubles_.erase(topic);
    tell();
  }

  void add(RdKafka::Message& message) {
    const auto found = pending_.find({message.topic_name(), message.partition()});
    if (found == pending_.end()) return;  // of a partition that was just taken away
    Pending& pending = found->second;
    const int64_t offset = message.offset();
    if (pending.next_offset && offset < *pending.next_offset) {
      // Another log than the one that was read; ids make harmless what it repeats.
      ++source_.backwards_;
      note_ = fmt::format(
          "the offsets of {} went back from {} to {}: the topic was made anew or "
          "cut short; it is read from there",
          stream_of(pending.topic, pending.partition), *pending.next_offset, offset);
      tell();
    } else if (pending.next_offset && offset > *pending.next_offset) {
      source_.gaps_ += static_cast<uint64_t>(offset - *pending.next_offset);
    }
    pending.next_offset = offset + 1;
    const RdKafka::MessageTimestamp stamp = message.timestamp();
    if (stamp.type != RdKafka::MessageTimestamp::MSG_TIMESTAMP_NOT_AVAILABLE) {
      pending.stamped_ms = stamp.timestamp;
    }
    if (pending.batch.parts.empty()) start_batch(pending, offset);
    append(pending, message);
  }

  static void start_batch(Pending& pending, int64_t offset) {
    pending.batch = {};
    pending.records = 0;
    pending.batch.stream = stream_of(pending.topic, pending.partition);
    pending.batch.partition = static_cast<uint16_t>(1 + pending.partition % UINT16_MAX);
    pending.batch.decoder = pending.decoder;
    pending.batch.first_position = offset;
    pending.batch.received = Clock::now();
    pending.since = pending.batch.received;
  }

  void append(Pending& pending, RdKafka::Message& message) {
    const std::string_view payload(static_cast<const char*>(message.payload()), message.len());
    const std::vector<Header> headers = headers_of(message);
    RawBatch& batch = pending.batch;
    RawBatch::Part part;
    part.begin = batch.bytes.size();
    part.position = message.offset();
    MessageReader::Message read = pending.reader->append(headers, payload, batch.bytes);
    part.decoder = std::move(read.decoder);
    pending.records += read.records;
    part.size = batch.bytes.size() - part.begin;
    // Parts stay apart, so that no decoder reads into the next one's text as its own.
    batch.bytes += '\n';
    batch.parts.push_back(std::move(part));
  }

  // Hands on what is large or old enough; false when the queue has no room for it.
  bool hand_on_due(BatchQueue& queue) {
    const Clock::time_point now = Clock::now();
    for (auto& [key, pending] : pending_) {
      RawBatch& batch = pending.batch;
      if (batch.parts.empty()) continue;
      const bool due =
          batch.bytes.size() >= options_.batch_bytes ||
          pending.records + kMaxMessageRecords > static_cast<size_t>(kMaxBatchRecords) ||
          now - pending.since >= options_.max_wait;
      if (due && !hand_on(pending, queue)) return false;
    }
    return true;
  }

  bool hand_on(Pending& pending, BatchQueue& queue) {
    RawBatch& batch = pending.batch;
    batch.size = batch.bytes.size();
    batch.bytes.reserve(batch.size + kPadding);
    batch.next_position = std::to_string(*pending.next_offset);
    batch.on_committed = [self = shared_from_this(), topic = pending.topic,
                          partition = pending.partition,
                          next = *pending.next_offset](const Receipt& receipt) {
      if (receipt.status) self->committed(topic, partition, next);
    };
    if (!queue.try_push(batch, batch.size)) return false;
    handed_on_[{pending.topic, pending.partition}] = *pending.next_offset;
    batch = {};
    return true;
  }

  // Stops and resumes fetching when the queue fills and empties.
  void set_paused(bool paused) {
    if (paused == paused_) return;
    paused_ = paused;
    std::vector<RdKafka::TopicPartition*> assigned;
    if (handle_->assignment(assigned) == RdKafka::ERR_NO_ERROR && !assigned.empty()) {
      if (paused) {
        handle_->pause(assigned);
      } else {
        handle_->resume(assigned);
      }
    }
    RdKafka::TopicPartition::destroy(assigned);
  }

  // How many messages wait at the broker, and for how long, from what the last fetch said.
  void tell_lag() {
    const Clock::time_point now = Clock::now();
    if (now - lag_told_ < std::chrono::seconds(1)) return;
    lag_told_ = now;
    std::map<std::string, int64_t> lag;
    std::map<std::string, double> seconds;
    const int64_t now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
    for (const auto& [key, pending] : pending_) {
      int64_t low = 0;
      int64_t high = 0;
      if (!pending.next_offset || handle_->get_watermark_offsets(key.first, key.second, &low,
                                                                 &high) != RdKafka::ERR_NO_ERROR) {
        continue;
      }
      if (high < 0) continue;
      const std::string stream = stream_of(key.first, key.second);
      const int64_t waiting = std::max<int64_t>(0, high - *pending.next_offset);
      lag[stream] = waiting;
      if (waiting == 0) {
        seconds[stream] = 0;
      } else if (pending.stamped_ms) {
        seconds[stream] =
            static_cast<double>(std::max<int64_t>(0, now_ms - *pending.stamped_ms)) / 1000.0;
      }
    }
    const std::scoped_lock lock(source_.mutex_);
    source_.health_.lag_records = std::move(lag);
    source_.health_.lag_seconds = std::move(seconds);
  }

  void close() {
    handle_->close();
    const std::scoped_lock lock(handle_mutex_);
    handle_.reset();
  }

  void tell() {
    std::string problem = !fatal_.empty() ? fatal_ : away_;
    if (problem.empty() && !troubles_.empty()) problem = troubles_.begin()->second;
    const std::scoped_lock lock(source_.mutex_);
    source_.health_.connected = joined_ && problem.empty();
    source_.health_.message = problem.empty() ? note_ : fmt::format("Kafka: {}", problem);
  }

  KafkaSource& source_;
  const KafkaSourceOptions& options_;
  std::function<std::optional<std::string>(std::string_view stream)> position_of_;
  std::map<PartitionKey, Pending> pending_;
  bool paused_ = false;
  std::map<PartitionKey, int64_t> handed_on_;    // next offsets behind all that was handed on
  bool joined_ = false;                          // the group has given us our part once
  std::string fatal_;                            // what is wrong for good
  std::string away_;                             // no broker answers, or lets us in
  std::map<std::string, std::string> troubles_;  // by topic; of the group under ""
  std::string note_;                             // what people should know though all is well
  Clock::time_point lag_told_{};
  std::mutex handle_mutex_;  // guards the end of handle_ against a late committed()
  std::unique_ptr<RdKafka::KafkaConsumer> handle_;
};

KafkaSource::KafkaSource(KafkaSourceOptions options) : options_(std::move(options)) {}
KafkaSource::~KafkaSource() { stop(); }

Status KafkaSource::start(
    BatchQueue& queue,
    std::function<std::optional<std::string>(std::string_view stream)> position_of) {
  consumer_ = std::make_shared<Consumer>(*this);
  if (Status opened = consumer_->open(); !opened) return opened;
  thread_ = std::thread([this, &queue, position_of = std::move(position_of)]() mutable {
    pthread_setname_np(pthread_self(), "toc-consume");
    consumer_->run(queue, std::move(position_of));
  });
  return Status::ok();
}

void KafkaSource::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

SourceHealth KafkaSource::health() const {
  SourceHealth health;
  {
    const std::scoped_lock lock(mutex_);
    health = health_;
  }
  health.offset_gaps = gaps_;
  health.offsets_backwards = backwards_;
  return health;
}

}  // namespace tocsin::ingest
