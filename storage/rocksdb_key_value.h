#pragma once

#include <rocksdb/db.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "storage/key_value.h"
#include "storage/rocksdb_listener.h"
#include "storage/rocksdb_store.h"

namespace tocsin::storage {

// What happened, for people: kCorrupt for damaged bytes, kUnavailable for a disk that does not
// answer. The only place where RocksDB's errors become ours.
Error translate(const rocksdb::Status& status, std::string_view attempted);

// The same of opening a folder: kInvalid when another process holds its lock.
Error opening_error(const rocksdb::Status& status, const std::string& path);

// Tables as column families of one RocksDB.
//
// Thread-safety: any thread.
class RocksDbKeyValue : public KeyValue {
 public:
  static Result<std::unique_ptr<RocksDbKeyValue>> open(const RocksDbOptions& options,
                                                       rocksdb::Env* env);
  ~RocksDbKeyValue() override;

  std::unique_ptr<Writes> make_writes() override;
  Status write(Writes& writes, bool sync) override;
  Result<std::optional<std::string>> get(Table table, std::string_view key) const override;
  Status scan(Table table, std::string_view from, const Each& each) const override;
  Status scan_back(Table table, std::string_view from, const Each& each) const override;
  void reclaim(Table table, std::string_view begin, std::string_view end) override;
  Status purge(Table table, std::string_view begin, std::string_view end,
               std::atomic<bool>& cancelled) override;
  void add_statistics(StoreStatistics& statistics) const override;
  bool read_only() const override { return options_.read_only; }
  Status health() const override;
  Result<Backup> back_up(const BackupOptions& options, JournalSeq last_seq) override;

  // The files that the tables are made of, as of now.
  std::vector<rocksdb::LiveFileMetaData> table_files() const;

 private:
  class Changes;
  RocksDbKeyValue(RocksDbOptions options, rocksdb::Env* env);

  // Before a table is made or missed. kInvalid, with the way out, when it is another format than
  // ours and, for the owner, none that KeyValueStore brings up to ours.
  Status check_format(std::string_view bytes) const;
  rocksdb::Status open_families(const std::vector<std::string>& existing);
  // Finds each table's family, and makes those that are missing.
  rocksdb::Status make_families();
  rocksdb::ColumnFamilyHandle* family(Table table) const {
    return families_[static_cast<size_t>(table)];
  }

  const RocksDbOptions options_;
  rocksdb::Env* const env_;
  std::shared_ptr<rocksdb::Cache> cache_;
  const std::shared_ptr<BackgroundErrors> background_errors_ = std::make_shared<BackgroundErrors>();
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;  // all that are open, ours or not
  std::array<rocksdb::ColumnFamilyHandle*, kTables> families_{};
};

}  // namespace tocsin::storage
