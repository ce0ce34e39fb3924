#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/model/result.h"

namespace tocsin::daemon {

// Tells in plain words why an alert fired, what came before it, and what to do: for the desk.
//
// `transitions` are the alert/1 texts of one alert in order of seq. `language` picks titles and
// summaries ("en", "fr", "ar"; English when missing). A transition that is withheld (tlp_policy.h)
// is told in one line. kInvalid when a text is not alert/1.
Result<std::string> explain_alert(const std::vector<std::string>& transitions,
                                  std::string_view language);

}  // namespace tocsin::daemon
