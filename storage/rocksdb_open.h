#pragma once

#include <memory>

#include "storage/rocksdb_store.h"

namespace rocksdb {
class Env;
}

// For tests: the same on a file system of theirs. Not for other folders, which know no RocksDB.
namespace tocsin::storage {

// `env` outlives the store.
Result<std::unique_ptr<Store>> open_rocksdb_store(const RocksDbOptions& options, rocksdb::Env* env);

}  // namespace tocsin::storage
