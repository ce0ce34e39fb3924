#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "rules/model/event.h"
#include "rules/model/result.h"
#include "rules/model/time.h"

// Backups of a data folder, in a folder of backups (README.md, "Backups"). One is taken by
// Store::back_up(), while commits go on.
namespace tocsin::storage {

struct Backup {
  uint32_t number = 0;  // rising
  WallTime taken{};
  uint64_t bytes = 0;  // of all its files, also those that it shares with other backups
  uint64_t files = 0;
  JournalSeq last_seq = 0;  // it holds at least the records up to this
};

struct BackupOptions {
  std::string folder;  // made with mode 0700 when missing
  uint32_t keep = 0;   // so many of the newest stay; 0: all
  // Bytes copied of about so many; false ends the work, which then fails with kUnavailable. Called
  // on a thread of its own.
  std::function<bool(uint64_t done, uint64_t of)> progress{};
};

struct BackupList {
  std::vector<Backup> backups;    // oldest first
  std::vector<uint32_t> damaged;  // numbers of those that miss files, or whose list is damaged
};

// kNotFound when there is no folder of backups.
Result<BackupList> list_backups(const std::string& folder);

// Copies a backup, the newest when `number` is 0, into a folder of its own inside `data` (see
// restored_folder), every byte against its checksum. From then on `data` is refused by whoever
// opens it (is_restore_unfinished), until finish_restore() or drop_restore(). kInvalid when `data`
// is not empty, but for what an unfinished restore has left; kNotFound when there is no such
// backup; kCorrupt when its bytes are not what was written.
Result<Backup> copy_backup(const std::string& folder, uint32_t number, const std::string& data);
// Where the copy lies, a whole data folder: to be verified there.
std::string restored_folder(const std::string& data);
// Whether such a copy was never finished: `data` is no data folder yet.
bool is_restore_unfinished(const std::string& data);
// Moves the copy to where it belongs; on the disk when it returns.
Status finish_restore(const std::string& data);
// Removes it.
void drop_restore(const std::string& data);

}  // namespace tocsin::storage
