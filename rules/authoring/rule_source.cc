#include "rules/authoring/rule_source.h"

#include <algorithm>

#include "rules/load/overlays.h"
#include "rules/load/values.h"

namespace tocsin::rules {

std::vector<RuleSource> read_rule_sources(const BundleText& text) {
  Diagnostics told_when_loaded;
  std::vector<RuleSource> sources;
  std::vector<RuleFile> files;
  for (const NamedText& named : text.rules) {
    auto read = read_rule_file(named, text, told_when_loaded);
    if (read) files.push_back(std::move(*read));
  }
  apply_overlays(files, told_when_loaded);
  for (RuleFile& read : files) {
    const auto file = std::make_shared<const RuleFile>(std::move(read));
    for (const yaml::Node& item : items_of(file->root.find("rules"))) {
      const auto name = text_at(item, "rule");
      if (!name) continue;
      sources.push_back({.id = file->package + "/" + *name,
                         .file = file,
                         .node = with_defaults(item, file->root.find("defaults"))});
    }
  }
  std::sort(sources.begin(), sources.end(),
            [](const RuleSource& a, const RuleSource& b) { return a.id < b.id; });
  return sources;
}

const RuleSource* find_source(const std::vector<RuleSource>& sources, const std::string& id) {
  const auto found = std::lower_bound(
      sources.begin(), sources.end(), id,
      [](const RuleSource& source, const std::string& i) { return source.id < i; });
  return found == sources.end() || found->id != id ? nullptr : &*found;
}

}  // namespace tocsin::rules
