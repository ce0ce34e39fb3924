#pragma once

#include <string>
#include <string_view>

#include "rules/model/result.h"

// Files beside RocksDB's, at once and whole.
namespace tocsin::storage {

// kNotFound when there is none, kUnavailable when it cannot be read.
Result<std::string> read_whole_file(const std::string& path);

// In place of what was there, or not at all; on the disk when it returns, as is all that was done
// in its folder before.
Status write_whole_file(const std::string& path, std::string_view bytes);

// Waits until a file, or the list of a folder, is on the disk.
Status sync_file(const std::string& path);

}  // namespace tocsin::storage
