#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "daemon/commands/commands.h"
#include "daemon/data_paths.h"
#include "daemon/event_json.h"
#include "daemon/open_files.h"
#include "rules/load/catalogue_loader.h"
#include "storage/rocksdb_store.h"

namespace tocsin::daemon {
namespace {

struct JournalArguments {
  std::string data;
  std::vector<std::string> catalogue;
  uint64_t from = 1;
};

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
  const Status status =
      (*store)->read_journal(arguments.from, [&](const storage::Store::JournalRecord& record) {
        if (record.event != nullptr) {
          fmt::print("{}\n", write_event(*record.event, *catalogue));
        } else if (record.control == nullptr) {
          fmt::print(stderr, "tocsin journal: record {} names what this catalogue does not know\n",
                     record.seq);
        }
        return true;
      });
  if (!status) {
    fmt::print(stderr, "tocsin journal: {}\n", status.error().message);
    return kAnswerIsNo;
  }
  return kDone;
}

}  // namespace

void add_journal(CLI::App& program, int& exit_code) {
  auto arguments = std::make_shared<JournalArguments>();
  arguments->catalogue = {default_data_path("rules/catalogue")};
  CLI::App* command =
      program.add_subcommand("journal", "Print the events of a data folder as NDJSON, in order");
  command->footer("Example:\n  tocsin journal --data /var/lib/tocsin | tocsin …");
  command->add_option("--data", arguments->data, "The data folder; a daemon may be using it")
      ->required();
  command->add_option("--catalogue", arguments->catalogue, "Catalogue files or folders")
      ->capture_default_str();
  command->add_option("--from", arguments->from, "First number of the journal to print")
      ->capture_default_str();
  command->callback([arguments, &exit_code] { exit_code = print_journal(*arguments); });
}

}  // namespace tocsin::daemon
