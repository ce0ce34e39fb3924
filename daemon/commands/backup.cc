#include "storage/backup.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <thread>

#include "daemon/commands/commands.h"
#include "daemon/commands/remote.h"
#include "daemon/terminal.h"
#include "storage/rocksdb_store.h"

namespace tocsin::daemon {
namespace {

namespace json = boost::json;

constexpr std::chrono::milliseconds kLookAgain{300};

struct BackupArguments {
  Remote remote;
  bool list = false;
  std::string data;
  std::string to;
  uint32_t keep = 7;
};

std::string megabytes(double bytes) { return fmt::format("{:.1f} MB", bytes / 1e6); }

std::string sentence_of(uint32_t number, double bytes, double files, double last_seq) {
  return fmt::format("backup {}: {} in {:.0f} files, journal up to record {:.0f}\n", number,
                     megabytes(bytes), files, last_seq);
}

int list_of_daemon(const BackupArguments& arguments) {
  const auto answer = arguments.remote.ask("GET", "/v1/backups");
  if (!answer) return fail("backup", answer.error());
  std::vector<std::vector<std::string>> rows;
  const json::value* backups = answer->if_contains("backups");
  if (backups != nullptr && backups->is_array()) {
    for (const json::value& item : backups->as_array()) {
      if (!item.is_object()) continue;
      const json::object& backup = item.as_object();
      rows.push_back({fmt::format("{:.0f}", number_at(backup, "number")), text_at(backup, "taken"),
                      megabytes(number_at(backup, "bytes")),
                      fmt::format("{:.0f}", number_at(backup, "last_record"))});
    }
  }
  if (rows.empty()) {
    fmt::print("no backups yet\n");
  } else {
    fmt::print("{}",
               format_table({"NUMBER", "TAKEN", "SIZE", "JOURNAL UP TO"}, rows, terminal_width()));
  }
  const json::value* damaged = answer->if_contains("damaged");
  if (damaged == nullptr || !damaged->is_array() || damaged->as_array().empty()) return kDone;
  fmt::print("damaged: {}\n", json::serialize(*damaged));
  return kAnswerIsNo;
}

// Of the list, the one that the run has made.
int print_made(const json::object& answer, double number) {
  const json::value* backups = answer.if_contains("backups");
  if (backups == nullptr || !backups->is_array()) return kDone;
  for (const json::value& item : backups->as_array()) {
    if (!item.is_object() || number_at(item.as_object(), "number") != number) continue;
    const json::object& backup = item.as_object();
    fmt::print("{}", sentence_of(static_cast<uint32_t>(number), number_at(backup, "bytes"),
                                 number_at(backup, "files"), number_at(backup, "last_record")));
  }
  return kDone;
}

int ask_daemon(const BackupArguments& arguments) {
  const auto begun = arguments.remote.ask("POST", "/v1/backups");
  if (!begun) return fail("backup", begun.error());
  const double run_number = number_at(*begun, "run");
  ProgressBar bar("backup");
  while (true) {
    const auto answer = arguments.remote.ask("GET", "/v1/backups");
    if (!answer) {
      bar.finish();
      return fail("backup", answer.error());
    }
    const json::value* run = answer->if_contains("run");
    if (run == nullptr || !run->is_object() ||
        number_at(run->as_object(), "number") != run_number) {
      bar.finish();
      return fail("backup", unavailable("the daemon was restarted meanwhile; ask again"));
    }
    const json::object& now = run->as_object();
    const std::string state = text_at(now, "state");
    if (state == "running") {
      bar.show(static_cast<uint64_t>(number_at(now, "done_bytes")),
               static_cast<uint64_t>(number_at(now, "of_bytes")));
      std::this_thread::sleep_for(kLookAgain);
      continue;
    }
    bar.finish();
    if (state == "succeeded") return print_made(*answer, number_at(now, "backup"));
    return fail("backup", unavailable(text_at(now, "error")));
  }
}

int take_alone(const BackupArguments& arguments) {
  std::error_code ignored;
  if (!std::filesystem::exists(std::filesystem::path(arguments.data) / "CURRENT", ignored)) {
    return fail("backup", unavailable("there is no data folder " + arguments.data));
  }
  storage::RocksDbOptions options;
  options.path = arguments.data;
  auto store = storage::open_rocksdb_store(options);
  if (!store) {
    const bool is_held = store.error().code == ErrorCode::kInvalid;
    fmt::print(stderr, "tocsin backup: {}{}\n", store.error().message,
               is_held ? "; a running daemon backs itself up: `tocsin backup` without --data" : "");
    return kEnvironment;
  }
  ProgressBar bar("backup");
  const auto backup = (*store)->back_up(
      {.folder = arguments.to, .keep = arguments.keep, .progress = [&bar](auto done, auto of) {
         bar.show(done, of);
         return true;
       }});
  bar.finish();
  if (!backup) return fail("backup", backup.error());
  fmt::print(
      "{}", sentence_of(backup->number, static_cast<double>(backup->bytes),
                        static_cast<double>(backup->files), static_cast<double>(backup->last_seq)));
  return kDone;
}

}  // namespace

void add_backup(CLI::App& program, int& exit_code) {
  auto arguments = std::make_shared<BackupArguments>();
  CLI::App* command = program.add_subcommand(
      "backup", "Take a backup: of the running daemon, or of a data folder that none uses");
  command->footer(
      "Examples:\n"
      "  tocsin backup                                 the daemon takes one; intake goes on\n"
      "  tocsin backup --list                          those that it has\n"
      "  tocsin backup --data /var/lib/tocsin --to /mnt/backups    of a folder at rest\n"
      "The daemon's go where its configuration says (`backup: {path: FOLDER, keep: 7}`). Files "
      "that\n"
      "did not change are shared with the backups before, so that often is cheap. A backup holds\n"
      "everything: events, alerts, what is still to be sent, the key of withheld ids: guard it "
      "like\n"
      "the data folder. `tocsin restore` brings it back.\n"
      "Exit codes: 0 taken, 1 none are configured (with --list: one is damaged), 2 not asked "
      "rightly\n"
      "(or one is under way), 3 not taken.");
  arguments->remote.add_options(*command);
  CLI::Option* list = command->add_flag("--list", arguments->list, "Those that there are");
  CLI::Option* data =
      command->add_option("--data", arguments->data, "A data folder that no daemon uses");
  CLI::Option* to = command->add_option("--to", arguments->to, "Folder of backups");
  data->needs(to)->excludes(list);
  to->needs(data);
  command->add_option("--keep", arguments->keep, "With --to: so many of the newest stay; 0: all")
      ->needs(to)
      ->capture_default_str();
  command->callback([arguments, &exit_code] {
    if (!arguments->data.empty()) {
      exit_code = take_alone(*arguments);
    } else {
      exit_code = arguments->list ? list_of_daemon(*arguments) : ask_daemon(*arguments);
    }
  });
}

}  // namespace tocsin::daemon
