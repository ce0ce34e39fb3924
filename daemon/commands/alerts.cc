#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "daemon/alert_fields.h"
#include "daemon/commands/commands.h"
#include "daemon/commands/remote.h"
#include "daemon/explanation.h"
#include "daemon/http/parameters.h"
#include "daemon/terminal.h"

namespace tocsin::daemon {
namespace {

namespace json = boost::json;

constexpr size_t kIdLength = 32;
constexpr size_t kShownIdLength = 8;
constexpr std::chrono::seconds kWatchInterval{2};

struct AlertsArguments {
  Remote remote;
  std::string id;
  bool all = false;
  std::string level;
  std::string rule;
  std::string driver;
  std::string country;
  size_t limit = 100;
  std::string format = "text";
  std::string language = "en";
  bool watch = false;
};

std::string list_path(const AlertsArguments& arguments) {
  std::string path = "/v1/alerts?state=";
  path += arguments.all ? "all" : "open";
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) path += fmt::format("&{}={}", name, http::percent_encode(value));
  };
  add("level", arguments.level);
  add("rule", arguments.rule);
  add("driver", arguments.driver);
  add("country", arguments.country);
  return path;
}

std::string in_language(const std::map<std::string, std::string>& texts,
                        const std::string& language) {
  auto it = texts.find(language);
  if (it == texts.end()) it = texts.find("en");
  return it == texts.end() ? std::string() : it->second;
}

std::vector<std::string> row_of(const AlertFields& alert, const AlertsArguments& arguments,
                                bool colour) {
  std::string level = level_text(alert.level, colour);
  if (alert.is_end()) level = fmt::format("({})", to_string(alert.level));
  if (alert.stale) level += " stale";
  std::string where = in_language(alert.region_name, arguments.language);
  if (where.empty()) where = alert.region;
  if (!alert.country.empty() && alert.country != alert.region) where += ", " + alert.country;
  std::string title = in_language(alert.summary, arguments.language);
  if (title.empty()) title = in_language(alert.title, arguments.language);
  if (alert.rule.empty()) title = "(withheld: marked above what may be shown here)";
  return {std::move(level),
          format_date(alert.starts_at),
          alert.ends_at ? format_date(*alert.ends_at) : "",
          std::move(where),
          alert.rule,
          std::to_string(alert.events_counted),
          alert.id.substr(0, kShownIdLength),
          std::move(title)};
}

// The alerts as one page of text; nothing is printed before all of it is known.
Result<std::string> page_of(const AlertsArguments& arguments) {
  std::vector<std::vector<std::string>> rows;
  std::string lines;
  size_t count = 0;
  const bool colour = wants_colour(STDOUT_FILENO);
  const Status status =
      arguments.remote.each_of(list_path(arguments), "alerts", [&](const json::object& alert) {
        const std::string text = json::serialize(alert);
        lines += text + "\n";
        if (const auto fields = read_alert_fields(text)) {
          rows.push_back(row_of(*fields, arguments, colour));
        }
        return ++count < arguments.limit;
      });
  if (!status) return status.error();
  if (arguments.format == "json") return lines;
  if (rows.empty()) return std::string(arguments.all ? "no alerts\n" : "nothing fires\n");
  return format_table({"LEVEL", "SINCE", "UNTIL", "WHERE", "RULE", "EVENTS", "ID", "WHAT"}, rows,
                      terminal_width());
}

int list(const AlertsArguments& arguments) {
  std::string last;
  do {
    const auto page = page_of(arguments);
    if (!page) return fail("alerts", page.error());
    if (*page != last) {
      const bool on_screen = arguments.watch && isatty(STDOUT_FILENO) == 1;
      fmt::print("{}{}", on_screen ? "\x1b[H\x1b[2J" : "", *page);
      std::fflush(stdout);
      last = *page;
    }
    if (arguments.watch) std::this_thread::sleep_for(kWatchInterval);
  } while (arguments.watch);
  return kDone;
}

// The whole id of the one alert that begins so.
Result<std::string> whole_id(const AlertsArguments& arguments) {
  if (arguments.id.size() == kIdLength) return arguments.id;
  std::vector<std::string> found;
  const Status status = arguments.remote.each_of("/v1/alerts?state=all&limit=1000", "alerts",
                                                 [&](const json::object& alert) {
                                                   const std::string id = text_at(alert, "id");
                                                   if (id.starts_with(arguments.id))
                                                     found.push_back(id);
                                                   return found.size() < 2;
                                                 });
  if (!status) return status.error();
  if (found.empty()) return not_found("no alert begins with " + arguments.id);
  if (found.size() > 1) return invalid("several alerts begin with " + arguments.id);
  return found.front();
}

int show(const AlertsArguments& arguments) {
  const auto id = whole_id(arguments);
  if (!id) return fail("alerts", id.error());
  const auto alert = arguments.remote.ask("GET", "/v1/alerts/" + *id);
  if (!alert) return fail("alerts", alert.error());
  const json::value* list = alert->if_contains("transitions");
  if (list == nullptr || !list->is_array()) return fail("alerts", unavailable("no transitions"));
  std::vector<std::string> transitions;
  for (const json::value& each : list->as_array()) transitions.push_back(json::serialize(each));
  if (arguments.format == "json") {
    for (const std::string& each : transitions) fmt::print("{}\n", each);
    return kDone;
  }
  const auto text = explain_alert(transitions, arguments.language);
  if (!text) return fail("alerts", text.error());
  fmt::print("{}", *text);
  return kDone;
}

}  // namespace

void add_alerts(CLI::App& program, int& exit_code) {
  auto arguments = std::make_shared<AlertsArguments>();
  CLI::App* command = program.add_subcommand("alerts", "What the running daemon has raised");
  command->footer(
      "Examples:\n"
      "  tocsin alerts                         what fires now\n"
      "  tocsin alerts --level alert --watch   the gravest, kept up to date\n"
      "  tocsin alerts --all --country LY      also what has ended, newest first\n"
      "  tocsin alerts 3f2a91c0                one of them in words, by the beginning of its id");
  command->add_option("id", arguments->id, "One alert, or the beginning of its id");
  arguments->remote.add_options(*command);
  command->add_flag("--all", arguments->all, "Also what has ended");
  command->add_option("--level", arguments->level, "This level and higher")
      ->check(CLI::IsMember({"info", "watch", "warning", "alert", "emergency"}));
  command->add_option("--rule", arguments->rule, "Of one rule: package/name");
  command->add_option("--driver", arguments->driver, "Of one driver");
  command->add_option("--country", arguments->country, "Of one country: ISO 3166-1 alpha-2");
  command->add_option("--limit", arguments->limit, "At most so many")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--language", arguments->language, "en, fr or ar")->capture_default_str();
  command->add_option("--format", arguments->format, "text, or json: one alert/1 a line")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->add_flag("--watch", arguments->watch, "Again every two seconds, until Ctrl-C");
  command->callback([arguments, &exit_code] {
    exit_code = arguments->id.empty() ? list(*arguments) : show(*arguments);
  });
}

}  // namespace tocsin::daemon
