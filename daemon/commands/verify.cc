#include "storage/verify.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "daemon/commands/commands.h"
#include "daemon/commands/folder_report.h"
#include "daemon/open_files.h"
#include "rules/model/json_text.h"

namespace tocsin::daemon {
namespace {

struct VerifyArguments {
  std::string data;
  std::string format = "text";
};

void print_text(const VerifyArguments& arguments, const storage::VerifiedFolder& seen,
                const FolderVerification& found) {
  fmt::print("{}", damage_text(found));
  fmt::print(
      "{} files, {:.1f} MB; journal {} to {}, {} events ({} erased), checkpoint {}; {} ids; {} "
      "alerts, {} "
      "transitions, {} to be sent; {} dead letters; {} entries of state\n",
      seen.files, static_cast<double>(seen.bytes) / 1e6, seen.first_seq, seen.last_seq, seen.events,
      seen.erased, seen.checkpoint_seq, seen.ids, seen.alerts, seen.transitions, seen.outbox,
      seen.dead_letters, seen.state_entries);
  if (found.damage_count() == 0) {
    fmt::print("{}: sound\n", arguments.data);
  } else {
    fmt::print("{}: DAMAGED in {} place{}\n", arguments.data, found.damage_count(),
               found.damage_count() == 1 ? "" : "s");
  }
}

void print_json(const VerifyArguments& arguments, const storage::VerifiedFolder& seen,
                const FolderVerification& found) {
  std::string to = "{\"data\":";
  append_json_string(to, arguments.data);
  to += fmt::format(R"(,"sound":{},"damage_count":{},"damage":[)", found.damage_count() == 0,
                    found.damage_count());
  for (const storage::Damage& damage : found.damage()) {
    to += to.back() == '[' ? "{\"code\":" : ",{\"code\":";
    append_json_string(to, damage.code);
    to += ",\"where\":";
    append_json_string(to, damage.where);
    to += ",\"what\":";
    append_json_string(to, damage.what);
    to += ",\"remedy\":";
    append_json_string(to, damage.remedy);
    to += '}';
  }
  to += "],\"remarks\":[";
  for (const std::string& remark : found.remarks()) {
    if (to.back() != '[') to += ',';
    append_json_string(to, remark);
  }
  to += fmt::format(
      R"(],"files":{},"bytes":{},"first_record":{},"last_record":{},"checkpoint":{},"events":{},)"
      R"("erased":{},"ids":{},"alerts":{},"transitions":{},"outbox":{},"dead_letters":{},"state_entries":{}}})",
      seen.files, seen.bytes, seen.first_seq, seen.last_seq, seen.checkpoint_seq, seen.events,
      seen.erased, seen.ids, seen.alerts, seen.transitions, seen.outbox, seen.dead_letters,
      seen.state_entries);
  fmt::print("{}\n", to);
}

int verify(const VerifyArguments& arguments) {
  raise_open_file_limit();
  FolderProgress progress;
  FolderVerification found(progress.callback());
  const auto seen = storage::verify_folder(arguments.data, found);
  progress.finish();
  if (!seen) {
    fmt::print(stderr, "tocsin verify: {}\n", seen.error().message);
    return kEnvironment;
  }
  found.finish(*seen);
  (arguments.format == "json" ? print_json : print_text)(arguments, *seen, found);
  return found.damage_count() == 0 ? kDone : kAnswerIsNo;
}

}  // namespace

void add_verify(CLI::App& program, int& exit_code) {
  auto arguments = std::make_shared<VerifyArguments>();
  CLI::App* command = program.add_subcommand(
      "verify", "Look for damage in a data folder: every byte, and whether its parts agree");
  command->footer(
      "Examples:\n"
      "  tocsin verify --data /var/lib/tocsin                  also beside the running daemon\n"
      "  tocsin verify --data /var/lib/tocsin --format json    the same for programs\n"
      "Changes nothing. Every file is read against its checksum; journal, ids, alerts, outbox, "
      "dead\n"
      "letters, saved state and counters are held against one another. Run it after a crash of "
      "the\n"
      "disk, and on a restored backup.\n"
      "Exit codes: 0 sound, 1 damaged (each place is told, with what to do), 3 it cannot look.");
  command->add_option("--data", arguments->data, "The data folder; a daemon may be using it")
      ->required();
  command->add_option("--format", arguments->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->callback([arguments, &exit_code] { exit_code = verify(*arguments); });
}

}  // namespace tocsin::daemon
