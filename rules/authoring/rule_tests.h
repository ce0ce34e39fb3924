#pragma once

#include <string>
#include <vector>

namespace tocsin::rules {

// A test file, as far as it says what it tests.
struct RuleTestNote {
  std::string file;
  std::vector<std::string> rules;  // files and folders that it names, also for a reload
  std::vector<std::string> names;  // of its tests
};

// The test files below folders, and beside files. One that cannot be read is left out: `tocsin
// test` tells why.
std::vector<RuleTestNote> find_rule_tests(const std::vector<std::string>& rule_paths);

// The test files below folders, and `NAME.test.yaml` beside each `NAME.yaml`.
std::vector<std::string> find_test_files(const std::vector<std::string>& rule_paths);

// Whether the tests are of this rule file.
bool is_of(const RuleTestNote& tests, const std::string& rule_file);

}  // namespace tocsin::rules
