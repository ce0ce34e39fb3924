#include "daemon/rule_test_gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "rules/testing/test_suite.h"

namespace tocsin::daemon {

std::vector<std::string> failing_rule_tests(const std::vector<std::string>& paths) {
  std::vector<std::string> folders;
  std::error_code ignored;  // what cannot be asked for has been refused before
  std::copy_if(
      paths.begin(), paths.end(), std::back_inserter(folders),
      [&](const std::string& path) { return std::filesystem::is_directory(path, ignored); });
  if (!rules::has_rule_tests(folders)) return {};
  Diagnostics diagnostics;
  const auto result = rules::run_suite(folders, {}, diagnostics);
  std::vector<std::string> failing;
  for (const Diagnostic& d : diagnostics.sorted()) {
    if (d.severity == Severity::kError) failing.push_back(to_text(d));
  }
  if (!result) return failing;
  for (const rules::TestResult& test : result->tests) {
    if (test.ok()) continue;
    const rules::Difference& first = test.differences.front();
    failing.push_back(fmt::format("{}:{}:{}: the test `{}` fails: {} should be {} and is {}",
                                  first.place.file, first.place.line, first.place.column, test.name,
                                  first.field, first.expected, first.got));
  }
  return failing;
}

}  // namespace tocsin::daemon
