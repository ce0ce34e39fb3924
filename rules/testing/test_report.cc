#include "rules/testing/test_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "rules/model/json_text.h"

namespace tocsin::rules {

namespace {

std::string place_text(const Place& place) {
  return fmt::format("{}:{}:{}", place.file, place.line, place.column);
}

double milliseconds_of(const TestResult& test) {
  return static_cast<double>(test.took.count()) / 1000.0;
}

std::string levels_text(const std::set<Level>& levels) {
  std::string text;
  for (const Level level : levels) {
    text += (text.empty() ? "" : " ") + std::string(to_string(level));
  }
  return text.empty() ? "-" : text;
}

std::string missing_text(const RuleCoverage& rule) {
  if (rule.fired == 0 && rule.silent == 0) return "no test";
  if (rule.fired == 0) return "no test that fires";
  if (rule.silent == 0) return "no test that stays silent";
  return "";
}

std::string xml_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (byte >= 0x20 || c == '\n' || c == '\t') {
      out += c;  // XML 1.0 has no other control characters
    }
  }
  return out;
}

std::string difference_text(const Difference& difference, std::string_view indent) {
  return fmt::format("{0}{1}: {2}\n{0}    expected: {3}\n{0}    got:      {4}\n", indent,
                     place_text(difference.place), difference.field, difference.expected,
                     difference.got);
}

// What was done beside running each test as it stands.
std::string variants_text(const SuiteResult& result) {
  std::vector<std::string> done;
  const SuiteOptions& options = result.options;
  if (options.shuffle > 0) {
    done.push_back(fmt::format("{} tests shuffled {} times (seed {})", result.shuffled,
                               options.shuffle, options.seed));
    if (result.of_order > 0) {
      done.back() += fmt::format(", {} about order left out", result.of_order);
    }
  }
  if (options.run.duplicate) done.emplace_back("every event twice");
  if (options.run.restart_at_every_step) done.emplace_back("a restart after every event and step");
  if (options.run.cool_at_every_step) {
    done.emplace_back("idle groups out of memory after every event and step");
  }
  if (done.empty()) return {};
  return fmt::format("with {}{}\n", fmt::join(done, "; "),
                     result.failed() == 0 ? ": the same" : "");
}

}  // namespace

std::string text_report(const SuiteResult& result) {
  std::string out;
  std::string file;
  for (const TestResult& test : result.tests) {
    if (test.file != file) out += test.file + "\n";
    file = test.file;
    out += fmt::format("  {:6} {} ({:.1f} ms)\n", test.ok() ? "ok" : "FAILED", test.name,
                       milliseconds_of(test));
    for (const Difference& difference : test.differences) {
      out += difference_text(difference, "         ");
    }
  }
  for (const RuleCoverage& rule : result.coverage) {
    if (!result.was_filtered && !rule.is_enough()) {
      out += fmt::format("{}: {}; a production rule needs one of each\n", rule.rule,
                         missing_text(rule));
    }
  }
  for (const std::string& path : result.rules_untested) {
    if (!result.was_filtered) out += path + ": no test names this rule file\n";
  }
  out += fmt::format("{} tests, {} passed, {} failed\n", result.tests.size(),
                     static_cast<int>(result.tests.size()) - result.failed(), result.failed());
  return out + variants_text(result);
}

std::string coverage_table(const SuiteResult& result) {
  size_t width = 4;
  for (const RuleCoverage& rule : result.coverage) width = std::max(width, rule.rule.size());
  std::string out = fmt::format(
      "{:{}}  fired  not fired  resolved  levels reached of those it has\n", "rule", width);
  for (const RuleCoverage& rule : result.coverage) {
    out +=
        fmt::format("{:{}}  {:5}  {:9}  {:8}  {} of {}{}\n", rule.rule, width, rule.fired,
                    rule.silent, rule.resolved ? "yes" : "no", levels_text(rule.levels_reached),
                    levels_text(rule.levels), rule.is_enough() ? "" : "  <- " + missing_text(rule));
  }
  return out;
}

std::string json_report(const SuiteResult& result) {
  std::string tests;
  for (const TestResult& test : result.tests) {
    std::string differences;
    for (const Difference& d : test.differences) {
      differences += fmt::format(R"({}{{"place":{},"field":{},"expected":{},"got":{}}})",
                                 differences.empty() ? "" : ",", json_string(place_text(d.place)),
                                 json_string(d.field), json_string(d.expected), json_string(d.got));
    }
    tests +=
        fmt::format(R"({}{{"file":{},"name":{},"ok":{},"milliseconds":{:.3f},"differences":[{}]}})",
                    tests.empty() ? "" : ",", json_string(test.file), json_string(test.name),
                    test.ok(), milliseconds_of(test), differences);
  }
  std::string coverage;
  for (const RuleCoverage& rule : result.coverage) {
    std::string levels;
    for (const Level level : rule.levels_reached) {
      levels += (levels.empty() ? "" : ",") + json_string(to_string(level));
    }
    coverage += fmt::format(
        R"({}{{"rule":{},"fired":{},"silent":{},"levels":[{}],"resolved":{},"enough":{}}})",
        coverage.empty() ? "" : ",", json_string(rule.rule), rule.fired, rule.silent, levels,
        rule.resolved, rule.is_enough());
  }
  return fmt::format(R"({{"tests":[{}],"coverage":[{}],"passed":{},"failed":{}}})", tests, coverage,
                     static_cast<int>(result.tests.size()) - result.failed(), result.failed()) +
         "\n";
}

std::string junit_report(const SuiteResult& result) {
  std::map<std::string, std::vector<const TestResult*>> by_file;
  for (const TestResult& test : result.tests) by_file[test.file].push_back(&test);
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"{}\" failures=\"{}\">\n",
      result.tests.size(), result.failed());
  for (const auto& [file, tests] : by_file) {
    const auto failed = std::count_if(tests.begin(), tests.end(),
                                      [](const TestResult* test) { return !test->ok(); });
    out += fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">\n", xml_text(file),
                       tests.size(), failed);
    for (const TestResult* test : tests) {
      out += fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.6f}\"",
                         xml_text(file), xml_text(test->name), milliseconds_of(*test) / 1000.0);
      if (test->ok()) {
        out += "/>\n";
        continue;
      }
      std::string differences;
      for (const Difference& d : test->differences) differences += difference_text(d, "");
      out += fmt::format(
          ">\n      <failure message=\"{} differences\">{}</failure>\n    </testcase>\n",
          test->differences.size(), xml_text(differences));
    }
    out += "  </testsuite>\n";
  }
  return out + "</testsuites>\n";
}

}  // namespace tocsin::rules
