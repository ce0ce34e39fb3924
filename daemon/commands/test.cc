#include <fmt/format.h>
#include <re2/re2.h>

#include <cstdio>
#include <fstream>
#include <memory>

#include "daemon/commands/commands.h"
#include "rules/testing/test_report.h"
#include "rules/testing/test_suite.h"

namespace tocsin::daemon {

namespace {

struct TestArguments {
  std::vector<std::string> paths;
  std::string filter;
  std::string format = "text";
  std::string junit;
  bool coverage = false;
  int shuffle = 0;
  uint64_t seed = 1;
  bool duplicate = false;
  bool restart_at_every_step = false;
  bool cool_at_every_step = false;
};

bool write_file(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  return static_cast<bool>(file.flush());
}

int test(const TestArguments& arguments) {
  rules::SuiteOptions options;
  options.shuffle = arguments.shuffle;
  options.seed = arguments.seed;
  options.run.duplicate = arguments.duplicate;
  options.run.restart_at_every_step = arguments.restart_at_every_step;
  options.run.cool_at_every_step = arguments.cool_at_every_step;
  if (!arguments.filter.empty()) {
    const auto pattern = std::make_shared<RE2>(arguments.filter, RE2::Quiet);
    if (!pattern->ok()) {
      fmt::print(stderr, "tocsin test: --filter: {}\n", pattern->error());
      return kUsage;
    }
    options.filter = [pattern](const std::string& name) {
      return RE2::PartialMatch(name, *pattern);
    };
  }

  Diagnostics diagnostics;
  const auto result = rules::run_suite(arguments.paths, options, diagnostics);
  for (const Diagnostic& d : diagnostics.sorted()) fmt::print(stderr, "{}\n", to_text(d));
  if (!result) return kUsage;
  if (!arguments.junit.empty() && !write_file(arguments.junit, rules::junit_report(*result))) {
    fmt::print(stderr, "tocsin test: cannot write {}\n", arguments.junit);
    return kEnvironment;
  }
  if (arguments.format == "json") {
    fmt::print("{}", rules::json_report(*result));
  } else {
    fmt::print("{}", rules::text_report(*result));
    if (arguments.coverage) fmt::print("\n{}", rules::coverage_table(*result));
  }
  return result->is_good() ? kDone : kAnswerIsNo;
}

}  // namespace

void add_test(CLI::App& program, int& exit_code) {
  auto arguments = std::make_shared<TestArguments>();
  CLI::App* command = program.add_subcommand("test", "Run rule tests in virtual time");
  command->add_option("paths", arguments->paths, "Test files, or folders with *.test.yaml")
      ->required();
  command->add_option("--filter", arguments->filter, "Only tests whose name matches (RE2)");
  command->add_option("--format", arguments->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  command->add_option("--junit", arguments->junit, "Write JUnit XML to this file as well");
  command->add_flag("--coverage", arguments->coverage, "Print what the tests make of each rule");
  command
      ->add_option("--shuffle", arguments->shuffle,
                   "Also with arrivals moved within the lateness, so many times")
      ->check(CLI::Range(0, 1000));
  command->add_option("--seed", arguments->seed, "Seed of --shuffle (default 1)");
  command->add_flag("--duplicate", arguments->duplicate, "Every event arrives twice");
  command->add_flag("--restart-at-every-step", arguments->restart_at_every_step,
                    "Save and restore the engine after every event and step");
  command->add_flag("--cool-at-every-step", arguments->cool_at_every_step,
                    "Put groups that lie idle out of memory after every event and step");
  command->callback([arguments, &exit_code] { exit_code = test(*arguments); });
}

}  // namespace tocsin::daemon
