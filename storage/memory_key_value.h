#pragma once

#include <array>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "storage/key_value.h"

namespace tocsin::storage {

// Tables as maps. A scan sees what is there when it gets there: unlike RocksDB's, it is no
// snapshot.
//
// Thread-safety: any thread.
class MemoryKeyValue : public KeyValue {
 public:
  std::unique_ptr<Writes> make_writes() override;
  Status write(Writes& writes, bool sync) override;
  Result<std::optional<std::string>> get(Table table, std::string_view key) const override;
  Status scan(Table table, std::string_view from, const Each& each) const override;
  Status scan_back(Table table, std::string_view from, const Each& each) const override;
  void reclaim(Table, std::string_view, std::string_view) override {}
  Status purge(Table, std::string_view, std::string_view, std::atomic<bool>&) override {
    return Status::ok();
  }
  void add_statistics(StoreStatistics&) const override {}
  bool read_only() const override { return false; }
  Status health() const override { return Status::ok(); }
  Result<Backup> back_up(const BackupOptions&, JournalSeq) override {
    return invalid("back up: this store has no disk");
  }

 private:
  using Map = std::map<std::string, std::string, std::less<>>;
  class Changes;

  mutable std::mutex mutex_;  // guards tables_; never held over a callback
  std::array<Map, kTables> tables_;
};

}  // namespace tocsin::storage
