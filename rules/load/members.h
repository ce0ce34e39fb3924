#pragma once

#include <map>
#include <string>
#include <vector>

#include "rules/load/rule_file.h"
#include "rules/rule.h"

namespace tocsin::rules {

// What the maps among a rule's variables hold, by variable: `region.name`, `by.side`. Maps whose
// keys nobody knows beforehand are left out.
using Members = std::map<std::string, std::vector<std::string>>;
Members members_of(const yaml::Node& rule, const Detect& detect);

// Refuses what reads another member: it would never have a value, and a text would say n/a. Of
// `region` in a rule that groups by none it warns.
void check_members(const cel::Program& program, const Members& members, Diagnostics& diagnostics);

}  // namespace tocsin::rules
