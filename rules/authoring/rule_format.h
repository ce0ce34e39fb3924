#pragma once

#include <optional>
#include <string>

#include "rules/model/diagnostic.h"

namespace tocsin::rules {

// A rule file in its one form: the keys of each rule in the order of rule_schema(), two blanks an
// indentation, lists indented below their key, no blanks at the ends of lines, one empty line at
// most, one line break at the end.
//
// Works on whole lines. What stands on them stays as it is, comments too, which go with the key
// that they stand above; the inside of blocks (`>`, `|`) is moved as a whole. Keys under `x-…`, and
// what stands in `{}` or `[]`, keep their layout. Formatting what was formatted changes nothing.
//
// nullopt, with the reason told, when the file cannot be read as YAML, is no rule file (T0520), or
// its values or comments would not all be the same afterwards (T0521).
std::optional<std::string> format_rules(std::string text, const std::string& file,
                                        Diagnostics& diagnostics);

// Whether two texts give the same values, in the same order where it counts, and have the same
// comments: what format_rules() asks of its work before it hands it out.
bool says_the_same(const std::string& before, const std::string& after);

}  // namespace tocsin::rules
