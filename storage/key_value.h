#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "rules/model/result.h"
#include "storage/backup.h"
#include "storage/store.h"

namespace tocsin::storage {

// The sorted tables that a store is made of: RocksDB's column families, or maps in memory. What is
// in each is told byte by byte in README.md.
enum class Table : uint8_t {
  kMeta,
  kJournal,
  kJournalIndex,
  kIds,
  kIdsIndex,
  kState,
  kAlerts,
  kAlertLog,
  kAlertIndex,
  kOutbox,
  kPositions,
  kDeadLetters,
};
inline constexpr size_t kTables = 12;
// Name of a table's column family. Part of the persistent format.
std::string_view table_name(Table table);

// Changes that are made together or not at all.
class Writes {
 public:
  virtual ~Writes() = default;
  virtual void put(Table table, std::string_view key, std::string_view value) = 0;
  virtual void remove(Table table, std::string_view key) = 0;
  // Keys from `begin` up to, not with, `end`.
  virtual void remove_range(Table table, std::string_view begin, std::string_view end) = 0;
  virtual void clear() = 0;
};

// What KeyValueStore is built on, so that the store in memory and the one on disk share every line
// above this.
//
// Thread-safety: any thread.
class KeyValue {
 public:
  // Stops when it returns false.
  using Each = std::function<bool(std::string_view key, std::string_view value)>;

  virtual ~KeyValue() = default;
  virtual std::unique_ptr<Writes> make_writes() = 0;
  // Atomic; with `sync` on the disk when it returns.
  virtual Status write(Writes& writes, bool sync) = 0;
  virtual Result<std::optional<std::string>> get(Table table, std::string_view key) const = 0;
  // Keys >= from, rising.
  virtual Status scan(Table table, std::string_view from, const Each& each) const = 0;
  // Keys <= from, falling.
  virtual Status scan_back(Table table, std::string_view from, const Each& each) const = 0;
  // Gives back the space of a range that was removed; may do nothing.
  virtual void reclaim(Table table, std::string_view begin, std::string_view end) = 0;
  // Has the disk give up what was overwritten or removed among the keys from `begin` up to, and
  // with, `end`, in tables and logs. Takes long; kUnavailable soon after it was cancelled.
  virtual Status purge(Table table, std::string_view begin, std::string_view end,
                       std::atomic<bool>& cancelled) = 0;
  // Fills disk_bytes and engine.
  virtual void add_statistics(StoreStatistics& statistics) const = 0;
  virtual bool read_only() const = 0;
  // Whether work in the background goes well.
  virtual Status health() const = 0;
  // As Store::back_up(); `last_seq` is noted in it.
  virtual Result<Backup> back_up(const BackupOptions& options, JournalSeq last_seq) = 0;
};

}  // namespace tocsin::storage
