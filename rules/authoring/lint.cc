#include "rules/authoring/lint.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "rules/alert_board.h"
#include "rules/load/shape.h"

namespace tocsin::rules {

namespace {

// A draft of a rule beside the rule is how new limits are tried, so only rules of one status count.
void lint_twins(const std::vector<Rule>& rules, Diagnostics& diagnostics) {
  std::map<std::pair<RuleStatus, std::string>, const Rule*> seen;
  for (const Rule& rule : rules) {
    if (is_over_alerts(rule.kind())) continue;  // what they look at is no part of the shape
    const auto [first, is_new] =
        seen.emplace(std::pair(rule.status, shape_without_id(rule.shape_text)), &rule);
    if (is_new) continue;
    const Rule& other = *first->second;
    diagnostics.warning("T0386", rule.place,
                        "the rule does the same work as `" + other.id +
                            "`: select, keys and the structure of detect are the same",
                        "that is at " + other.place.file + ":" + std::to_string(other.place.line) +
                            "; one rule with more levels costs half of it");
  }
}

// The centre reads three languages; what is missing falls back to English.
void lint_titles(const Rule& rule, Diagnostics& diagnostics) {
  if (rule.status != RuleStatus::kProduction) return;
  std::string missing;
  for (const auto& [language, name] : {std::pair("fr", "French"), std::pair("ar", "Arabic")}) {
    if (rule.titles.contains(language)) continue;
    missing += (missing.empty() ? "" : " and ") + std::string(name);
  }
  if (missing.empty()) return;
  diagnostics.warning("T0387", rule.place, "the title of a rule in production lacks " + missing,
                      "`title: {en: …, fr: …, ar: …}`; who reads those languages sees English");
}

bool lies_below(const std::string& file, const std::string& folder) {
  std::string prefix = std::filesystem::path(folder).lexically_normal().string();
  if (prefix == "." || prefix == "./") return !file.starts_with('/') && !file.starts_with("..");
  if (!prefix.ends_with('/')) prefix += '/';
  return file.starts_with(prefix);
}

}  // namespace

void lint_rules(const Bundle& bundle, Diagnostics& diagnostics) {
  for (const Rule& rule : bundle.rules) {
    lint_conditions(*bundle.catalogue, rule, diagnostics);
    lint_values(*bundle.catalogue, rule, diagnostics);
    lint_titles(rule, diagnostics);
  }
  lint_twins(bundle.rules, diagnostics);
}

void lint_tests(const Bundle& bundle, const std::vector<std::string>& folders,
                const std::vector<RuleTestNote>& tests, Diagnostics& diagnostics) {
  std::map<std::string, bool> is_tested;  // by file
  for (const Rule& rule : bundle.rules) {
    if (rule.status != RuleStatus::kProduction) continue;
    const std::string& file = rule.place.file;
    const auto is_below = [&](const std::string& folder) { return lies_below(file, folder); };
    if (std::none_of(folders.begin(), folders.end(), is_below)) continue;
    const auto [entry, is_new] = is_tested.try_emplace(file, false);
    if (is_new) {
      entry->second = std::any_of(tests.begin(), tests.end(),
                                  [&](const RuleTestNote& note) { return is_of(note, file); });
    }
    if (entry->second) continue;
    diagnostics.warning(
        "T0385", rule.place, "no test names the file of this rule in production",
        "a `.test.yaml` beside it, with a test that fires and one that stays silent");
  }
}

}  // namespace tocsin::rules
