#include "rules/testing/test_suite.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "rules/load/rule_loader.h"
#include "rules/testing/rule_test.h"
#include "rules/testing/test_names.h"

namespace tocsin::rules {

namespace {

namespace fs = std::filesystem;

bool is_test_file(const fs::path& path) { return path.string().ends_with(".test.yaml"); }

bool is_rule_file(const fs::path& path) {
  if (path.extension() != ".yaml" || is_test_file(path)) return false;
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("tocsin: rules/1")) return true;
  }
  return false;
}

std::string normal(const fs::path& path) { return path.lexically_normal().string(); }

// What lies below the paths.
struct Found {
  std::vector<std::string> tests;
  std::set<std::string> rules;  // in folders only: a single test file is run by itself
};

Found find_files(const std::vector<std::string>& paths, Diagnostics& diagnostics) {
  Found found;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      found.tests.push_back(normal(path));
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(path, error)) {
      if (!entry.is_regular_file(error)) continue;
      if (is_test_file(entry.path())) {
        found.tests.push_back(normal(entry.path()));
      } else if (is_rule_file(entry.path())) {
        found.rules.insert(normal(entry.path()));
      }
    }
    if (error) diagnostics.error("T0410", {path, 0, 0}, "cannot be read: " + error.message());
  }
  std::sort(found.tests.begin(), found.tests.end());
  found.tests.erase(std::unique(found.tests.begin(), found.tests.end()), found.tests.end());
  if (found.tests.empty() && !diagnostics.has_errors()) {
    diagnostics.error("T0410", {paths.empty() ? "" : paths.front(), 0, 0}, "no tests here",
                      "test files end in `.test.yaml`");
  }
  return found;
}

// Loads what test files point at, each set of files once.
class BundleCache {
 public:
  explicit BundleCache(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  std::shared_ptr<const Bundle> get(const std::vector<std::string>& catalogue,
                                    const std::vector<std::string>& rules) {
    const auto [entry, is_new] = bundles_.try_emplace({catalogue, rules});
    if (is_new) {
      entry->second =
          load_bundle(BundlePaths{.catalogue = catalogue, .rules = rules}, diagnostics_);
    }
    return entry->second;
  }

 private:
  using Key = std::pair<std::vector<std::string>, std::vector<std::string>>;
  Diagnostics& diagnostics_;
  std::map<Key, std::shared_ptr<const Bundle>> bundles_;
};

class Suite {
 public:
  Suite(const SuiteOptions& options, Diagnostics& diagnostics)
      : options_(options), diagnostics_(diagnostics), bundles_(diagnostics) {}

  SuiteResult run(const Found& found) {
    result_.was_filtered = static_cast<bool>(options_.filter);
    result_.options = options_;
    std::set<std::string> untested = found.rules;
    for (const std::string& path : found.tests) {
      const auto references = read_rule_test_references(path, diagnostics_);
      if (!references) continue;
      for (const std::string& rule : references->rules) untested.erase(rule);
      if (!are_there(references->named)) continue;
      const auto bundle = bundles_.get(references->catalogue, references->rules);
      if (!bundle) continue;
      const auto file = read_rule_tests(path, *bundle->catalogue, diagnostics_);
      if (!file) continue;
      for (const RuleTest& test : file->tests) {
        check_test_names(test, bundles_of(*file, test, bundle), diagnostics_);
        for (const TestStep& step : test.steps) untested.erase(step.reload_file);
        run_test(*file, test, bundle);
      }
    }
    result_.rules_untested.assign(untested.begin(), untested.end());
    for (auto& [rule, coverage] : coverage_) result_.coverage.push_back(std::move(coverage));
    return std::move(result_);
  }

 private:
  // Told once at the test file, where the mistake is, not for each file that is then missing.
  bool are_there(const std::vector<RuleTestReferences::Named>& all) {
    bool good = true;
    for (const RuleTestReferences::Named& named : all) {
      std::error_code error;
      if (fs::exists(named.path, error)) continue;
      diagnostics_.error("T0423", named.place,
                         named.what + " `" + named.written +
                             "` (= " + normal(fs::absolute(named.path, error)) + ") cannot be read",
                         "the path begins at the folder of the test file");
      good = false;
    }
    return good;
  }

