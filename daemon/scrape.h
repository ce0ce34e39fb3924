#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "daemon/daemon_status.h"

namespace tocsin::daemon {

// The metrics that are asked for at a scrape, out of the status of that moment and /proc; families
// without a sample are left out. Used by Metrics::scrape alone.
std::vector<prometheus::MetricFamily> collect_status(const DaemonStatus& status);

}  // namespace tocsin::daemon
