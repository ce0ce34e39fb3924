#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/history.h"

namespace tocsin::daemon {

// Reads inputs of the command line, "FILE.ndjson" or "MAPPING:FILE", into the history. A mapping
// may be named without folder and ending: a shipped one. The exit code, kDone when all were read;
// what is wrong has been told under the command's name.
int read_history(const char* command, const std::vector<std::string>& inputs,
                 const std::shared_ptr<const Catalogue>& catalogue, History& history);

// Errors, to stderr.
void print_errors(const Diagnostics& diagnostics);

}  // namespace tocsin::daemon
