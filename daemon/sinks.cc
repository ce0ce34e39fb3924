#include "daemon/sinks.h"

#include "daemon/alert_log_sink.h"
#include "daemon/kafka_sink.h"
#include "daemon/webhook_sink.h"

namespace tocsin::daemon {
namespace {

std::shared_ptr<NotificationSink> lent_mirror(const SinkConfig& config,
                                              const SinkSurroundings& surroundings) {
  // What fires already, as this sink may see it: Alertmanager forgets over a restart of ours.
  auto open_alerts = [&store = surroundings.store,
                      filter =
                          SinkFilter(filter_options(config), surroundings.ids,
                                     surroundings.store)]() -> Result<std::vector<Notification>> {
    std::vector<Notification> firing;
    Status judged;
    storage::Store::AlertQuery query;
    query.open_only = true;
    query.limit = SIZE_MAX;
    Status status = store.read_alerts(query, [&](const storage::Store::StoredAlert& alert) {
      if (!alert.notify) return true;
      auto each = filter.judge(alert.alert, alert.seq, alert.json);
      if (!each) judged = each.error();
      if (each && each->is_told()) firing.push_back(std::move(each->notification));
      return each.has_value();
    });
    if (status) status = std::move(judged);
    if (!status) return status.error();
    return firing;
  };
  return surroundings.mirrors.lend(
      config, surroundings.instance,
      {.open_alerts = std::move(open_alerts), .is_judging = surroundings.is_judging});
}

std::shared_ptr<NotificationSink> make_log(const SinkConfig& config,
                                           const SinkSurroundings& surroundings) {
  return std::make_shared<AlertLogSink>(
      config.name, config.path,
      [name = config.name, path = config.path, &metrics = surroundings.metrics,
       &log = surroundings.log](uint64_t bytes) {
        metrics.torn_write("alert_log");
        log.warn("the last line of an alert log was torn, and is cut off",
                 {{"sink", name},
                  {"file", path},
                  {"bytes", std::to_string(bytes)},
                  {"hint",
                   "a crash, a power cut or a full disk does that; it is written again, whole. Was "
                   "there none? Then see what else writes to that file"}});
      });
}

}  // namespace

SinkFilter::Options filter_options(const SinkConfig& config) {
  return {.tlp_ceiling = config.tlp_ceiling,
          .drop_above_ceiling = config.drop_above_ceiling,
          .min_level = config.min_level};
}

bool is_mirror(const SinkConfig& config) { return config.type == SinkConfig::Type::kAlertmanager; }

std::shared_ptr<NotificationSink> make_sink(const SinkConfig& config,
                                            const SinkSurroundings& surroundings) {
  switch (config.type) {
    case SinkConfig::Type::kLog:
      return make_log(config, surroundings);
    case SinkConfig::Type::kWebhook:
      return std::make_shared<WebhookSink>(WebhookSink::Options{.name = config.name,
                                                                .url = config.url,
                                                                .url_file = config.url_file,
                                                                .token_file = config.token_file,
                                                                .timeout = config.timeout});
    case SinkConfig::Type::kAlertmanager:
      return lent_mirror(config, surroundings);
    case SinkConfig::Type::kKafka: {
      ingest::KafkaProducerOptions options;
      options.connection = config.kafka;
      options.topic = config.topic;
      options.timeout = config.timeout;
      return std::make_shared<KafkaSink>(config.name, std::move(options));
    }
  }
  return nullptr;
}

}  // namespace tocsin::daemon
