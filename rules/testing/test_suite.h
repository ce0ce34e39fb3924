#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "rules/model/diagnostic.h"
#include "rules/testing/test_run.h"

// Many test files: finding, loading, running, and what they leave untested.
namespace tocsin::rules {

struct SuiteOptions {
  std::function<bool(const std::string& name)> filter;  // none: all
  int shuffle = 0;                                      // rounds; 0: none
  uint64_t seed = 1;
  RunOptions run;
};

struct TestResult {
  std::string file;
  std::string name;
  std::vector<Difference> differences;
  std::chrono::microseconds took{0};
  bool ok() const { return differences.empty(); }
};

// What the tests made of one rule.
struct RuleCoverage {
  std::string rule;  // id
  RuleStatus status = RuleStatus::kProduction;
  int fired = 0;   // tests in which it fired
  int silent = 0;  // tests in which it did not
  std::set<Level> levels_reached;
  std::set<Level> levels;  // that it has
  bool resolved = false;
  // A production rule needs a test that fires and one that does not.
  bool is_enough() const { return status != RuleStatus::kProduction || (fired > 0 && silent > 0); }
};

struct SuiteResult {
  std::vector<TestResult> tests;
  std::vector<RuleCoverage> coverage;       // by rule id
  std::vector<std::string> rules_untested;  // rule files below the paths that no test names
  SuiteOptions options;                     // that it was run with
  int shuffled = 0;                         // tests that ran with arrivals moved as well
  int of_order = 0;                         // and those that say themselves when events arrive
  int failed() const;
  // All tests passed and, unless some were filtered out, every production rule is covered.
  bool is_good() const;
  bool was_filtered = false;
};

// Whether there are any below these paths.
bool has_rule_tests(const std::vector<std::string>& paths);

// Runs every test of the files and folders (`*.test.yaml` below them). nullopt when a test, rule or
// catalogue file cannot be read as such; the reasons are in `diagnostics`.
std::optional<SuiteResult> run_suite(const std::vector<std::string>& paths,
                                     const SuiteOptions& options, Diagnostics& diagnostics);

}  // namespace tocsin::rules
