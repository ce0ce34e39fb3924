#pragma once

#include <string>

#include "rules/model/result.h"

namespace tocsin::storage {

// Path of the MANIFEST that CURRENT names: the list of a data folder's table files. kCorrupt when
// CURRENT names none, kNotFound when there is no CURRENT.
Result<std::string> manifest_of(const std::string& folder);

// Judges the MANIFEST, which has the layout of a log (wal_check.h): RocksDB leaves out what it
// cannot read at its end, and with it, without a word, table files. kCorrupt with file and offset;
// kNotFound when there is no CURRENT, or no longer the file that it names.
Status check_manifest(const std::string& folder);

}  // namespace tocsin::storage
