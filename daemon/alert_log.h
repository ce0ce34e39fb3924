#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/model/result.h"

namespace tocsin::daemon {

// The transitions of one alert out of an alert log (NDJSON of alert/1), in order of seq.
//
// `id` may be the first characters of it, as long as only one alert begins so. kNotFound when none
// does; kInvalid when several do (the message lists them); kUnavailable when the file cannot be
// read.
Result<std::vector<std::string>> read_alert_from_log(const std::string& path, std::string_view id);

}  // namespace tocsin::daemon
