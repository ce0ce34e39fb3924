#pragma once

#include <map>
#include <string>

#include "rules/authoring/rule_source.h"
#include "rules/rule.h"

namespace tocsin::rules {

// Everything that the rule says, as texts by path: "levels.watch.when" → "n >= 3". Lists of texts
// are one field, "[a, b]"; items that have a name are found under it: "detect.steps.march.within".
// The lists and macros that the rule uses are fields too, "lists.NAME" and "macros.NAME".
std::map<std::string, std::string> fields_of(const RuleSource& rule);

// The lists and macros that any text of the rule names.
Uses uses_of(const RuleSource& rule);

// What the exception leaves out, until when, why and by whom: one line.
std::string text_of(const Exception& exception);

// "[a, b]"
std::string list_text(const std::vector<std::string>& items);

}  // namespace tocsin::rules
