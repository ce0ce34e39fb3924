#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/config.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/notification_sink.h"
#include "daemon/sealed_ids.h"
#include "daemon/sink_filter.h"
#include "rules/model/result.h"
#include "storage/store.h"

namespace tocsin::daemon {

// The levels that a rule has, lowest first; empty when the rule is not known. Any thread.
using LevelsOf = std::function<std::vector<Level>(const std::string& rule)>;

// What of the alert log goes to the sink that the configuration describes.
SinkFilter::Options filter_options(const SinkConfig& config);

// What a sink needs of the daemon; `store`, `metrics` and `log` outlive it.
struct SinkSurroundings {
  storage::Store& store;
  SealedIds ids;         // of withheld alerts
  std::string instance;  // the name of the data folder
  LevelsOf levels_of;
  Metrics& metrics;
  Log& log;
};
// Makes the sink that the configuration describes.
std::unique_ptr<NotificationSink> make_sink(const SinkConfig& config,
                                            const SinkSurroundings& surroundings);

}  // namespace tocsin::daemon
