#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "storage/store.h"
#include "storage/torn_log.h"

namespace tocsin::storage {

enum class Durability { kCommit, kInterval };

struct RocksDbOptions {
  std::string path;  // data folder; made with mode 0700 when missing
  Durability durability =
      Durability::kCommit;    // kCommit: fsync with every commit; kInterval: the
                              // system writes when it likes, a power cut loses up to some seconds
  int compression_level = 1;  // of journal chunks (zstd; 0: LZ4)
  size_t block_cache_bytes = 64ull << 20;
  size_t write_buffer_bytes = 64ull << 20;
  int background_threads = 2;
  uint64_t dead_letters_max = 0;  // the oldest go first, up to a hundredth late; 0: no limit
  bool read_only = false;         // another process may hold it (commands that only look)
  bool must_exist = false;        // a folder without a store is kNotFound, and stays as it is
  // Warnings and errors of RocksDB's, from any thread; empty: nobody hears.
  std::function<void(const std::string& line)> tell{};
  // Once the store is open without the end of that log; empty: nobody hears.
  std::function<void(const TornLog&)> on_torn{};
};

// Opens or makes a store. kInvalid: another process holds it, or the format is newer than ours;
// kCorrupt: damaged, with file and reason; kUnavailable: disk or permissions.
Result<std::unique_ptr<Store>> open_rocksdb_store(const RocksDbOptions& options);

// The version of RocksDB that this program runs with: "7.8.3".
std::string engine_version();

}  // namespace tocsin::storage
