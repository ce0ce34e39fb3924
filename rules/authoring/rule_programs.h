#pragma once

#include <string>
#include <vector>

#include "rules/rule.h"

namespace tocsin::rules {

// An expression of a rule and the words that messages call it by.
struct NamedProgram {
  std::string name;  // "`select`", "`select` of the step `march`"
  const cel::Program* program = nullptr;
};

// Those that decide whether a single event counts.
std::vector<NamedProgram> event_conditions(const Rule& rule);
// All of them; texts are left out.
std::vector<NamedProgram> all_programs(const Rule& rule);

}  // namespace tocsin::rules
