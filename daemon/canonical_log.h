#pragma once

#include <string>
#include <vector>

namespace tocsin::daemon {

// An alert log in an order that depends on what was decided alone, so that runs can be compared
// byte by byte: by time, rule and group, those of one group as they were decided.
//
// `transitions` are objects of alert/1 in the order of their decisions; one a line comes back.
std::string canonical_log(std::vector<std::string> transitions);

}  // namespace tocsin::daemon
