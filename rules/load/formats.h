#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/load/schema.h"
#include "rules/rule.h"

// The file formats that this folder reads, as tables.
namespace tocsin::rules {

// A rule file, `rules/1`; its `rules` are left open, since their shape depends on their kind.
const Schema& rule_file_schema();
// One rule of that kind.
const Schema& rule_schema(RuleKind kind);
// One signal of a rule file.
const Schema& signal_schema();
// `defaults` of a rule file: keys that a rule may leave out.
const Schema& defaults_schema();
// A catalogue file, `catalogue/1`.
const Schema& catalogue_schema();

// JSON Schema of a format that is read here: "rules", "catalogue", "event"; "" for any other word.
std::string json_schema_of(std::string_view format);
// The words that json_schema_of takes.
const std::vector<std::string>& formats_with_schema();

// Kinds as rule files spell them.
std::optional<RuleKind> parse_rule_kind(std::string_view word);
const std::vector<std::string>& rule_kind_words();

// Spellings of the closed lists.
std::vector<std::string> driver_words();
std::vector<std::string> stage_words();
std::vector<std::string> status_words();
std::vector<std::string> level_words();
std::vector<std::string> tlp_words();

}  // namespace tocsin::rules
