#pragma once

#include <rocksdb/options.h>

#include <memory>

#include "storage/key_value.h"
#include "storage/rocksdb_listener.h"
#include "storage/rocksdb_store.h"

namespace tocsin::storage {

// How RocksDB is set up, and why (README.md, "RocksDB").
rocksdb::DBOptions database_options(const RocksDbOptions& options, rocksdb::Env* env,
                                    std::shared_ptr<BackgroundErrors> background_errors);

// `cache` is shared by all tables.
rocksdb::ColumnFamilyOptions table_options(Table table, const RocksDbOptions& options,
                                           const std::shared_ptr<rocksdb::Cache>& cache);

}  // namespace tocsin::storage