  std::vector<std::shared_ptr<const Bundle>> bundles_of(
      const RuleTestFile& file, const RuleTest& test, const std::shared_ptr<const Bundle>& first) {
    std::vector<std::shared_ptr<const Bundle>> bundles = {first};
    for (const TestStep& step : test.steps) {
      if (step.kind != TestStep::Kind::kReload) continue;
      if (auto next = bundles_.get(file.catalogue, {step.reload_file})) bundles.push_back(next);
    }
    return bundles;
  }

  void run_test(const RuleTestFile& file, const RuleTest& test,
                const std::shared_ptr<const Bundle>& bundle) {
    if (options_.filter && !options_.filter(test.name)) return;
    const auto begin = std::chrono::steady_clock::now();
    const BundleOf reload = [&](const std::string& rule_file) {
      return bundles_.get(file.catalogue, {rule_file});
    };
    TestOutcome outcome = run_rule_test(test, bundle, reload, options_.run);
    if (options_.shuffle > 0) {
      ++(can_be_shuffled(test) ? result_.shuffled : result_.of_order);
      for (Difference& d : run_shuffled(test, bundle, options_.shuffle, options_.seed)) {
        outcome.differences.push_back(std::move(d));
      }
    }
    const auto took = std::chrono::steady_clock::now() - begin;
    result_.tests.push_back({.file = file.path,
                             .name = test.name,
                             .differences = std::move(outcome.differences),
                             .took = std::chrono::duration_cast<std::chrono::microseconds>(took)});
    add_coverage(*bundle, outcome.activity);
  }

  // Of the rules that the test file names; those that only a reload brings are its means.
  void add_coverage(const Bundle& bundle, const std::map<std::string, RuleActivity>& activity) {
    for (const Rule& rule : bundle.rules) {
      const auto found = activity.find(rule.id);
      const RuleActivity did = found == activity.end() ? RuleActivity{} : found->second;
      RuleCoverage& coverage = coverage_[rule.id];
      coverage.rule = rule.id;
      coverage.status = rule.status;
      for (const LevelSpec& level : rule.levels) coverage.levels.insert(level.level);
      coverage.fired += did.fired ? 1 : 0;
      coverage.silent += did.fired ? 0 : 1;
      coverage.levels_reached.insert(did.levels.begin(), did.levels.end());
      coverage.resolved = coverage.resolved || did.resolved;
    }
  }

  const SuiteOptions& options_;
  Diagnostics& diagnostics_;
  BundleCache bundles_;
  SuiteResult result_;
  std::map<std::string, RuleCoverage> coverage_;
};

}  // namespace

int SuiteResult::failed() const {
  return static_cast<int>(
      std::count_if(tests.begin(), tests.end(), [](const TestResult& test) { return !test.ok(); }));
}

bool SuiteResult::is_good() const {
  if (failed() != 0) return false;
  if (was_filtered) return true;
  return rules_untested.empty() &&
         std::all_of(coverage.begin(), coverage.end(),
                     [](const RuleCoverage& rule) { return rule.is_enough(); });
}

bool has_rule_tests(const std::vector<std::string>& paths) {
  Diagnostics none;
  return !find_files(paths, none).tests.empty();
}

std::optional<SuiteResult> run_suite(const std::vector<std::string>& paths,
                                     const SuiteOptions& options, Diagnostics& diagnostics) {
  const int before = diagnostics.errors();
  const Found found = find_files(paths, diagnostics);
  if (diagnostics.errors() != before) return std::nullopt;
  SuiteResult result = Suite(options, diagnostics).run(found);
  if (diagnostics.errors() != before) return std::nullopt;
  return result;
}

}  // namespace tocsin::rules
