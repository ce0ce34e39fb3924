#pragma once

#include <optional>
#include <string>

#include "rules/model/result.h"
#include "storage/rocksdb_store.h"

// Under which durability the write-ahead logs of a data folder were written: what may be missing in
// them after a power cut. It is told in a file beside the logs (DURABILITY), since it must be known
// before they are read, and since the setting may have changed in between.
namespace tocsin::storage {

// nullopt: the folder does not say. kCorrupt when the file says neither.
Result<std::optional<Durability>> read_log_durability(const std::string& folder);
Status write_log_durability(const std::string& folder, Durability durability);

}  // namespace tocsin::storage
