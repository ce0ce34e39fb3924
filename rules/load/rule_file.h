#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "rules/cel/program.h"
#include "rules/load/bundle_text.h"
#include "rules/model/time.h"
#include "rules/yaml/document.h"

namespace tocsin::rules {

// One rule file, read and checked for shape; its rules are still nodes.
struct RuleFile {
  std::string name;
  std::string package;
  yaml::Node root;
  std::map<std::string, std::vector<std::string>> lists;
  std::map<std::string, Place> list_places;
  std::map<std::string, cel::Macro> macros;
  std::set<std::string> used_lists;  // by any rule
  std::set<std::string> used_macros;
  std::optional<WallTime> today;  // of the load, for warnings
};

// nullopt when nothing of it can be used; problems are told either way.
std::optional<RuleFile> read_rule_file(const NamedText& file, const BundleText& text,
                                       Diagnostics& diagnostics);

// "package/name" of what a file of `package` calls `name`: one of its own rules, or already whole.
std::string qualified_id(const std::string& name, const std::string& package);

// The rule `item` with the file's `defaults`: its own keys win, also one level down in mappings.
yaml::Node with_defaults(const yaml::Node& item, const yaml::Node* defaults);

// The lists and macros that an expression names, also through macros.
struct Uses {
  std::set<std::string> lists;
  std::set<std::string> macros;
};
Uses uses_of(const RuleFile& file, const std::string& expression);

// Marks what `expression` names, also through macros, as used, and gives its texts in a fixed
// order: two expressions mean the same when they and these texts are equal.
std::string note_uses(RuleFile& file, const std::string& expression);

// Tells lists and macros that no rule uses.
void refuse_unused(const RuleFile& file, Diagnostics& diagnostics);

}  // namespace tocsin::rules
