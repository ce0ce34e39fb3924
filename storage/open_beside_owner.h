#pragma once

#include <memory>

#include "storage/rocksdb_key_value.h"

namespace tocsin::storage {

// Opens a data folder for reading, which its owner may be writing to at the same time.
//
// The owner appends to logs, and takes files away: a log whose content has become tables, a table
// that was merged into others. Whoever lists the tables before and the logs after that would miss
// what was in between, so opening begins again when a file has gone meanwhile. Files that are open
// stay readable. `judge_logs`: kCorrupt when a log or the MANIFEST is damaged; what the owner is
// just writing looks like the end that a crash leaves. Fails otherwise as open_rocksdb_store()
// does.
Result<std::unique_ptr<RocksDbKeyValue>> open_beside_owner(const RocksDbOptions& options,
                                                           rocksdb::Env* env,
                                                           bool judge_logs = true);

}  // namespace tocsin::storage
