#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "daemon/alert_diff.h"
#include "daemon/canonical_log.h"
#include "daemon/commands/commands.h"
#include "daemon/commands/history_inputs.h"
#include "daemon/data_paths.h"
#include "daemon/history.h"
#include "daemon/terminal.h"
#include "daemon/waiting_events.h"
#include "rules/load/rule_loader.h"
#include "rules/model/json_text.h"
#include "storage/memory_store.h"

namespace tocsin::daemon {
namespace {

struct ReplayArguments {
  rules::BundlePaths bundle;
  std::vector<std::string> inputs;
  std::string out;
  std::string emit = "final";
  std::string against;
  std::optional<uint64_t> shuffle;
};

std::string log_of(const storage::Store& store) {
  std::vector<std::string> transitions;
  const Status status = store.read_alert_log(0, [&](const storage::Store::StoredAlert& alert) {
    transitions.push_back(alert.json);
    return true;
  });
  return status ? canonical_log(std::move(transitions)) : std::string();
}

void append_counts(std::string& to, const char* key,
                   const std::map<std::string, uint64_t, std::less<>>& counts) {
  fmt::format_to(std::back_inserter(to), ",\"{}\":{{", key);
  for (const auto& [reason, count] : counts) {
    if (to.back() != '{') to += ',';
    append_json_string(to, reason);
    fmt::format_to(std::back_inserter(to), ":{}", count);
  }
  to += '}';
}

std::string summary_json(const History& history, const History::Outcome& outcome,
                         const storage::StoreStatistics& statistics, const rules::Bundle& bundle) {
  std::string to = "{\"inputs\":[";
  for (const InputCounts& input : history.inputs()) {
    if (to.back() != '[') to += ',';
    to += "{\"name\":";
    append_json_string(to, input.name);
    fmt::format_to(std::back_inserter(to), ",\"records\":{},\"with_events\":{},\"events\":{}",
                   input.records, input.with_events, input.events);
    append_counts(to, "skipped", input.skipped);
    append_counts(to, "rejected", input.rejected);
    to += ",\"problems\":[";
    for (const InputCounts::Problem& problem : input.problems) {
      if (to.back() != '[') to += ',';
      fmt::format_to(std::back_inserter(to), "{{\"position\":{},\"reason\":", problem.position);
      append_json_string(to, problem.reason);
      to += ",\"message\":";
      append_json_string(to, problem.message);
      to += '}';
    }
    to += "]}";
  }
  fmt::format_to(
      std::back_inserter(to),
      "],\"accepted\":{},\"duplicates\":{},\"too_late\":{},\"superseded\":{},\"retracted\":{},"
      "\"alert_transitions\":{},"
      "\"alerts_open\":{},\"judged_to\":\"{}\",\"rules\":{},\"bundle\":\"{}\"}}\n",
      outcome.accepted, outcome.duplicates, outcome.too_late, history.superseded(),
      history.retracted(), statistics.alert_records, statistics.alerts_open,
      history.size() == 0 ? "" : format_time(outcome.judged_to), bundle.rules.size(),
      to_hex(bundle.hash));
  return to;
}

void print_summary(const History& history, const History::Outcome& outcome,
                   const storage::StoreStatistics& statistics,
                   const std::vector<WaitingEvents>& waiting, const std::string& out) {
  fmt::print("{:<44} {:>9} {:>9} {:>9} {:>9} {:>9}\n", "input", "records", "with ev.", "skipped",
             "rejected", "events");
  for (const InputCounts& input : history.inputs()) {
    const std::string name = std::filesystem::path(input.name).filename().string();
    fmt::print("{:<44} {:>9} {:>9} {:>9} {:>9} {:>9}\n", name, input.records, input.with_events,
               input.skipped_total(), input.rejected_total(), input.events);
    for (const auto& [reason, count] : input.skipped) {
      fmt::print("    skipped {:<32} {:>9}\n", reason, count);
    }
    for (const auto& [reason, count] : input.rejected) {
      fmt::print("    rejected {:<31} {:>9}\n", reason, count);
    }
  }
  fmt::print("events: {} accepted, {} duplicates, {} too late", outcome.accepted,
             outcome.duplicates, outcome.too_late);
  if (history.superseded() + history.retracted() > 0) {
    fmt::print("; {} corrected by a later revision, {} retracted", history.superseded(),
               history.retracted());
  }
  fmt::print("\nalerts: {} transitions, {} firing at the end\n", statistics.alert_records,
             statistics.alerts_open);
  if (history.size() > 0) {
    fmt::print("judged up to {}, the end of the newest event's day\n",
               format_time(outcome.judged_to));
  }
  constexpr size_t kShown = 5;
  for (size_t i = 0; i < waiting.size() && i < kShown; ++i) {
    fmt::print("    wait for the tick of {} at {}: {} events\n", waiting[i].rule,
               format_time(waiting[i].tick), waiting[i].events);
  }
  if (waiting.size() > kShown) {
    fmt::print("    and of {} rules more\n", waiting.size() - kShown);
  }
  fmt::print("log: {}/alerts.ndjson\n", out);
}

void print_diff(const AlertDiff& diff) {
  if (diff.empty()) {
    fmt::print("no difference: the same alerts\n");
    return;
  }
  for (const std::string& line : diff.added) fmt::print("+ {}\n", line);
  for (const std::string& line : diff.removed) fmt::print("- {}\n", line);
  for (const std::string& line : diff.changed) fmt::print("~ {}\n", line);
  fmt::print("{} new, {} gone, {} changed\n", diff.added.size(), diff.removed.size(),
             diff.changed.size());
}

bool write_file(const std::filesystem::path& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  return static_cast<bool>(file.flush());
}

int replay(const ReplayArguments& arguments) {
  Diagnostics diagnostics;
  const auto [text, bundle] = rules::read_bundle(arguments.bundle, diagnostics);
  print_errors(diagnostics);
  if (!bundle) return kUsage;

  History history;
  if (const int code = read_history("replay", arguments.inputs, bundle->catalogue, history);
      code != kDone) {
    return code;
  }
  history.settle();
  history.sort(*bundle->catalogue);
  if (arguments.shuffle) history.shuffle(*bundle->catalogue, *arguments.shuffle);

  const auto store = storage::make_memory_store();
  const rules::Emit emit = arguments.emit == "early" ? rules::Emit::kEarly : rules::Emit::kFinal;
  Pipeline pipeline(*store, bundle, rules::serialize(text),
                    {.emit = emit, .future_tolerance = std::nullopt});
  ProgressBar bar("replay");
  const auto outcome =
      history.play(pipeline, [&](uint64_t done, uint64_t of) { bar.show(done, of); });
  bar.finish();
  if (!outcome) {
    fmt::print(stderr, "tocsin replay: {}\n", outcome.error().message);
    return kEnvironment;
  }

  const std::filesystem::path out = arguments.out;
  std::error_code error;
  std::filesystem::create_directories(out, error);
  const storage::StoreStatistics statistics = store->statistics();
  if (!write_file(out / "alerts.ndjson", log_of(*store)) ||
      !write_file(out / "summary.json", summary_json(history, *outcome, statistics, *bundle))) {
    fmt::print(stderr, "tocsin replay: cannot write to {}\n", arguments.out);
    return kEnvironment;
  }
  print_summary(history, *outcome, statistics, waiting_events(history, *bundle, outcome->judged_to),
                arguments.out);
  if (arguments.against.empty()) return kDone;
  const auto diff = diff_alert_logs(arguments.against, (out / "alerts.ndjson").string());
  if (!diff) {
    fmt::print(stderr, "tocsin replay: {}\n", diff.error().message);
    return kEnvironment;
  }
  print_diff(*diff);
  return kDone;
}

}  // namespace

void add_replay(CLI::App& program, int& exit_code) {
  auto arguments = std::make_shared<ReplayArguments>();
  arguments->bundle.catalogue = {default_data_path("rules/catalogue")};
  arguments->bundle.rules = {default_data_path("rules/sets")};
  CLI::App* command = program.add_subcommand(
      "replay", "Judge history by the rules, through the same engine as live input");
  command->footer(
      "Example: what would my edit have changed?\n"
      "  tocsin replay --input ucdp-ged-text:ged191_africa_mideast.csv --out before\n"
      "  tocsin replay --input ucdp-ged-text:ged191_africa_mideast.csv --out after \\\n"
      "                --rules my-rules --against before/alerts.ndjson\n"
      "Inputs are FILE.ndjson, or MAPPING:FILE with a shipped mapping or a mapping file.");
  command->add_option("--rules", arguments->bundle.rules, "Rule files or folders");
  command->add_option("--catalogue", arguments->bundle.catalogue, "Catalogue files or folders");
  command->add_option("--input", arguments->inputs, "FILE.ndjson or MAPPING:FILE; several")
      ->required();
  command->add_option("--out", arguments->out, "Folder for alerts.ndjson and summary.json")
      ->required();
  command
      ->add_option("--emit", arguments->emit,
                   "final: judged with all input in hand, up to the end of its last day; early: as "
                   "a live daemon, on arrival")
      ->check(CLI::IsMember({"final", "early"}))
      ->capture_default_str();
  command->add_option("--shuffle", arguments->shuffle,
                      "Seed: disturb arrivals within the sources' lateness");
  command->add_option("--against", arguments->against, "An older alerts.ndjson to compare with");
  command->callback([arguments, &exit_code] { exit_code = replay(*arguments); });
}

}  // namespace tocsin::daemon
