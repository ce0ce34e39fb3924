#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/commands/commands.h"
#include "daemon/config.h"
#include "daemon/config_check.h"
#include "daemon/data_paths.h"
#include "daemon/terminal.h"
#include "rules/load/rule_loader.h"
#include "rules/model/json_text.h"

namespace tocsin::daemon {

namespace {

struct CheckArguments {
  std::string config;
  std::vector<std::string> rules;
  std::vector<std::string> catalogue;
  bool deny_warnings = false;
  std::string format = "text";
};

std::string to_json(const Diagnostic& d) {
  return fmt::format(
      R"({{"severity":"{}","code":{},"file":{},"line":{},"column":{},"message":{},"hint":{}}})",
      d.severity == Severity::kError ? "error" : "warning", json_string(d.code),
      json_string(d.place.file), d.place.line, d.place.column, json_string(d.message),
      json_string(d.hint));
}

std::string counted(int64_t n, const char* noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

std::string summary(const rules::Bundle* bundle, const Diagnostics& diagnostics) {
  std::string text =
      counted(diagnostics.errors(), "error") + ", " + counted(diagnostics.warnings(), "warning");
  if (bundle == nullptr) return text;
  const Catalogue& catalogue = *bundle->catalogue;
  const auto size = [](const auto& list) { return static_cast<int64_t>(list.size()); };
  return counted(size(bundle->rules), "rule") + ", " +
         counted(size(catalogue.indicators()), "indicator") + ", " +
         counted(size(catalogue.sources()), "source") + ", " +
         counted(size(catalogue.regions()), "region") + ": " + text;
}

void print_json(const rules::Bundle* bundle, const Diagnostics& diagnostics, bool good) {
  std::string list;
  for (const Diagnostic& d : diagnostics.sorted()) list += (list.empty() ? "" : ",") + to_json(d);
  std::string counts;
  if (bundle != nullptr) {
    counts = fmt::format(R"("rules":{},"indicators":{},"sources":{},"regions":{},"hash":"{}",)",
                         bundle->rules.size(), bundle->catalogue->indicators().size(),
                         bundle->catalogue->sources().size(), bundle->catalogue->regions().size(),
                         to_hex(bundle->hash));
  }
  fmt::print("{{\"good\":{},{}\"errors\":{},\"warnings\":{},\"diagnostics\":[{}]}}\n", good, counts,
             diagnostics.errors(), diagnostics.warnings(), list);
}

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

int check(const CheckArguments& arguments) {
  Diagnostics diagnostics;
  std::optional<Config> config;
  if (!arguments.config.empty()) config = read_config(arguments.config, diagnostics);
  const rules::BundlePaths paths = paths_of(arguments, config);
  std::shared_ptr<const rules::Bundle> bundle;
  // A configuration that names no rules, or could not be read: that has been told.
  if (!paths.rules.empty()) bundle = rules::load_bundle(paths, diagnostics);
  if (config) check_named_files(*config, bundle ? bundle->catalogue.get() : nullptr, diagnostics);
  const bool good =
      !diagnostics.has_errors() && !(arguments.deny_warnings && diagnostics.warnings() > 0);
  if (arguments.format == "json") {
    print_json(bundle.get(), diagnostics, good);
  } else {
    const bool colour = wants_colour(STDOUT_FILENO);
    for (const Diagnostic& d : diagnostics.sorted()) {
      fmt::print("{}\n", diagnostic_text(d, colour));
    }
    fmt::print("{}\n", summary(bundle.get(), diagnostics));
  }
  return good ? kDone : kUsage;
}

}  // namespace

void add_check(CLI::App& program, int& exit_code) {
  auto arguments = std::make_shared<CheckArguments>();
  CLI::App* command = program.add_subcommand(
      "check", "Tell everything that `run` would refuse, all problems at once");
  command->footer(
      "Examples:\n"
      "  tocsin check --config tocsin.yaml    the configuration, and all files that it names\n"
      "  tocsin check --rules my-rules        rules alone\n"
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
