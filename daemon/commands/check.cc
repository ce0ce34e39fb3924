#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/check_report.h"
#include "daemon/commands/commands.h"
#include "daemon/config.h"
#include "daemon/config_check.h"
#include "daemon/data_paths.h"
#include "daemon/terminal.h"
#include "rules/authoring/lint.h"
#include "rules/load/rule_loader.h"
#include "rules/testing/rule_test.h"

namespace tocsin::daemon {

namespace {

struct CheckArguments {
  std::string config;
  std::vector<std::string> rules;
  std::vector<std::string> catalogue;
  bool deny_warnings = false;
  std::string format = "text";
};

WallTime wall_now() { return std::chrono::floor<Milliseconds>(std::chrono::system_clock::now()); }

// What is checked: the configuration's rules and catalogue, those of the command line, or those
// that are shipped.
rules::BundlePaths paths_of(const CheckArguments& arguments, const std::optional<Config>& config) {
  rules::BundlePaths paths;
  if (config) paths = config->bundle;
  if (!arguments.rules.empty()) paths.rules = arguments.rules;
  if (!arguments.catalogue.empty()) paths.catalogue = arguments.catalogue;
  if (paths.rules.empty() && arguments.config.empty()) {
    paths.rules = {default_data_path("rules/sets")};
  }
  if (paths.catalogue.empty()) paths.catalogue = {default_data_path("rules/catalogue")};
  return paths;
}

// Doubts about rules that load, and the form of their tests. Tests lie beside rules where they are
// written; where a configuration names the rules they need not be.
void lint(const rules::Bundle& bundle, const rules::BundlePaths& paths, bool has_config,
          Diagnostics& diagnostics) {
  rules::lint_rules(bundle, diagnostics);
  if (has_config) return;
  for (const std::string& file : rules::find_test_files(paths.rules)) {
    rules::read_rule_test_references(file, diagnostics);
  }
  std::vector<std::string> folders;
  for (const std::string& path : paths.rules) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) folders.push_back(path);
  }
  rules::lint_tests(bundle, folders, rules::find_rule_tests(folders), diagnostics);
}

int check(const CheckArguments& arguments) {
  Diagnostics diagnostics;
  std::optional<Config> config;
  if (!arguments.config.empty()) config = read_config(arguments.config, diagnostics);
  const rules::BundlePaths paths = paths_of(arguments, config);
  std::shared_ptr<const rules::Bundle> bundle;
  // A configuration that names no rules, or could not be read: that has been told.
  if (!paths.rules.empty()) bundle = rules::load_bundle(paths, diagnostics, wall_now());
  if (bundle) lint(*bundle, paths, config.has_value(), diagnostics);
  if (config) check_named_files(*config, bundle ? bundle->catalogue.get() : nullptr, diagnostics);
  const bool good =
      !diagnostics.has_errors() && !(arguments.deny_warnings && diagnostics.warnings() > 0);
  if (arguments.format == "json") {
    fmt::print("{}\n", check_json(bundle.get(), diagnostics, good));
  } else {
    fmt::print("{}", check_text(bundle.get(), diagnostics, wants_colour(STDOUT_FILENO)));
  }
  return good ? kDone : kUsage;
}

}  // namespace

void add_check(CLI::App& program, int& exit_code) {
  auto arguments = std::make_shared<CheckArguments>();
  CLI::App* command = program.add_subcommand(
      "check", "Tell everything that `run` would refuse, as many problems at once as can be told");
  command->footer(
      "Tells too what loads and still cannot be meant (warnings T0380 to T0387): conditions that "
      "never\n"
      "hold, levels that are never reached, values that the catalogue does not know, rules in\n"
      "production without a test. Ends with the rules by status and driver, and the memory they "
      "may\n"
      "come to in a busy time.\n"
      "Examples:\n"
      "  tocsin check --config tocsin.yaml    the configuration, and all files that it names\n"
      "  tocsin check --rules my-rules        rules alone, and whether the tests beside them can "
      "be "
      "read\n"
      "  tocsin check --deny-warnings --format json    for build servers\n"
      "Exit code 0 when `run` would take it, 2 when it would not.");
  command->add_option("--config", arguments->config, "Configuration file");
  command->add_option("--rules", arguments->rules,
                      "Rule files or folders; default the shipped sets");
  command->add_option("--catalogue", arguments->catalogue,
                      "Catalogue files or folders; default the shipped one");
  command->add_flag("--deny-warnings", arguments->deny_warnings, "Warnings count as errors");
  command->add_option("--format", arguments->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  command->callback([arguments, &exit_code] { exit_code = check(*arguments); });
}

}  // namespace tocsin::daemon
