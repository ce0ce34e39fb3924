#pragma once

#include <string>
#include <vector>

#include "rules/testing/test_run.h"
#include "rules/testing/virtual_engine.h"

namespace tocsin::rules {

// Compares what the engine shows with one step of a test; `log_from` is the first transition since
// the step before. Adds a Difference per field.
void compare_step(const TestStep& step, const VirtualEngine& engine, size_t log_from,
                  std::vector<Difference>& differences);

// "violence/protest-surge {region: EG}"
std::string describe(const LoggedTransition& transition);

}  // namespace tocsin::rules
