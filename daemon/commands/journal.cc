#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <memory>

#include "daemon/alert_json.h"
#include "daemon/commands/commands.h"
#include "daemon/commands/remote.h"
#include "daemon/data_paths.h"
#include "daemon/event_history.h"
#include "daemon/event_json.h"
#include "daemon/open_files.h"
#include "daemon/terminal.h"
#include "rules/load/catalogue_loader.h"
#include "storage/rocksdb_store.h"

namespace tocsin::daemon {
namespace {

using storage::Store;

struct JournalArguments {
  std::string data;
  std::vector<std::string> catalogue;
  std::string from;
  std::string to;
  std::string source;
  std::string indicator;
  std::string region;
  std::string id;
  std::string ceiling = "amber";
  std::string format;
};

// Of a listing: which events are meant. Numbers of records and times are told apart by how they
// look.
struct Selection {
  JournalSeq first = 1;
  JournalSeq last = UINT64_MAX;
  EventTime from = kMinEventTime;
  EventTime before = kMaxEventTime;
  std::optional<SourceId> source;
  std::string indicator;  // a name, or its beginning
  bool is_beginning = false;
  std::optional<RegionId> region;
  Tlp ceiling = Tlp::kAmber;

  bool takes(const Event& event, const Catalogue& catalogue) const {
    if (event.time < from || event.time >= before) return false;
    if (source && event.source != *source) return false;
    if (region && !catalogue.is_within(event.region, *region)) return false;
    const std::string& name = catalogue.indicator(event.indicator).name;
    return is_beginning ? name.starts_with(indicator) : indicator.empty() || name == indicator;
  }
};

Status take_bound(const std::string& text, const char* option, JournalSeq& number,
                  EventTime& time) {
  if (text.empty()) return Status::ok();
  JournalSeq read = 0;
  const char* end = text.data() + text.size();
  if (std::from_chars(text.data(), end, read) == std::from_chars_result{end, std::errc{}}) {
    number = read;
    return Status::ok();
  }
  const auto parsed = parse_time(text);
  if (!parsed) {
    return invalid(
        fmt::format("{} {}: neither a record's number nor a time like 2011-03-01", option, text));
  }
  time = *parsed;
  return Status::ok();
}

Result<Selection> select(const JournalArguments& arguments, const Catalogue& catalogue) {
  Selection selection;
  selection.ceiling = *parse_enum<Tlp>(arguments.ceiling);
  if (Status s = take_bound(arguments.from, "--from", selection.first, selection.from); !s) {
    return s.error();
  }
  if (Status s = take_bound(arguments.to, "--to", selection.last, selection.before); !s) {
    return s.error();
  }
  const auto unknown = [](const char* what, const std::string& name) {
    return invalid(fmt::format("the catalogue has no {} `{}`", what, name));
  };
  if (!arguments.source.empty()) {
    selection.source = catalogue.find_source(arguments.source);
    if (!selection.source) return unknown("source", arguments.source);
  }
  if (!arguments.region.empty()) {
    selection.region = catalogue.find_region(arguments.region);
    if (!selection.region) return unknown("region", arguments.region);
  }
  selection.indicator = arguments.indicator;
  selection.is_beginning = arguments.indicator.ends_with('*');
  if (selection.is_beginning) selection.indicator.pop_back();
  const bool is_name = !selection.is_beginning && !arguments.indicator.empty();
  if (is_name && !catalogue.find_indicator(arguments.indicator)) {
    return unknown("indicator", arguments.indicator);
  }
  return selection;
}

std::string line_of(const Store::JournalRecord& record, const Catalogue& catalogue) {
  const Event& event = *record.event;
  std::string line =
      fmt::format("{:>9}  {}  {}  {}/{}  {}  {}", record.seq, format_time(record.committed),
                  format_time(event.time), catalogue.source(event.source).name, event.id,
                  catalogue.indicator(event.indicator).name, catalogue.region(event.region).id);
  if (event.has_value()) {
    line += "  ";
    append_json_number(line, event.value);
  }
  if (event.op != Operation::kAssert) {
    line += fmt::format("  {} rev {}", to_string(event.op), event.rev);
  }
  return line;
}

int list(const JournalArguments& arguments, const Store& store, const Catalogue& catalogue) {
  const Result<Selection> selection = select(arguments, catalogue);
  if (!selection) return fail("journal", selection.error());
  const bool as_text = arguments.format == "text";
  uint64_t withheld = 0;
  uint64_t unknown = 0;
  uint64_t erased = 0;
  const Status status =
      store.read_journal(selection->first, [&](const Store::JournalRecord& record) {
        if (record.seq > selection->last) return false;
        if (record.event == nullptr) {
          if (record.erased != nullptr) ++erased;
          if (record.erased == nullptr && record.control == nullptr) ++unknown;
        } else if (selection->takes(*record.event, catalogue)) {
          if (record.event->tlp > selection->ceiling) {
            ++withheld;
          } else {
            fmt::print("{}\n", as_text ? line_of(record, catalogue)
                                       : write_event(*record.event, catalogue));
          }
        }
        return true;
      });
  if (!status) {
    fmt::print(stderr, "tocsin journal: {}\n", status.error().message);
    return kAnswerIsNo;
  }
  if (withheld != 0) {
    fmt::print(stderr,
               "tocsin journal: {} events are marked above TLP:{} and were left out; "
               "--tlp-ceiling red prints them\n",
               withheld, arguments.ceiling);
  }
  if (erased != 0) {
    fmt::print(stderr, "tocsin journal: the content of {} events was erased by retention\n",
               erased);
  }
  if (unknown != 0) {
    fmt::print(stderr, "tocsin journal: {} records name what this catalogue does not know\n",
               unknown);
  }
  return kDone;
}

std::string what_became_of(const EventHistory& history) {
  if (history.is_retracted) return "it was retracted";
  return history.revisions.size() == 1 ? "it counts" : "the last counts";
}

void print_revisions(const EventHistory& history) {
  std::vector<std::vector<std::string>> rows;
  for (const EventHistory::Revision& each : history.revisions) {
    std::vector<std::string> row{std::to_string(each.record), "", "", "", "", "", "", "",
                                 each.counts ? "counts" : ""};
    if (each.is_unknown) {
      row[1] = format_time(each.committed);
      row[4] = "(names that this catalogue does not know)";
    } else if (each.is_erased) {
      row[1] = format_time(each.committed);
      row[3] = to_string(each.op);
      row[4] = format_date(each.time) + " (erased by retention)";
      row[7] = to_string(each.tlp);
    } else if (each.is_withheld) {
      row[1] = format_date(each.committed);
      row[4] = "(withheld)";
      row[7] = to_string(each.tlp);
    } else {
      row[1] = format_time(each.committed);
      row[2] = std::to_string(each.rev);
      row[3] = to_string(each.op);
      row[4] = format_time(each.time);
      row[5] = each.region;
      if (!std::isnan(each.value)) append_json_number(row[6], each.value);
      row[7] = to_string(each.tlp);
    }
    rows.push_back(std::move(row));
  }
  fmt::print(
      "{}", format_table({"RECORD", "COMMITTED", "REV", "OP", "TIME", "REGION", "VALUE", "TLP", ""},
                         rows, terminal_width()));
}

void print_alerts(const EventHistory& history) {
  if (history.alerts.empty()) {
    fmt::print("no alert names it\n");
    return;
  }
  std::vector<std::vector<std::string>> rows;
  for (const EventHistory::FedAlert& fed : history.alerts) {
    std::string named;
    for (const auto& [seq, role] : fed.named) {
      named += fmt::format("{}{} of {}", named.empty() ? "" : ", ", role, seq);
    }
    rows.push_back({to_hex(fed.alert).substr(0, 8), fed.last.rule,
                    std::string(to_string(fed.last.level)),
                    fed.is_open ? "open" : std::string(to_string(fed.last.action)),
                    format_date(fed.last.starts_at), named});
  }
  fmt::print("{}", format_table({"ALERT", "RULE", "LEVEL", "STATE", "SINCE", "IT IS"}, rows,
                                terminal_width()));
}

int show(const JournalArguments& arguments, const Store& store, const Catalogue& catalogue) {
  const size_t slash = arguments.id.find('/');
  if (slash == std::string::npos) {
    return fail("journal", invalid("--id " + arguments.id + ": say SOURCE/ID"));
  }
  const std::string source = arguments.id.substr(0, slash);
  const std::string id = arguments.id.substr(slash + 1);
  const auto history =
      read_event_history(store, catalogue, source, id, *parse_enum<Tlp>(arguments.ceiling));
  if (!history) return fail("journal", history.error());
  if (history->revisions.empty()) {
    const bool is_cut = store.first_seq() > 1;
    return fail(
        "journal",
        not_found(fmt::format(
            "the journal has no event {}{}", arguments.id,
            is_cut ? fmt::format("; records before {} were dropped by retention", store.first_seq())
                   : std::string())));
  }
  if (arguments.format == "json") {
    fmt::print("{}\n", write_event_history(*history, source, id));
    return kDone;
  }
  fmt::print("{}: {} revision{}, {}\n", arguments.id, history->revisions.size(),
             history->revisions.size() == 1 ? "" : "s", what_became_of(*history));
  print_revisions(*history);
  print_alerts(*history);
  if (arguments.ceiling != "red") {
    fmt::print("Alerts marked above TLP:{} are not looked at.\n", arguments.ceiling);
  }
  return kDone;
}

int print_journal(const JournalArguments& arguments) {
  Diagnostics diagnostics;
  const auto catalogue = rules::load_catalogue(arguments.catalogue, diagnostics);
  if (!catalogue) {
    for (const Diagnostic& d : diagnostics.sorted()) fmt::print(stderr, "{}\n", to_text(d));
    return kUsage;
  }
  raise_open_file_limit();
  auto store = storage::open_rocksdb_store({.path = arguments.data, .read_only = true});
  if (!store) {
    fmt::print(stderr, "tocsin journal: {}\n", store.error().message);
    return store.error().code == ErrorCode::kCorrupt ? kAnswerIsNo : kEnvironment;
  }
  (*store)->set_catalogue(catalogue);
  return arguments.id.empty() ? list(arguments, **store, *catalogue)
                              : show(arguments, **store, *catalogue);
}

}  // namespace

void add_journal(CLI::App& program, int& exit_code) {
  auto arguments = std::make_shared<JournalArguments>();
  arguments->catalogue = {default_data_path("rules/catalogue")};
  CLI::App* command = program.add_subcommand(
      "journal", "Print the events of a data folder, in order; or what became of one of them");
  command->footer(
      "Examples:\n"
      "  tocsin journal --data D --tlp-ceiling red > past.ndjson        all of it, for a replay\n"
      "  tocsin journal --data D --region SY --from 2011-03-01 --to 2011-04-01 --format text\n"
      "  tocsin journal --data D --indicator 'violence.*' --from 100000    from a record on\n"
      "  tocsin journal --data D --id acled/SYR1234      its revisions, and the alerts it fed\n"
      "What is marked above the ceiling is left out, and told on stderr.\n"
      "Exit codes: 0 done, 1 there is no such event, or the folder is damaged, 2 usage, 3 disk.");
  command->add_option("--data", arguments->data, "The data folder; a daemon may be using it")
      ->required();
  command->add_option("--catalogue", arguments->catalogue, "Catalogue files or folders")
      ->capture_default_str();
  CLI::Option* id = command->add_option("--id", arguments->id, "One event: SOURCE/ID");
  for (CLI::Option* filter :
       {command->add_option("--from", arguments->from,
                            "From this record on, or what happened from this time on"),
        command->add_option("--to", arguments->to,
                            "Up to this record, or what happened before this time"),
        command->add_option("--source", arguments->source, "Of one source"),
        command->add_option("--indicator", arguments->indicator,
                            "Of one indicator, or of those that begin so: 'violence.*'"),
        command->add_option("--region", arguments->region, "Of a region and all within it")}) {
    filter->excludes(id);
  }
  command->add_option("--tlp-ceiling", arguments->ceiling, "What is marked above is left out")
      ->check(CLI::IsMember({"clear", "green", "amber", "amber+strict", "red"}))
      ->capture_default_str();
  command
      ->add_option("--format", arguments->format,
                   "text, or json: one event/1 a line (the default of a list)")
      ->check(CLI::IsMember({"text", "json"}));
  command->callback([arguments, &exit_code] { exit_code = print_journal(*arguments); });
}

}  // namespace tocsin::daemon
