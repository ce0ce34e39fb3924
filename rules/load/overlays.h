#pragma once

#include <vector>

#include "rules/load/rule_file.h"

namespace tocsin::rules {

// Changes rules and lists of the files as the `overlays` of any of them say, before anything is
// compiled: `status`, numbers that the rule opens by their path under `tunable`, and items of
// lists of the rule's file. What is set keeps the place of the overlay, so whatever it breaks is
// told there.
//
// Order and names of the files change nothing: what two overlays set is refused.
void apply_overlays(std::vector<RuleFile>& files, Diagnostics& diagnostics);

// Whether `written` is a path that a rule may open: `levels.…` or `detect.…`.
bool is_number_path(std::string_view written);
// The number there; nullptr when there is none.
const yaml::Node* number_at_path(const yaml::Node& rule, std::string_view path);

}  // namespace tocsin::rules
