#pragma once

#include <string>

#include "rules/testing/test_suite.h"

namespace tocsin::rules {

// One line a test, with the differences of those that failed, and a last line with the counts.
std::string text_report(const SuiteResult& result);
// rule × {fired, not fired, levels, resolved}, and what is missing.
std::string coverage_table(const SuiteResult& result);
// {"tests": […], "coverage": […], "passed": N, "failed": N}
std::string json_report(const SuiteResult& result);
// JUnit XML, as build servers read it.
std::string junit_report(const SuiteResult& result);

}  // namespace tocsin::rules
