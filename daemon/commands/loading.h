#pragma once

#include <optional>

#include "rules/authoring/bundle_diff.h"

namespace tocsin::daemon {

// Reads and compiles rules with their catalogue. nullopt when they do not load; then every problem
// is told on stderr, as `check` tells it.
std::optional<rules::LoadedBundle> load_or_tell(const rules::BundlePaths& paths);

}  // namespace tocsin::daemon
