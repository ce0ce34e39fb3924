#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rules/load/bundle_text.h"
#include "rules/load/rule_file.h"
#include "rules/yaml/document.h"

namespace tocsin::rules {

// A rule as its author wrote it, beside what the loader makes of it.
struct RuleSource {
  std::string id;                        // "package/name"
  std::shared_ptr<const RuleFile> file;  // with the lists and macros that it may use
  yaml::Node node;                       // with the file's defaults in it
};

// All rules of the texts, sorted by id. Silent: what is wrong with them is told by load_bundle().
std::vector<RuleSource> read_rule_sources(const BundleText& text);

// nullptr when there is none. `sources` are sorted by id.
const RuleSource* find_source(const std::vector<RuleSource>& sources, const std::string& id);

}  // namespace tocsin::rules
