#include "rules/load/rule_loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "rules/load/budget.h"
#include "rules/load/catalogue_loader.h"
#include "rules/load/detect_over_alerts.h"
#include "rules/load/exceptions.h"
#include "rules/load/overlays.h"
#include "rules/load/rule_compiler.h"
#include "rules/load/rule_file.h"
#include "rules/load/signal_registry.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

// Reader: texts → files of checked shape.
std::vector<RuleFile> read_files(const BundleText& text, Diagnostics& diagnostics) {
  std::vector<RuleFile> files;
  for (const NamedText& named : text.rules) {
    if (auto file = read_rule_file(named, text, diagnostics)) files.push_back(std::move(*file));
  }
  if (text.rules.empty()) diagnostics.error("T0320", {}, "there is no rule file");
  return files;
}

// Collector: every rule's id is its own over all files, and so is what it was called before.
void refuse_duplicates(const std::vector<RuleFile>& files, Diagnostics& diagnostics) {
  std::map<std::string, Place> seen;
  std::map<std::string, Place> former;
  const auto at = [](const Place& place) { return fmt::format("{}:{}", place.file, place.line); };
  for (const RuleFile& file : files) {
    for (const yaml::Node& item : items_of(file.root.find("rules"))) {
      const yaml::Node* name = item.find("rule");
      if (name == nullptr || !name->is_scalar()) continue;
      const std::string id = file.package + "/" + name->scalar;
      const auto [first, is_new] = seen.emplace(id, name->place);
      if (is_new) continue;
      diagnostics.error("T0327", name->place, "the rule `" + id + "` is there twice",
                        "it is already at " + at(first->second));
    }
  }
  for (const RuleFile& file : files) {
    for (const yaml::Node& item : items_of(file.root.find("rules"))) {
      const yaml::Node* was = item.find("was");
      if (was == nullptr || !was->is_scalar()) continue;
      const std::string id = qualified_id(was->scalar, file.package);
      if (const auto rule = seen.find(id); rule != seen.end()) {
        diagnostics.error("T0328", was->place,
                          "the rule `" + id + "` is still there, at " + at(rule->second),
                          "`was` is for a name that is given up");
      } else if (const auto [first, is_new] = former.emplace(id, was->place); !is_new) {
        diagnostics.error("T0328", was->place, "two rules were `" + id + "`",
                          "the other is at " + at(first->second));
      }
    }
  }
}

// Compiler: nodes → rules.
std::vector<Rule> compile_files(std::vector<RuleFile>& files, const Catalogue& catalogue,
                                SignalRegistry& signals, std::optional<WallTime> today,
                                Diagnostics& diagnostics) {
  std::vector<Rule> rules;
  for (RuleFile& file : files) signals.declare(file);
  for (RuleFile& file : files) {
    for (const yaml::Node& item : items_of(file.root.find("rules"))) {
      if (!item.is_mapping()) {
        diagnostics.error("T0301", item.place, "a rule must be a mapping", "`- rule: name` …");
        continue;
      }
      if (auto rule = compile_rule(catalogue, file, item, signals, diagnostics)) {
        rules.push_back(std::move(*rule));
      }
    }
    refuse_unused(file, diagnostics);
  }
  std::sort(rules.begin(), rules.end(), [](const Rule& a, const Rule& b) { return a.id < b.id; });
  link_rules_over_alerts(rules, diagnostics);
  add_exceptions(files, catalogue, today, rules, diagnostics);
  return rules;
}

}  // namespace

std::shared_ptr<const Bundle> load_rules(const BundleText& text,
                                         std::shared_ptr<const Catalogue> catalogue,
                                         Diagnostics& diagnostics, std::optional<WallTime> today) {
  const int errors_before = diagnostics.errors();
  std::vector<RuleFile> files = read_files(text, diagnostics);
  refuse_duplicates(files, diagnostics);
  apply_overlays(files, diagnostics);
  for (RuleFile& file : files) file.today = today;
  auto bundle = std::make_shared<Bundle>();
  SignalRegistry signals(*catalogue, diagnostics);
  bundle->rules = compile_files(files, *catalogue, signals, today, diagnostics);
  bundle->signals = signals.finish();
  bundle->catalogue = std::move(catalogue);
  bundle->hash = content_hash(text);
  if (diagnostics.errors() != errors_before) return nullptr;
  return bundle;
}

std::shared_ptr<const Bundle> load_bundle(const BundleText& text, Diagnostics& diagnostics,
                                          std::optional<WallTime> today) {
  auto catalogue = load_catalogue(text, diagnostics);
  if (catalogue == nullptr) {
    // Rules are still read, so that mistakes in their form are told in the same run.
    auto files = read_files(text, diagnostics);
    refuse_duplicates(files, diagnostics);
    return nullptr;
  }
  return load_rules(text, std::move(catalogue), diagnostics, today);
}

LoadedBundle read_bundle(const BundlePaths& paths, Diagnostics& diagnostics,
                         std::optional<WallTime> today) {
  const int errors_before = diagnostics.errors();
  LoadedBundle loaded;
  loaded.text = read_bundle_text(paths, diagnostics);
  loaded.bundle = load_bundle(loaded.text, diagnostics, today);
  if (loaded.bundle != nullptr)
    check_budget_of_all(*loaded.bundle, paths.state_budget, diagnostics);
  if (diagnostics.errors() != errors_before) loaded.bundle = nullptr;
  return loaded;
}

std::shared_ptr<const Bundle> load_bundle(const BundlePaths& paths, Diagnostics& diagnostics,
                                          std::optional<WallTime> today) {
  return read_bundle(paths, diagnostics, today).bundle;
}

}  // namespace tocsin::rules
