#pragma once

#include <string>

#include "rules/authoring/bundle_diff.h"

// What `tocsin diff` prints.
namespace tocsin::daemon {

struct DiffStyle {
  bool only_changes = false;  // leave out what is kept
  bool colour = false;
};

// A table with a line a rule, under each what its author changed, and the counts.
std::string diff_text(const rules::BundleDiff& diff, const DiffStyle& style);

// {"same": …, "renumbered": …, "counts": {…}, "rules": [{"rule", "effect", "parts", "fields",
// "look_back", "look_back_seconds", "silent", "silent_seconds"}]}
std::string diff_json(const rules::BundleDiff& diff);

}  // namespace tocsin::daemon
