#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemon/pipeline.h"
#include "daemon/stored_rules.h"
#include "storage/store.h"

namespace tocsin::daemon {

// What the journal gives when all is decided again from its first record on, against the saved
// state and the alert log of the same folder. The same journal gives the same bytes, so any
// difference is damage or a fault of ours.
struct RebuildReport {
  JournalSeq records = 0;
  JournalSeq checkpoint = 0;   // what the saved state is of
  uint64_t state_entries = 0;  // compared, as of the checkpoint
  uint64_t transitions = 0;    // compared
  uint64_t forgotten = 0;      // transitions that retention has dropped from the log
  uint64_t undecided = 0;      // transitions told by rules that are not to be had any more
  uint64_t differences = 0;
  std::vector<std::string> first_differences;  // for people, one a line
  std::string warning;                         // what could not be decided as it was then
  std::map<std::string, std::string> state;    // as of the last record
};

struct RebuildOptions {
  size_t told_differences = 20;
  Pipeline::Progress progress{};  // of all records
  Pipeline::CompileBundle compile = compile_stored;
};

// Reads `store` alone. kInvalid when it cannot be done: retention has dropped the beginning of the
// journal, or no rules are kept that judge it. Thread-safety: none; nothing else may use `store`.
Result<RebuildReport> rebuild(storage::Store& store, const RebuildOptions& options);

// Puts that state in the place of the saved one, as of the last record. The alert log stays as it
// is; what is told next goes on after it.
Status replace_state(storage::Store& store, const RebuildReport& report, WallTime now);

}  // namespace tocsin::daemon
