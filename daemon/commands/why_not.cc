#include "rules/authoring/why_not.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "daemon/commands/commands.h"
#include "daemon/commands/history_inputs.h"
#include "daemon/data_paths.h"
#include "rules/load/rule_loader.h"

namespace tocsin::daemon {
namespace {

struct WhyNotArguments {
  rules::BundlePaths bundle;
  std::vector<std::string> inputs;
  std::string rule;
  std::vector<std::string> group;
  std::string at;
};

int fail(const std::string& problem) {
  fmt::print(stderr, "tocsin why-not: {}\n", problem);
  return kUsage;
}

int why_not(const WhyNotArguments& arguments) {
  Diagnostics diagnostics;
  const auto bundle = rules::load_bundle(arguments.bundle, diagnostics);
  print_errors(diagnostics);
  if (!bundle) return kUsage;
  std::string hint;
  const auto rule = rules::find_rule(*bundle, arguments.rule, hint);
  if (!rule) {
    return fail("there is no rule `" + arguments.rule + "`" +
                (hint.empty() ? "" : "; did you mean `" + hint + "`?"));
  }
  const auto at = parse_time(arguments.at);
  if (!at) return fail("--at takes a date or RFC 3339 time, not `" + arguments.at + "`");
  std::string problem;
  const auto key = rules::parse_group(*bundle, bundle->rules[*rule], arguments.group, problem);
  if (!key) return fail(problem);
  History history;
  if (const int code = read_history("why-not", arguments.inputs, bundle->catalogue, history);
      code != kDone) {
    return code;
  }
  history.settle();
  history.sort(*bundle->catalogue);
  rules::WhyNot answer(bundle, *rule, *key, *at);
  history.for_each([&](const Event& event) { answer.take(event); });
  fmt::print("{}", answer.tell());
  return kDone;
}

}  // namespace

void add_why_not(CLI::App& program, int& exit_code) {
  auto arguments = std::make_shared<WhyNotArguments>();
  arguments->bundle.catalogue = {default_data_path("rules/catalogue")};
  arguments->bundle.rules = {default_data_path("rules/sets")};
  CLI::App* command = program.add_subcommand(
      "why-not", "Tell how far a rule was from an alert, and which events came near");
  command->footer(
      "Example: why was there no alert for Tunisia on 1 January 2011?\n"
      "  tocsin why-not --rule violence/protest-surge --group region=TN --at 2011-01-01 \\\n"
      "                 --input mass-mobilization:mass_mobilization.csv");
  command->add_option("--rule", arguments->rule, "package/name")->required();
  command->add_option("--group", arguments->group, "KEY=VALUE for each key of `by`; several");
  command->add_option("--at", arguments->at, "The moment, a date or RFC 3339 time")->required();
  command->add_option("--input", arguments->inputs, "FILE.ndjson or MAPPING:FILE; several")
      ->required();
  command->add_option("--rules", arguments->bundle.rules, "Rule files or folders");
  command->add_option("--catalogue", arguments->bundle.catalogue, "Catalogue files or folders");
  command->callback([arguments, &exit_code] { exit_code = why_not(*arguments); });
}

}  // namespace tocsin::daemon
