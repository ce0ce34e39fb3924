#include "storage/rocksdb_store.h"

#include <fmt/format.h>
#include <rocksdb/env.h>
#include <rocksdb/version.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "storage/key_value_store.h"
#include "storage/rocksdb_key_value.h"
#include "storage/rocksdb_open.h"
#include "storage/wal_check.h"

namespace tocsin::storage {
namespace {

constexpr mode_t kOwnerOnly = 0700;  // events may be marked TLP:RED

Status make_folder(const std::string& path) {
  std::error_code problem;
  if (std::filesystem::is_directory(path, problem)) return Status::ok();
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, problem);
  if (::mkdir(path.c_str(), kOwnerOnly) == 0 || errno == EEXIST) return Status::ok();
  return unavailable(fmt::format("make data folder {}: {}", path, std::strerror(errno)));
}

}  // namespace

Result<std::unique_ptr<Store>> open_rocksdb_store(const RocksDbOptions& options,
                                                  rocksdb::Env* env) {
  if (!options.read_only) {
    if (Status status = make_folder(options.path); !status) return status.error();
  }
  // A reader may meet a log that its owner is writing to: its end means nothing.
  if (!options.read_only) {
    if (Status status = check_wal(options.path, options.durability == Durability::kCommit); !status)
      return status.error();
  }
  Result<std::unique_ptr<KeyValue>> tables = RocksDbKeyValue::open(options, env);
  if (!tables) return tables.error();
  Result<std::unique_ptr<Store>> store = KeyValueStore::open(
      std::move(*tables),
      {.compression = options.compression_level == 0 ? Compression::kLz4 : Compression::kZstd,
       .compression_level = options.compression_level,
       .sync_commits = options.durability == Durability::kCommit});
  if (store) return store;
  return Error{store.error().code,
               fmt::format("data folder {}: {}", options.path, store.error().message)};
}

Result<std::unique_ptr<Store>> open_rocksdb_store(const RocksDbOptions& options) {
  return open_rocksdb_store(options, rocksdb::Env::Default());
}

std::string engine_version() { return rocksdb::GetRocksVersionAsString(); }

}  // namespace tocsin::storage
