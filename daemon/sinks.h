#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/config.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/mirrors.h"
#include "daemon/notification_sink.h"
#include "daemon/sealed_ids.h"
#include "daemon/sink_filter.h"
#include "rules/model/result.h"
#include "storage/store.h"

namespace tocsin::daemon {

// What of the alert log goes to the sink that the configuration describes.
SinkFilter::Options filter_options(const SinkConfig& config);

// Whether what the sink sends ends by itself when it is not sent again.
bool is_mirror(const SinkConfig& config);

// What a sink needs of the daemon: all of it outlives the sink, or the use of one that is lent.
struct SinkSurroundings {
  storage::Store& store;
  SealedIds ids;                     // of withheld alerts
  std::string instance;              // the name of the data folder
  std::function<bool()> is_judging;  // events; as long as `store`
  Mirrors& mirrors;
  Metrics& metrics;
  Log& log;
};
// Makes the sink that the configuration describes, or is lent it by `mirrors`.
std::shared_ptr<NotificationSink> make_sink(const SinkConfig& config,
                                            const SinkSurroundings& surroundings);

}  // namespace tocsin::daemon
