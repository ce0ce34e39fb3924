#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "daemon/commands/commands.h"
#include "daemon/commands/remote.h"
#include "daemon/terminal.h"
#include "rules/model/time.h"

namespace tocsin::daemon {
namespace {

namespace json = boost::json;

struct StatusArguments {
  Remote remote;
  std::string format = "text";
};

std::string duration(double seconds) {
  return format_duration(Milliseconds(static_cast<int64_t>(seconds) * 1000));
}

std::string megabytes(double bytes) { return fmt::format("{:.1f} MB", bytes / 1e6); }

const json::object& object_at(const json::object& object, std::string_view key) {
  static const json::object kNone;
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? value->as_object() : kNone;
}

using Rows = std::vector<std::vector<std::string>>;

template <typename Row>
Rows rows_of(const json::object& status, std::string_view key, const Row& row) {
  Rows rows;
  const json::value* items = status.if_contains(key);
  if (items == nullptr || !items->is_array()) return rows;
  for (const json::value& item : items->as_array()) {
    if (item.is_object()) rows.push_back(row(item.as_object()));
  }
  return rows;
}

void print_rows(const std::vector<std::string>& header, const Rows& rows) {
  if (!rows.empty()) fmt::print("\n{}", format_table(header, rows, terminal_width()));
}

template <typename Row>
void print_table(const json::object& status, std::string_view key,
                 const std::vector<std::string>& header, const Row& row) {
  print_rows(header, rows_of(status, key, row));
}

std::string lag_of(const json::object& input) {
  double lag = 0;
  for (const auto& [stream, records] : object_at(input, "lag_records")) {
    if (records.is_number()) lag += records.to_number<double>();
  }
  return fmt::format("{:.0f}", lag);
}

void print_texts(const json::object& object, std::string_view key, std::string_view indent) {
  const json::value* items = object.if_contains(key);
  if (items == nullptr || !items->is_array()) return;
  for (const json::value& item : items->as_array()) {
    if (item.is_string()) fmt::print("{}{}\n", indent, std::string(item.as_string()));
  }
}

std::string firing(const json::object& status) {
  if (!status.contains("alerts")) return "unknown: the store could not be read";
  const json::object& alerts = object_at(status, "alerts");
  const double withheld = number_at(alerts, "withheld");
  std::string text = fmt::format("{:.0f} firing", number_at(alerts, "open"));
  if (withheld > 0) {
    text += fmt::format(", +{:.0f} withheld: marked above what may be shown here", withheld);
  }
  return text;
}

std::vector<std::string> source_row(const json::object& source) {
  const std::string last = text_at(source, "last_arrival");
  return {text_at(source, "name"), text_at(source, "watermark"), text_at(source, "newest_event"),
          last.empty() ? "unknown" : last,  // it came before the daemon kept note of when
          is_true(source, "idle") ? "idle" : ""};
}

void print_sources(const json::object& status) {
  auto rows = rows_of(status, "sources", source_row);
  const json::value* never_seen = status.if_contains("never_seen");
  if (never_seen != nullptr && never_seen->is_array()) {
    for (const json::value& name : never_seen->as_array()) {
      if (name.is_string()) rows.push_back({std::string(name.as_string()), "", "", "never", ""});
    }
  }
  print_rows({"SOURCE", "WATERMARK", "NEWEST EVENT", "LAST ARRIVAL", "IDLE"}, rows);
}

void print_status(const json::object& status) {
  const json::object& rules = object_at(status, "rules");
  const json::object& queue = object_at(status, "queue");
  const json::object& store = object_at(status, "store");
  fmt::print("tocsin {}, up {}, {}\n", text_at(status, "version"),
             duration(number_at(status, "uptime_seconds")),
             is_true(status, "ready") ? "ready" : "NOT READY; missing:");
  print_texts(status, "missing", "  ");
  fmt::print("alerts       {}\n", firing(status));
  fmt::print("rules        {:.0f} in force, last load {}\n", number_at(rules, "loaded"),
             is_true(rules, "last_reload_successful") ? "good" : "REFUSED:");
  if (!is_true(rules, "last_reload_successful")) print_texts(rules, "diagnostics", "  ");
  fmt::print("watermark    {}\n", text_at(status, "watermark"));
  if (is_true(store, "up")) {
    fmt::print("journal      {:.0f} events, {} on disk\n", number_at(store, "journal_events"),
               megabytes(number_at(store, "disk_bytes")));
  } else {
    fmt::print("journal      unknown: the store is not open\n");
  }
  fmt::print("queue        {} of {}\n", megabytes(number_at(queue, "bytes")),
             megabytes(number_at(queue, "capacity_bytes")));
  if (const json::object& disk = object_at(status, "disk"); !disk.empty()) {
    fmt::print("disk         {} free; under {} no input is taken\n",
               megabytes(number_at(disk, "free_bytes")),
               megabytes(number_at(disk, "min_free_bytes")));
  }
  fmt::print("dead letters {:.0f}\n", number_at(store, "dead_letters"));
  print_sources(status);
  print_table(status, "inputs", {"INPUT", "TYPE", "STATE", "LAG", "PROBLEM"},
              [](const json::object& input) {
                std::string state = is_true(input, "connected") ? "connected" : "away";
                if (is_true(input, "finished")) state = "finished";
                if (is_true(input, "failed")) state = "FAILED";
                return std::vector<std::string>{text_at(input, "name"), text_at(input, "type"),
                                                state, lag_of(input), text_at(input, "message")};
              });
  print_table(status, "sinks", {"SINK", "WAITING", "OLDEST", "PROBLEM"},
              [](const json::object& sink) {
                const double waiting = number_at(sink, "waiting");
                return std::vector<std::string>{
                    text_at(sink, "name"), fmt::format("{:.0f}", waiting),
                    waiting > 0 ? duration(number_at(sink, "oldest_seconds")) : "",
                    text_at(sink, "problem")};
              });
}

int show_status(const StatusArguments& arguments) {
  const auto status = arguments.remote.ask("GET", "/v1/status");
  if (!status) return fail("status", status.error());
  if (arguments.format == "json") {
    fmt::print("{}\n", json::serialize(*status));
  } else {
    print_status(*status);
  }
  return is_true(*status, "ready") ? kDone : kAnswerIsNo;
}

}  // namespace

void add_status(CLI::App& program, int& exit_code) {
  auto arguments = std::make_shared<StatusArguments>();
  CLI::App* command = program.add_subcommand("status", "How the running daemon is doing");
  command->footer(
      "Examples:\n"
      "  tocsin status                     sources, inputs, sinks, rules at a glance\n"
      "  tocsin status --format json       the same for programs\n"
      "Exit code 0 when it is ready, 1 when it is not, 3 when it does not answer.");
  arguments->remote.add_options(*command);
  command->add_option("--format", arguments->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->callback([arguments, &exit_code] { exit_code = show_status(*arguments); });
}

}  // namespace tocsin::daemon
