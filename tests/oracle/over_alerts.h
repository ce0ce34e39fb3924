#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/oracle/said.h"

namespace tocsin::rules::oracle {

// How high an alert of a rule over events stood, and from when to when.
struct Stretch {
  size_t alert = 0;
  RuleIndex rule = 0;
  RegionId region{};
  Level level = Level::kNone;
  EventTime from{};
  EventTime to = kMaxEventTime;
};

// The alerts that lie somewhere, in stretches of one level; those of no length are left out.
std::vector<Stretch> stretches_of(const Case& of, const std::vector<Said>& alerts);

// Whether the rule looks at it.
bool is_selected(const Case& of, const AlertSelect& select, const Stretch& stretch);
// Of the alert: a text or a number.
std::optional<std::string> text_of(const Case& of, const cel::Program& program,
                                   const Stretch& stretch);
std::optional<double> number_of(const Case& of, const cel::Program& program,
                                const Stretch& stretch);

// All places of that level.
std::vector<RegionId> places_of(const Catalogue& catalogue, RegionLevel level);

}  // namespace tocsin::rules::oracle
