#pragma once

#include <string>

#include "rules/model/result.h"

namespace tocsin::daemon {

// The first line of a file that holds one secret: a token, or a URL that is one. Read when it is
// needed, so that it can be changed while the daemon runs. kUnavailable when there is none.
Result<std::string> read_secret(const std::string& path);

}  // namespace tocsin::daemon
