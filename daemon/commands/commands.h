#pragma once

#include <CLI/CLI.hpp>

namespace tocsin::daemon {

// What the program tells its caller.
enum ExitCode : int {
  kDone = 0,         // done, and the answer is good
  kAnswerIsNo = 1,   // done, and the answer is no: a test failed, an expression gave an error
  kUsage = 2,        // the command line, the configuration or a rule file is wrong
  kEnvironment = 3,  // disk, broker or port is
};

// Each adds one sub-command with its help; when it is chosen, it runs and sets `exit_code`.
void add_run(CLI::App& program, int& exit_code);
void add_check(CLI::App& program, int& exit_code);
void add_diff(CLI::App& program, int& exit_code);
void add_doc(CLI::App& program, int& exit_code);
void add_fmt(CLI::App& program, int& exit_code);
void add_test(CLI::App& program, int& exit_code);
void add_replay(CLI::App& program, int& exit_code);
void add_eval(CLI::App& program, int& exit_code);
void add_explain(CLI::App& program, int& exit_code);
void add_why_not(CLI::App& program, int& exit_code);
void add_journal(CLI::App& program, int& exit_code);
void add_rebuild(CLI::App& program, int& exit_code);
void add_alerts(CLI::App& program, int& exit_code);
void add_status(CLI::App& program, int& exit_code);
void add_dead_letters(CLI::App& program, int& exit_code);
void add_backup(CLI::App& program, int& exit_code);
void add_restore(CLI::App& program, int& exit_code);
void add_verify(CLI::App& program, int& exit_code);
void add_schema(CLI::App& program, int& exit_code);

}  // namespace tocsin::daemon
