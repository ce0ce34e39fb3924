#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "daemon/commands/commands.h"
#include "daemon/commands/loading.h"
#include "daemon/data_paths.h"
#include "daemon/diff_report.h"
#include "daemon/terminal.h"

namespace tocsin::daemon {

namespace {

struct DiffArguments {
  std::string before;
  std::string after;
  std::vector<std::string> catalogue;
  std::vector<std::string> old_catalogue;
  std::vector<std::string> new_catalogue;
  bool only_changes = false;
  bool json = false;
};

int diff(const DiffArguments& arguments) {
  const auto either = [&](const std::vector<std::string>& own) {
    if (!own.empty()) return own;
    if (!arguments.catalogue.empty()) return arguments.catalogue;
    return std::vector<std::string>{default_data_path("rules/catalogue")};
  };
  const auto before =
      load_or_tell({.catalogue = either(arguments.old_catalogue), .rules = {arguments.before}});
  const auto after =
      load_or_tell({.catalogue = either(arguments.new_catalogue), .rules = {arguments.after}});
  if (!before || !after) return kUsage;
  const rules::BundleDiff found = rules::diff_bundles(*before, *after);
  if (arguments.json) {
    fmt::print("{}\n", diff_json(found));
  } else {
    fmt::print("{}", diff_text(found, {.only_changes = arguments.only_changes,
                                       .colour = wants_colour(STDOUT_FILENO)}));
  }
  return found.is_same() ? kDone : kAnswerIsNo;
}

}  // namespace

void add_diff(CLI::App& program, int& exit_code) {
  auto arguments = std::make_shared<DiffArguments>();
  CLI::App* command = program.add_subcommand(
      "diff", "Tell what a reload from one set of rules to another would do");
  command->footer(
      "For every rule:\n"
      "  keep          nothing changes\n"
      "  re-threshold  state and alerts go on; new levels and texts count from the next tick\n"
      "  rebuild       what the rule watches has changed: its alerts end, its state begins anew;\n"
      "                `warming up` is how long until it looks back as far as before;\n"
      "                a signal that a rule reads and that has changed begins anew as well\n"
      "  new, removed  the open alerts of a removed rule end\n"
      "Examples:\n"
      "  tocsin diff /etc/tocsin/rules my-rules\n"
      "  tocsin diff old new --old-catalogue catalogue-1 --new-catalogue catalogue-2\n"
      "Exit code 0 when nothing changes, 1 when something does, 2 when one of them does not load.");
  command->add_option("old", arguments->before, "Rule file or folder that is in force")->required();
  command->add_option("new", arguments->after, "Rule file or folder that would replace it")
      ->required();
  const auto folders = [&](const char* name, std::vector<std::string>& into, const char* about) {
    // One a flag, so that OLD and NEW may follow it.
    command->add_option(name, into, about)->allow_extra_args(false);
  };
  folders("--catalogue", arguments->catalogue,
          "Catalogue file or folder of both, several times for several; default the shipped one");
  folders("--old-catalogue", arguments->old_catalogue, "That of the old rules");
  folders("--new-catalogue", arguments->new_catalogue, "That of the new rules");
  command->add_flag("--changes", arguments->only_changes, "Leave out the rules that are kept");
  command->add_flag("--json", arguments->json, "As one JSON object");
  command->callback([arguments, &exit_code] { exit_code = diff(*arguments); });
}

}  // namespace tocsin::daemon
