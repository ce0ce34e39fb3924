#pragma once

#include <string>
#include <vector>

#include "rules/model/result.h"

namespace tocsin::daemon {

// What an edit of the rules did to the alerts of the same history: two alert logs side by side.
//
// Alerts are matched by rule, group and start; told are those that are new, gone, or came to
// another height. Text for people, one line an alert, sorted.
struct AlertDiff {
  std::vector<std::string> added;
  std::vector<std::string> removed;
  std::vector<std::string> changed;

  bool empty() const { return added.empty() && removed.empty() && changed.empty(); }
};

// Both are NDJSON of alert/1. kUnavailable when one cannot be read, kInvalid when it is no alert
// log.
Result<AlertDiff> diff_alert_logs(const std::string& old_path, const std::string& new_path);

}  // namespace tocsin::daemon
