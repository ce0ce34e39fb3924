#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "daemon/commands/commands.h"
#include "daemon/version.h"

int main(int argc, char** argv) {
  using namespace tocsin::daemon;
  CLI::App program(
      "tocsin: early warning from the drivers of conflict.\n"
      "Takes indicator events, judges them by rules written in YAML, raises alerts with their "
      "evidence.");
  program.footer(
      "First steps:\n"
      "  tocsin check --rules my-rules                  is my rule file right?\n"
      "  tocsin test my-rules                           does it fire when it should?\n"
      "  tocsin replay --input FILE.ndjson --out out    what would it have said about history?\n"
      "  tocsin diff RUNNING-RULES my-rules             what would a reload of them do?\n"
      "  tocsin run --config tocsin.yaml                run the daemon\n"
      "  tocsin alerts                                  what fires now?\n"
      "Exit codes: 0 done, 1 the answer is no, 2 usage or configuration, 3 disk, broker or port.");
  program.set_version_flag("--version", [] {
    return fmt::format("tocsin {} (RocksDB {}, librdkafka {}, Boost {}, tzdb {})", version(),
                       rocksdb_version(), librdkafka_version(), boost_version(), tzdb_version());
  });
  program.require_subcommand(1);
  int exit_code = kDone;
  for (const auto add :
       {add_run, add_check, add_diff, add_doc, add_fmt, add_test, add_replay, add_eval, add_explain,
        add_why_not, add_alerts, add_status, add_dead_letters, add_journal, add_verify, add_backup,
        add_restore, add_rebuild, add_schema}) {
    add(program, exit_code);
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? kDone : kUsage;
  }
  return exit_code;
}
