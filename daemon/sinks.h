#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/config.h"
#include "daemon/notification_sink.h"
#include "rules/model/result.h"
#include "storage/store.h"

namespace tocsin::daemon {

// The levels that a rule has, lowest first; empty when the rule is not known. Any thread.
using LevelsOf = std::function<std::vector<Level>(const std::string& rule)>;

// Makes the sink that the configuration describes. `store` outlives it.
std::unique_ptr<NotificationSink> make_sink(const SinkConfig& config, storage::Store& store,
                                            LevelsOf levels_of);

}  // namespace tocsin::daemon
