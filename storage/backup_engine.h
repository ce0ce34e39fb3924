#pragma once

#include <rocksdb/db.h>
#include <rocksdb/utilities/backup_engine.h>

#include <optional>

#include "storage/backup.h"
#include "storage/rocksdb_store.h"

// RocksDB's BackupEngine, as we use it. Known to this folder alone.
namespace tocsin::storage {

rocksdb::BackupEngineOptions engine_options(const std::string& folder);

// What we keep with each backup. Part of the persistent format: "tocsin backup/1 last_seq=N
// durability=WORD", with room for more words at the end.
struct BackupNote {
  JournalSeq last_seq = 0;
  // Of the logs in it: what stands in the file DURABILITY, which RocksDB does not know.
  Durability durability = Durability::kCommit;
};
std::string encode(const BackupNote& note);
// nullopt when it is no backup of ours.
std::optional<BackupNote> decode_backup_note(std::string_view text);

// kInvalid when there is something in the folder, and no backups.
Status check_backup_folder(const std::string& folder);

// A backup of everything that is committed; flushes first, so that tables are shared with the
// backups before and little is left of the logs. Commits go on meanwhile. kUnavailable when another
// backup is being taken there.
Result<Backup> take_backup(rocksdb::DB& db, const BackupOptions& options, const BackupNote& note);

}  // namespace tocsin::storage
