#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <future>
#include <memory>

#include "daemon/commands/commands.h"
#include "daemon/commands/folder_report.h"
#include "daemon/commands/remote.h"
#include "daemon/open_files.h"
#include "daemon/terminal.h"
#include "storage/backup.h"

namespace tocsin::daemon {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kLookAgain{200};

struct RestoreArguments {
  std::string from;
  uint32_t backup = 0;
  std::string data;
  bool list = false;
};

int list(const RestoreArguments& arguments) {
  const auto found = storage::list_backups(arguments.from);
  if (!found) return fail("restore", found.error());
  std::vector<std::vector<std::string>> rows;
  for (const storage::Backup& backup : found->backups) {
    rows.push_back({std::to_string(backup.number), format_time(backup.taken),
                    fmt::format("{:.1f} MB", static_cast<double>(backup.bytes) / 1e6),
                    std::to_string(backup.last_seq)});
  }
  if (rows.empty()) {
    fmt::print("no good backup\n");
  } else {
    fmt::print("{}",
               format_table({"NUMBER", "TAKEN", "SIZE", "JOURNAL UP TO"}, rows, terminal_width()));
  }
  for (const uint32_t number : found->damaged) fmt::print("{} is damaged\n", number);
  return found->damaged.empty() && !rows.empty() ? kDone : kAnswerIsNo;
}

uint64_t bytes_in(const std::string& folder) {
  uint64_t bytes = 0;
  std::error_code problem;
  for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    std::error_code gone;
    const uint64_t size = entry->file_size(gone);
    if (!gone) bytes += size;
  }
  return bytes;
}

uint64_t size_of(const RestoreArguments& arguments) {
  const auto found = storage::list_backups(arguments.from);
  if (!found || found->backups.empty()) return 0;
  for (const storage::Backup& backup : found->backups) {
    if (backup.number == arguments.backup) return backup.bytes;
  }
  return found->backups.back().bytes;
}

// The copy on a thread of its own, so that its progress can be looked at.
Result<storage::Backup> copy(const RestoreArguments& arguments) {
  const uint64_t size = size_of(arguments);
  ProgressBar bar("restore");
  auto copying = std::async(std::launch::async, [&] {
    return storage::copy_backup(arguments.from, arguments.backup, arguments.data);
  });
  while (copying.wait_for(kLookAgain) != std::future_status::ready) {
    bar.show(std::min(bytes_in(storage::restored_folder(arguments.data)), size), size);
  }
  return copying.get();
}

void print_how_it_goes_on(const RestoreArguments& arguments, const storage::Backup& backup,
                          const storage::VerifiedFolder& seen, const FolderVerification& found) {
  fmt::print("backup {} of {}, taken {}, is restored to {}\n", backup.number, arguments.from,
             format_time(backup.taken), arguments.data);
  fmt::print("goes on behind record {} of the journal, from the state at record {}\n",
             seen.last_seq, seen.checkpoint_seq);
  for (const auto& [stream, position] : found.positions()) {
    fmt::print("  {} goes on at {}\n", stream, position);
  }
  fmt::print(
      "Files and Kafka are read again from there. What came by HTTP after the backup must be sent "
      "again;\nwhat is sent twice does no harm. Alerts of that time are told again under the same "
      "ids.\n");
}

int restore(const RestoreArguments& arguments) {
  raise_open_file_limit();
  const auto backup = copy(arguments);
  if (!backup) {
    storage::drop_restore(arguments.data);
    const int code = fail("restore", backup.error());
    return backup.error().code == ErrorCode::kCorrupt ? kAnswerIsNo : code;
  }
  FolderProgress progress;
  FolderVerification found(progress.callback());
  const std::string copied = storage::restored_folder(arguments.data);
  const auto seen = storage::verify_folder(copied, found);
  progress.finish();
  if (!seen) {
    storage::drop_restore(arguments.data);
    return fail("restore", seen.error());
  }
  found.finish(*seen);
  if (found.damage_count() != 0) {
    fmt::print("{}", damage_text(found));
    fmt::print(stderr,
               "tocsin restore: backup {} holds a damaged folder and was not restored; "
               "choose another (--list)\n",
               backup->number);
    storage::drop_restore(arguments.data);
    return kAnswerIsNo;
  }
  if (const Status status = storage::finish_restore(arguments.data); !status) {
    return fail("restore", status.error());
  }
  print_how_it_goes_on(arguments, *backup, *seen, found);
  return kDone;
}

}  // namespace

void add_restore(CLI::App& program, int& exit_code) {
  auto arguments = std::make_shared<RestoreArguments>();
  CLI::App* command =
      program.add_subcommand("restore", "Bring a data folder back from a backup, and verify it");
  command->footer(
      "Examples:\n"
      "  tocsin restore --from /mnt/backups --list\n"
      "  tocsin restore --from /mnt/backups --data /var/lib/tocsin            the newest\n"
      "  tocsin restore --from /mnt/backups --backup 12 --data /tmp/look      another one\n"
      "The folder must be empty or not there: move a damaged one away first. Every byte is read\n"
      "against its checksum, and what was restored is verified before it is put in place; a "
      "restore\n"
      "that was cut off is refused by the daemon, and simply done again.\n"
      "Exit codes: 0 restored, 1 the backup is damaged or not there, 2 the folder is not empty,\n"
      "3 the disk does not answer.");
  command->add_option("--from", arguments->from, "Folder of backups")->required();
  CLI::Option* which = command->add_option("--backup", arguments->backup,
                                           "Its number; the newest good one when left out");
  CLI::Option* data = command->add_option("--data", arguments->data, "Data folder to be made");
  CLI::Option* listing = command->add_flag("--list", arguments->list, "What there is to restore");
  listing->excludes(data)->excludes(which);
  command->callback([arguments, &exit_code] {
    if (!arguments->list && arguments->data.empty()) {
      throw CLI::RequiredError("--data (or --list)");
    }
    exit_code = arguments->list ? list(*arguments) : restore(*arguments);
  });
}

}  // namespace tocsin::daemon
