#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <thread>
#include <tuple>

#include "daemon/alert_fields.h"
#include "daemon/commands/commands.h"
#include "daemon/commands/remote.h"
#include "daemon/explanation.h"
#include "daemon/http/parameters.h"
#include "daemon/terminal.h"

namespace tocsin::daemon {
namespace {

namespace json = boost::json;

constexpr size_t kShownIdLength = 8;
constexpr std::chrono::seconds kWatchInterval{2};

struct AlertsArguments {
  Remote remote;
  std::string id;
  bool all = false;
  bool shadow = false;
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
  std::string path =
      fmt::format("/v1/alerts?limit=1000&state={}&status={}", arguments.all ? "all" : "open",
                  arguments.shadow ? "all" : "production");
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

std::string clock_time() {
  return format_time(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
}

std::vector<std::string> row_of(const AlertFields& alert, const AlertsArguments& arguments,
                                bool colour) {
  std::string level = level_text(alert.level, colour);
  if (alert.is_end()) level = fmt::format("({})", to_string(alert.level));
  if (alert.stale) level += " stale";
  if (alert.error) level += " error";
  if (alert.flapping_since) level += " flapping";
  if (alert.status != RuleStatus::kProduction) level += fmt::format(" {}", to_string(alert.status));
  std::string where = in_language(alert.region_name, arguments.language);
  if (where.empty()) where = alert.region;
  if (!alert.country.empty() && alert.country != alert.region) where += ", " + alert.country;
  std::string title = in_language(alert.summary, arguments.language);
  if (title.empty()) title = in_language(alert.title, arguments.language);
  if (alert.is_end() && alert.condition.starts_with("rule "))
    title = alert.condition + ": " + title;
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

// The first of all alerts that come, in the order in which a desk wants them: what fires before
// what has ended, the gravest first, of one level the newest.
class FirstAlerts {
 public:
  explicit FirstAlerts(size_t limit) : limit_(limit) {}

  // Alerts come newest first.
  void add(const AlertFields& fields, std::string json) {
    const int level = fields.is_end() ? 0 : static_cast<int>(fields.level);
    kept_.emplace(Rank{fields.is_end(), -level, came_++}, std::move(json));
    if (kept_.size() > limit_) kept_.erase(std::prev(kept_.end()));
  }
  size_t came() const { return came_; }
  std::vector<std::string> in_order() const {
    std::vector<std::string> texts;
    for (const auto& [rank, json] : kept_) texts.push_back(json);
    return texts;
  }

 private:
  using Rank = std::tuple<bool, int, size_t>;
  const size_t limit_;
  size_t came_ = 0;
  std::map<Rank, std::string> kept_;
};

struct Page {
  std::string text;
  std::string left_out;  // a line for stderr; empty when all are shown
};

// Nothing is printed before all of it is known.
Result<Page> page_of(const AlertsArguments& arguments) {
  FirstAlerts first(arguments.limit);
  const Status status =
      arguments.remote.each_of(list_path(arguments), "alerts", [&](const json::object& alert) {
        std::string text = json::serialize(alert);
        if (const auto fields = read_alert_fields(text)) first.add(*fields, std::move(text));
        return true;
      });
  if (!status) return status.error();
  Page page;
  std::vector<std::vector<std::string>> rows;
  const bool colour = wants_colour(STDOUT_FILENO);
  for (const std::string& text : first.in_order()) {
    if (arguments.format == "json") page.text += text + "\n";
    rows.push_back(row_of(*read_alert_fields(text), arguments, colour));
  }
  if (first.came() > rows.size()) {
    page.left_out = fmt::format("{} of {} shown, the gravest first; --limit {} shows all\n",
                                rows.size(), first.came(), first.came());
  }
  if (arguments.format == "json") return page;
  if (rows.empty()) {
    page.text = arguments.all ? "no alerts\n" : "nothing fires\n";
  } else {
    page.text = format_table({"LEVEL", "SINCE", "UNTIL", "WHERE", "RULE", "EVENTS", "ID", "WHAT"},
                             rows, terminal_width());
  }
  return page;
}

void print_page(const Page& page, bool on_screen) {
  fmt::print("{}{}", on_screen ? "\x1b[H\x1b[2J" : "", page.text);
  std::fflush(stdout);
  fmt::print(stderr, "{}", page.left_out);
}

int list(const AlertsArguments& arguments) {
  const auto page = page_of(arguments);
  if (!page) return fail("alerts", page.error());
  print_page(*page, /*on_screen=*/false);
  return kDone;
}

// A daemon that restarts does not end the watch: whoever looks at it must not take a table that
// stands still for calm.
int watch(const AlertsArguments& arguments) {
  std::string last;
  bool is_away = false;
  while (true) {
    const auto page = page_of(arguments);
    if (!page && page.error().code != ErrorCode::kUnavailable) return fail("alerts", page.error());
    if (!page && !is_away) {
      fmt::print(stderr, "no answer since {}: {}; what is shown may be over\n", clock_time(),
                 page.error().message);
      is_away = true;
    }
    if (page && (is_away || page->text != last)) {
      if (is_away) fmt::print(stderr, "answers again since {}\n", clock_time());
      print_page(*page, isatty(STDOUT_FILENO) == 1);
      last = page->text;
      is_away = false;
    }
    std::this_thread::sleep_for(kWatchInterval);
  }
}

int show(const AlertsArguments& arguments) {
  const auto id = whole_id(arguments.remote, arguments.id);
  if (!id) return fail("alerts", id.error());
  const auto transitions = transitions_of(arguments.remote, *id);
  if (!transitions) return fail("alerts", transitions.error());
  if (arguments.format == "json") {
    for (const std::string& each : *transitions) fmt::print("{}\n", each);
    return kDone;
  }
  const auto text = explain_alert(*transitions, arguments.language);
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
      "  tocsin alerts --all --country LY      also what has ended, behind what fires\n"
      "  tocsin alerts 3f2a91c0                one of them in words, by the beginning of its id");
  command->add_option("id", arguments->id, "One alert, or the beginning of its id");
  arguments->remote.add_options(*command);
  command->add_flag("--all", arguments->all, "Also what has ended");
  command->add_flag("--shadow", arguments->shadow, "Also of rules that are tried out");
  command->add_option("--level", arguments->level, "This level and higher")
      ->check(CLI::IsMember({"info", "watch", "warning", "alert", "emergency"}));
  command->add_option("--rule", arguments->rule, "Of one rule: package/name");
  command->add_option("--driver", arguments->driver, "Of one driver");
  command->add_option("--country", arguments->country, "Of one country: ISO 3166-1 alpha-2");
  command->add_option("--limit", arguments->limit, "At most so many, the gravest first")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--language", arguments->language, "en, fr or ar")->capture_default_str();
  command->add_option("--format", arguments->format, "text, or json: one alert/1 a line")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->add_flag("--watch", arguments->watch, "Again every two seconds, until Ctrl-C");
  command->callback([arguments, &exit_code] {
    if (!arguments->id.empty()) {
      exit_code = show(*arguments);
    } else {
      exit_code = arguments->watch ? watch(*arguments) : list(*arguments);
    }
  });
}

}  // namespace tocsin::daemon
