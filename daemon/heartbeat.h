#pragma once

#include <string>

#include "rules/model/time.h"

namespace tocsin::daemon {

// A message that tells a receiver that all is well: silence is not peace, and whoever waits for
// alerts must know that they would come.
struct Heartbeat {
  std::string instance;  // which tocsin: the name of its data folder
  std::string sink;
  WallTime at{};
  Milliseconds interval{0};  // when the next one is due
};

// As heartbeat/1: {"format":"heartbeat/1","name":"TocsinWatchdog","instance":…,"sink":…,"at":…,
// "interval_seconds":…}
std::string write_heartbeat(const Heartbeat& heartbeat);

}  // namespace tocsin::daemon
