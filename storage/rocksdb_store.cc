#include "storage/rocksdb_store.h"

#include <fmt/format.h>
#include <rocksdb/env.h>
#include <rocksdb/version.h>

#include <algorithm>
#include <filesystem>

#include "storage/backup.h"
#include "storage/folder_lock.h"
#include "storage/key_value_store.h"
#include "storage/log_durability.h"
#include "storage/manifest_check.h"
#include "storage/open_beside_owner.h"
#include "storage/private_folder.h"
#include "storage/rocksdb_key_value.h"
#include "storage/rocksdb_open.h"
#include "storage/wal_check.h"

namespace tocsin::storage {
namespace {

struct JudgedLogs {
  std::optional<Durability> durability;  // that they were written under, when the folder tells
  std::vector<TornLog> torn;
};

// Judges the logs by the durability that they were written under, and tells the folder when they
// will now be written with less. Judges the MANIFEST too.
Result<JudgedLogs> check_logs(const RocksDbOptions& options, rocksdb::Env* env) {
  const FolderLock lock(options.path, env);
  if (!lock.status().ok()) return opening_error(lock.status(), options.path);
  Result<std::optional<Durability>> told = read_log_durability(options.path);
  if (!told) return told.error();
  const Durability logs = told->value_or(options.durability);
  auto torn = check_wal(options.path, logs == Durability::kCommit);
  if (!torn) return torn.error();
  Status status = check_manifest(options.path);
  if (!status && status.error().code != ErrorCode::kNotFound) return status.error();
  if (options.durability == Durability::kInterval && *told != Durability::kInterval) {
    status = write_log_durability(options.path, Durability::kInterval);
    if (!status) return status.error();
  }
  return JudgedLogs{*told, std::move(*torn)};
}

Result<std::unique_ptr<KeyValue>> as_tables(Result<std::unique_ptr<RocksDbKeyValue>> opened) {
  if (!opened) return opened.error();
  return std::unique_ptr<KeyValue>(std::move(*opened));
}

// The tables, their logs judged before and their durability told after.
Result<std::unique_ptr<KeyValue>> open_tables(const RocksDbOptions& options, rocksdb::Env* env) {
  if (is_restore_unfinished(options.path)) {
    return invalid(
        fmt::format("open data folder {}: a restore into it was not finished; `tocsin restore` it "
                    "again",
                    options.path));
  }
  if (options.read_only) return as_tables(open_beside_owner(options, env));
  if (options.must_exist && !env->FileExists(options.path + "/CURRENT").ok()) {
    return not_found(
        fmt::format("open data folder {}: there is none; is its disk mounted?", options.path));
  }
  if (Status status = make_private_folder(options.path); !status) return status.error();
  const Result<JudgedLogs> judged = check_logs(options, env);
  if (!judged) return judged.error();
  const Result<std::vector<std::string>> old = wal_files(options.path);
  if (!old) return old.error();
  Result<std::unique_ptr<KeyValue>> tables = as_tables(RocksDbKeyValue::open(options, env));
  if (!tables) return tables;
  if (options.on_torn) std::ranges::for_each(judged->torn, options.on_torn);
  if (options.durability == Durability::kInterval || judged->durability == Durability::kCommit) {
    return tables;
  }
  // What the old logs held is in tables now. Should one still be there, the next opening judges it
  // as it was written.
  const Result<std::vector<std::string>> now = wal_files(options.path);
  if (!now) return now.error();
  for (const std::string& file : *old) {
    if (std::ranges::binary_search(*now, file)) return tables;
  }
  Status status = write_log_durability(options.path, Durability::kCommit);
  if (!status) return status.error();
  return tables;
}

}  // namespace

Result<std::unique_ptr<Store>> open_rocksdb_store(const RocksDbOptions& options,
                                                  rocksdb::Env* env) {
  Result<std::unique_ptr<KeyValue>> tables = open_tables(options, env);
  if (!tables) return tables.error();
  Result<std::unique_ptr<Store>> store = KeyValueStore::open(
      std::move(*tables),
      {.compression = options.compression_level == 0 ? Compression::kLz4 : Compression::kZstd,
       .compression_level = options.compression_level,
       .sync_commits = options.durability == Durability::kCommit,
       .dead_letters_max = options.dead_letters_max});
  if (store) return store;
  return Error{store.error().code,
               fmt::format("data folder {}: {}", options.path, store.error().message)};
}

Result<std::unique_ptr<Store>> open_rocksdb_store(const RocksDbOptions& options) {
  return open_rocksdb_store(options, rocksdb::Env::Default());
}

std::string engine_version() { return rocksdb::GetRocksVersionAsString(); }

}  // namespace tocsin::storage
