#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

#include "daemon/station.h"
#include "storage/key_value_store.h"
#include "storage/memory_key_value.h"

namespace tocsin::daemon {

// Tables in memory that outlast the stores over them, as a disk does, and that can be made to fail
// and to wait.
//
// Thread-safety: any thread.
class HeldTables {
 public:
  OpenStore opener() {
    return [this](const storage::RocksDbOptions&) {
      return storage::KeyValueStore::open(std::make_unique<Opened>(*this), {});
    };
  }

  // Each write fails so from now on.
  void fail_writes(Error how) {
    const std::scoped_lock lock(mutex_);
    failure_ = std::move(how);
  }
  void repair() {
    const std::scoped_lock lock(mutex_);
    failure_ = Status::ok();
  }

  // Whoever scans `table` from now on waits until release().
  void hold(storage::Table table) {
    const std::scoped_lock lock(mutex_);
    held_ = table;
  }
  void release() {
    const std::scoped_lock lock(mutex_);
    held_.reset();
    changed_.notify_all();
  }
  bool is_somebody_waiting() const {
    const std::scoped_lock lock(mutex_);
    return waiting_ > 0;
  }

 private:
  // What one opening has of them.
  class Opened : public storage::KeyValue {
   public:
    explicit Opened(HeldTables& of) : of_(of) {}
    std::unique_ptr<storage::Writes> make_writes() override { return of_.tables_.make_writes(); }
    Status write(storage::Writes& writes, bool sync) override {
      const Status failure = of_.failure();
      return failure ? of_.tables_.write(writes, sync) : failure;
    }
    Result<std::optional<std::string>> get(storage::Table table,
                                           std::string_view key) const override {
      return of_.tables_.get(table, key);
    }
    Status scan(storage::Table table, std::string_view from, const Each& each) const override {
      of_.wait_for(table);
      return of_.tables_.scan(table, from, each);
    }
    Status scan_back(storage::Table table, std::string_view from, const Each& each) const override {
      return of_.tables_.scan_back(table, from, each);
    }
    void reclaim(storage::Table, std::string_view, std::string_view) override {}
    Status purge(storage::Table, std::string_view, std::string_view, std::atomic<bool>&) override {
      return Status::ok();
    }
    void add_statistics(storage::StoreStatistics&) const override {}
    bool read_only() const override { return false; }
    Status health() const override { return Status::ok(); }
    Result<storage::Backup> back_up(const storage::BackupOptions& options,
                                    JournalSeq last_seq) override {
      return of_.tables_.back_up(options, last_seq);
    }

   private:
    HeldTables& of_;
  };

  Status failure() const {
    const std::scoped_lock lock(mutex_);
    return failure_;
  }
  void wait_for(storage::Table table) {
    std::unique_lock lock(mutex_);
    if (held_ != table) return;
    ++waiting_;
    changed_.wait(lock, [&] { return held_ != table; });
    --waiting_;
  }

  storage::MemoryKeyValue tables_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Status failure_;                      // guarded by mutex_
  std::optional<storage::Table> held_;  // guarded by mutex_
  int waiting_ = 0;                     // guarded by mutex_
};

}  // namespace tocsin::daemon
