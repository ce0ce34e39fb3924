#include "daemon/heartbeat.h"

#include <fmt/format.h>

#include "daemon/alert_json.h"
#include "rules/model/json_text.h"

namespace tocsin::daemon {

std::string write_heartbeat(const Heartbeat& heartbeat) {
  std::string to = R"({"format":"heartbeat/1","name":"TocsinWatchdog","instance":)";
  append_json_string(to, heartbeat.instance);
  to += R"(,"sink":)";
  append_json_string(to, heartbeat.sink);
  to += fmt::format(R"(,"at":"{}","interval_seconds":)", format_time(heartbeat.at));
  append_json_number(to, static_cast<double>(heartbeat.interval.count()) / 1000.0);
  to += '}';
  return to;
}

}  // namespace tocsin::daemon
