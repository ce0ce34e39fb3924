#include "daemon/rebuild.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "daemon/commands/commands.h"
#include "daemon/terminal.h"
#include "storage/rocksdb_store.h"

namespace tocsin::daemon {
namespace {

struct RebuildArguments {
  std::string data;
  bool replace = false;
};

int fail(const Error& error) {
  fmt::print(stderr, "tocsin rebuild: {}\n", error.message);
  return error.code == ErrorCode::kCorrupt ? kAnswerIsNo : kEnvironment;
}

int rebuild_folder(const RebuildArguments& arguments) {
  auto store =
      storage::open_rocksdb_store({.path = arguments.data, .read_only = !arguments.replace});
  if (!store) return fail(store.error());
  ProgressBar bar("rebuild");
  const Result<RebuildReport> report =
      rebuild(**store, {.progress = [&](uint64_t done, uint64_t of) {
        bar.show(done, of);
        return true;
      }});
  bar.finish();
  if (!report) return fail(report.error());
  if (!report->warning.empty()) fmt::print(stderr, "tocsin rebuild: {}\n", report->warning);
  fmt::print(
      "{} records of the journal decided again: {} entries of state (as of record {}) and {} "
      "alert transitions compared, {} differ\n",
      report->records, report->state_entries, report->checkpoint, report->transitions,
      report->differences);
  if (report->forgotten != 0) {
    fmt::print("{} transitions are no longer in the alert log: retention dropped them\n",
               report->forgotten);
  }
  if (report->undecided != 0) {
    fmt::print("{} transitions were told by rules that do not compile any more: not compared\n",
               report->undecided);
  }
  for (const std::string& difference : report->first_differences) fmt::print("  {}\n", difference);
  if (report->differences > report->first_differences.size()) {
    fmt::print("  and {} more\n", report->differences - report->first_differences.size());
  }
  if (arguments.replace) {
    const auto now = std::chrono::floor<Milliseconds>(std::chrono::system_clock::now());
    if (Status status = replace_state(**store, *report, now); !status) return fail(status.error());
    fmt::print("the saved state is now what the journal gives, as of record {}\n", report->records);
    return kDone;
  }
  return report->differences == 0 ? kDone : kAnswerIsNo;
}

}  // namespace

void add_rebuild(CLI::App& program, int& exit_code) {
  auto arguments = std::make_shared<RebuildArguments>();
  CLI::App* command = program.add_subcommand(
      "rebuild", "Decide everything in the journal again, and compare it with what is saved");
  command->footer(
      "The journal is the truth, state a cache of it, the alert log what was said. All three must\n"
      "agree to the byte; what differs is listed, and the exit code is 1.\n"
      "Examples:\n"
      "  tocsin rebuild --data /var/lib/tocsin             compare; a daemon may be using it\n"
      "  tocsin rebuild --data /var/lib/tocsin --replace   put right the state; stop the daemon "
      "first");
  command->add_option("--data", arguments->data, "The data folder")->required();
  command->add_flag("--replace", arguments->replace,
                    "Save the state that the journal gives; the alert log stays as it is");
  command->callback([arguments, &exit_code] { exit_code = rebuild_folder(*arguments); });
}

}  // namespace tocsin::daemon
