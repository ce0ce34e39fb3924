#include "daemon/sinks.h"

#include "daemon/alert_fields.h"
#include "daemon/alert_log_sink.h"
#include "daemon/alertmanager_sink.h"
#include "daemon/kafka_sink.h"
#include "daemon/tlp_policy.h"
#include "daemon/webhook_sink.h"

namespace tocsin::daemon {
namespace {

WallTime wall_now() { return std::chrono::floor<Milliseconds>(std::chrono::system_clock::now()); }

std::unique_ptr<NotificationSink> make_alertmanager(const SinkConfig& config, storage::Store& store,
                                                    LevelsOf levels_of) {
  // What fires already, as this sink may see it: Alertmanager forgets over a restart of ours.
  auto open_alerts = [&store, config]() -> Result<std::vector<std::string>> {
    std::vector<std::string> firing;
    storage::Store::AlertQuery query;
    query.open_only = true;
    query.limit = SIZE_MAX;
    const Status status = store.read_alerts(query, [&](const storage::Store::StoredAlert& alert) {
      const auto fields = read_alert_fields(alert.json);
      if (!fields || !alert.notify) return true;
      if (fields->tlp > config.tlp_ceiling && config.drop_above_ceiling) return true;
      if (fields->level < config.min_level) return true;
      firing.push_back(limit_to_tlp(alert.json, *fields, config.tlp_ceiling));
      return true;
    });
    if (!status) return status.error();
    return firing;
  };
  return std::make_unique<AlertmanagerSink>(
      AlertmanagerSink::Options{.name = config.name,
                                .urls = config.urls,
                                .timeout = config.timeout,
                                .resend_interval = config.resend_interval},
      std::move(levels_of), std::move(open_alerts), wall_now);
}

}  // namespace

std::unique_ptr<NotificationSink> make_sink(const SinkConfig& config, storage::Store& store,
                                            LevelsOf levels_of) {
  switch (config.type) {
    case SinkConfig::Type::kLog:
      return std::make_unique<AlertLogSink>(config.name, config.path);
    case SinkConfig::Type::kWebhook:
      return std::make_unique<WebhookSink>(WebhookSink::Options{.name = config.name,
                                                                .url = config.urls.front(),
                                                                .token_file = config.token_file,
                                                                .timeout = config.timeout});
    case SinkConfig::Type::kAlertmanager:
      return make_alertmanager(config, store, std::move(levels_of));
    case SinkConfig::Type::kKafka: {
      ingest::KafkaProducerOptions options;
      options.connection.brokers = config.brokers;
      options.connection.properties = config.properties;
      options.topic = config.topic;
      options.timeout = config.timeout;
      return std::make_unique<KafkaSink>(config.name, std::move(options));
    }
  }
  return nullptr;
}

}  // namespace tocsin::daemon
