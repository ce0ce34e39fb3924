#pragma once

#include <string>
#include <vector>

namespace tocsin::daemon {

// Runs the rule tests below those of these paths that are folders, and says of each that fails what
// differs first; also what keeps a test from being read. Empty: all pass, or there are none.
// Thread-safety: any thread.
std::vector<std::string> failing_rule_tests(const std::vector<std::string>& paths);

}  // namespace tocsin::daemon
