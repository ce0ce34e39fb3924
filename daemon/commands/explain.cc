#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "daemon/alert_log.h"
#include "daemon/commands/commands.h"
#include "daemon/commands/remote.h"
#include "daemon/explanation.h"

namespace tocsin::daemon {
namespace {

struct ExplainArguments {
  std::string alert;
  std::string log;
  Remote remote;
  std::string language = "en";
};

Result<std::vector<std::string>> find_transitions(const ExplainArguments& arguments) {
  if (!arguments.log.empty()) return read_alert_from_log(arguments.log, arguments.alert);
  const auto id = whole_id(arguments.remote, arguments.alert);
  if (!id) return id.error();
  return transitions_of(arguments.remote, *id);
}

int explain(const ExplainArguments& arguments) {
  const auto transitions = find_transitions(arguments);
  if (!transitions) return fail("explain", transitions.error());
  const auto text = explain_alert(*transitions, arguments.language);
  if (!text) return fail("explain", text.error());
  fmt::print("{}", *text);
  return kDone;
}

}  // namespace

void add_explain(CLI::App& program, int& exit_code) {
  auto arguments = std::make_shared<ExplainArguments>();
  CLI::App* command = program.add_subcommand("explain", "Tell in plain words why an alert fired");
  command->footer(
      "Examples:\n"
      "  tocsin explain 3f2a91c0                          # of the running daemon\n"
      "  tocsin explain 3f2a91 --log replay/alerts.ndjson # of a replay\n"
      "  tocsin explain 3f2a91 --language fr");
  command->add_option("alert", arguments->alert, "Id of the alert, or the beginning of it")
      ->required();
  command->add_option("--log", arguments->log, "Alert log to look in instead of the daemon");
  arguments->remote.add_options(*command);
  command->add_option("--language", arguments->language, "Of titles and summaries")
      ->check(CLI::IsMember({"en", "fr", "ar"}))
      ->capture_default_str();
  command->callback([arguments, &exit_code] { exit_code = explain(*arguments); });
}

}  // namespace tocsin::daemon
