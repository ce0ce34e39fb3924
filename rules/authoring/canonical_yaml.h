#pragma once

#include <string>

#include "rules/load/schema.h"
#include "rules/yaml/document.h"

namespace tocsin::rules {

// A part of a rule file in one spelling, whatever its author's layout: keys in the order of the
// schema, expressions as cel::print() has them and broken before `&&` and `||` where they are long,
// small mappings on one line. Reading it as YAML gives the same values, expressions up to their
// spelling.
//
// Lines end with '\n', and `depth` times two blanks stand before each.
std::string canonical_yaml(const yaml::Node& node, const Schema& schema, int depth = 0);

// An expression in that spelling, over several lines where it is long; as it is when it cannot be
// parsed.
std::string canonical_expression(std::string_view source);

}  // namespace tocsin::rules
