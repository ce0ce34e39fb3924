#include "storage/rocksdb_key_value.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/env.h>
#include <rocksdb/iterator.h>
#include <rocksdb/statistics.h>
#include <rocksdb/write_batch.h>

#include <filesystem>

#include "storage/backup_engine.h"
#include "storage/codec.h"
#include "storage/keys.h"
#include "storage/log_durability.h"
#include "storage/migration.h"
#include "storage/rocksdb_options.h"

namespace tocsin::storage {
namespace {

rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

std::string attempt(std::string_view verb, Table table) {
  return fmt::format("{} table {}", verb, table_name(table));
}

}  // namespace

Error translate(const rocksdb::Status& status, std::string_view attempted) {
  const std::string message = fmt::format("{}: {}", attempted, status.ToString());
  if (status.IsCorruption()) return corrupt(message);
  if (status.IsNotFound()) return not_found(message);
  if (status.IsInvalidArgument() || status.IsNotSupported()) return invalid(message);
  return unavailable(message);
}

Error opening_error(const rocksdb::Status& status, const std::string& path) {
  const std::string attempted = fmt::format("open data folder {}", path);
  const std::string text = status.ToString();
  // The first when it is another process, the second when it is this one.
  if (text.find("While lock file") == std::string::npos &&
      text.find("lock hold by current process") == std::string::npos) {
    // What RocksDB calls an invalid argument here is most often a file that it could not read.
    if (status.IsInvalidArgument()) return unavailable(fmt::format("{}: {}", attempted, text));
    return translate(status, attempted);
  }
  return invalid(fmt::format(
      "{}: another tocsin holds it (its LOCK file is taken); stop that one, or give this one a "
      "folder of its own",
      attempted));
}

class RocksDbKeyValue::Changes : public Writes {
 public:
  explicit Changes(const RocksDbKeyValue& tables) : tables_(tables) {}
  void put(Table table, std::string_view key, std::string_view value) override {
    note(batch_.Put(tables_.family(table), slice(key), slice(value)));
  }
  void remove(Table table, std::string_view key) override {
    note(batch_.Delete(tables_.family(table), slice(key)));
  }
  void remove_range(Table table, std::string_view begin, std::string_view end) override {
    note(batch_.DeleteRange(tables_.family(table), slice(begin), slice(end)));
  }
  void clear() override {
    batch_.Clear();
    status_ = rocksdb::Status::OK();
  }
  rocksdb::WriteBatch& batch() { return batch_; }
  const rocksdb::Status& status() const { return status_; }

 private:
  void note(const rocksdb::Status& status) {
    if (!status.ok()) status_ = status;
  }

  const RocksDbKeyValue& tables_;
  rocksdb::WriteBatch batch_;
  rocksdb::Status status_;  // the last change that could not be noted
};

RocksDbKeyValue::RocksDbKeyValue(RocksDbOptions options, rocksdb::Env* env)
    : options_(std::move(options)),
      env_(env),
      cache_(rocksdb::NewLRUCache(options_.block_cache_bytes)) {}

RocksDbKeyValue::~RocksDbKeyValue() {
  for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
}

Result<std::unique_ptr<RocksDbKeyValue>> RocksDbKeyValue::open(const RocksDbOptions& options,
                                                               rocksdb::Env* env) {
  std::unique_ptr<RocksDbKeyValue> tables(new RocksDbKeyValue(options, env));
  const std::string attempted = fmt::format("open data folder {}", options.path);
  std::vector<std::string> existing{rocksdb::kDefaultColumnFamilyName};
  if (env->FileExists(options.path + "/CURRENT").ok()) {
    const rocksdb::Status listed = rocksdb::DB::ListColumnFamilies(
        database_options(options, env, tables->background_errors_), options.path, &existing);
    if (!listed.ok()) return translate(listed, attempted);
  } else if (options.read_only || options.must_exist) {
    return not_found(fmt::format("{}: there is none", attempted));
  }
  rocksdb::Status status = tables->open_families(existing);
  if (!status.ok()) return opening_error(status, options.path);
  // Before a table is made or missed: a folder of another format stays as it is.
  std::string format;
  status = tables->db_->Get({}, slice(keys::kFormat), &format);
  if (!status.ok() && !status.IsNotFound()) return translate(status, attempted);
  if (status.ok()) {
    if (Status fits = tables->check_format(format); !fits) {
      return Error{fits.error().code, fmt::format("{}: {}", attempted, fits.error().message)};
    }
  }
  if (status = tables->make_families(); !status.ok()) return translate(status, attempted);
  return tables;
}

Status RocksDbKeyValue::check_format(std::string_view bytes) const {
  const Result<uint32_t> version = decode_format(bytes);
  if (!version) return version.error();
  std::string row;
  const bool unfinished = db_->Get({}, slice(keys::kMigration), &row).ok();
  if (*version != kFormatVersion && !can_migrate(*version)) return foreign_format(*version);
  if (!options_.read_only || (*version == kFormatVersion && !unfinished)) return Status::ok();
  return invalid(
      fmt::format("the data folder has the older format {}; start the daemon on it once, which "
                  "brings it up to date",
                  unfinished ? 1 : *version));
}

rocksdb::Status RocksDbKeyValue::open_families(const std::vector<std::string>& existing) {
  const rocksdb::DBOptions db_options = database_options(options_, env_, background_errors_);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const std::string& name : existing) {
    // A family that we do not know is a newer tocsin's; the format check will say so.
    rocksdb::ColumnFamilyOptions family;
    for (size_t i = 0; i < kTables; ++i) {
      if (name != table_name(static_cast<Table>(i))) continue;
      family = table_options(static_cast<Table>(i), options_, cache_);
    }
    descriptors.emplace_back(name, family);
  }
  rocksdb::DB* opened = nullptr;
  rocksdb::Status status =
      options_.read_only
          ? rocksdb::DB::OpenForReadOnly(db_options, options_.path, descriptors, &handles_, &opened)
          : rocksdb::DB::Open(db_options, options_.path, descriptors, &handles_, &opened);
  if (status.ok()) db_.reset(opened);
  return status;
}

rocksdb::Status RocksDbKeyValue::make_families() {
  for (size_t i = 0; i < kTables; ++i) {
    const std::string name(table_name(static_cast<Table>(i)));
    for (rocksdb::ColumnFamilyHandle* handle : handles_) {
      if (handle->GetName() == name) families_[i] = handle;
    }
    if (families_[i] != nullptr) continue;
    if (options_.read_only) return rocksdb::Status::Corruption("there is no table " + name);
    const rocksdb::Status status = db_->CreateColumnFamily(
        table_options(static_cast<Table>(i), options_, cache_), name, &families_[i]);
    if (!status.ok()) return status;
    handles_.push_back(families_[i]);
  }
  return rocksdb::Status::OK();
}

std::unique_ptr<Writes> RocksDbKeyValue::make_writes() { return std::make_unique<Changes>(*this); }

Status RocksDbKeyValue::write(Writes& writes, bool sync) {
  auto& changes = static_cast<Changes&>(writes);
  if (!changes.status().ok()) return translate(changes.status(), "prepare write");
  rocksdb::WriteOptions options;
  options.sync = sync;
  const rocksdb::Status status = db_->Write(options, &changes.batch());
  return status.ok() ? Status::ok() : Status(translate(status, "write to " + options_.path));
}

Result<std::optional<std::string>> RocksDbKeyValue::get(Table table, std::string_view key) const {
  std::string value;
  const rocksdb::Status status = db_->Get({}, family(table), slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return translate(status, attempt("read", table));
  return std::optional(std::move(value));
}

Status RocksDbKeyValue::scan(Table table, std::string_view from, const Each& each) const {
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator({}, family(table)));
  for (at->Seek(slice(from)); at->Valid(); at->Next()) {
    if (!each(view(at->key()), view(at->value()))) return Status::ok();
  }
  if (!at->status().ok()) return translate(at->status(), attempt("scan", table));
  return Status::ok();
}

Status RocksDbKeyValue::scan_back(Table table, std::string_view from, const Each& each) const {
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator({}, family(table)));
  for (at->SeekForPrev(slice(from)); at->Valid(); at->Prev()) {
    if (!each(view(at->key()), view(at->value()))) return Status::ok();
  }
  if (!at->status().ok()) return translate(at->status(), attempt("scan back", table));
  return Status::ok();
}

void RocksDbKeyValue::reclaim(Table table, std::string_view begin, std::string_view end) {
  const rocksdb::Slice from = slice(begin);
  const rocksdb::Slice to = slice(end);
  // Whole files at once; what is left goes with compaction. A failure only costs space.
  rocksdb::DeleteFilesInRange(db_.get(), family(table), &from, &to, /*include_end=*/false)
      .PermitUncheckedError();
}

Status RocksDbKeyValue::health() const {
  const rocksdb::Status first = background_errors_->first();
  if (first.ok()) return Status::ok();
  return translate(first, "work in the background on " + options_.path);
}

Result<Backup> RocksDbKeyValue::back_up(const BackupOptions& options, JournalSeq last_seq) {
  // Logs of a laxer setting may still be among what is copied.
  const Result<std::optional<Durability>> logs = read_log_durability(options_.path);
  if (!logs) return logs.error();
  return take_backup(*db_, options,
                     {.last_seq = last_seq, .durability = logs->value_or(options_.durability)});
}

Status RocksDbKeyValue::purge(Table table, std::string_view begin, std::string_view end,
                              std::atomic<bool>& cancelled) {
  // Of all tables: a log goes once nothing of it is in memory alone.
  rocksdb::Status status = db_->Flush({}, handles_);
  if (status.ok()) {
    rocksdb::CompactRangeOptions options;
    options.exclusive_manual_compaction = false;
    options.canceled = &cancelled;
    // Files at the bottom too, which would else be taken for as good as they get.
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    const rocksdb::Slice from = slice(begin);
    const rocksdb::Slice to = slice(end);
    status = db_->CompactRange(options, family(table), &from, &to);
  }
  if (status.ok()) return Status::ok();
  return translate(status, attempt("purge", table));
}

std::vector<rocksdb::LiveFileMetaData> RocksDbKeyValue::table_files() const {
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  return files;
}

void RocksDbKeyValue::add_statistics(StoreStatistics& statistics) const {
  for (const char* property :
       {"rocksdb.cur-size-all-mem-tables", "rocksdb.estimate-live-data-size",
        "rocksdb.estimate-pending-compaction-bytes", "rocksdb.total-sst-files-size",
        "rocksdb.estimate-table-readers-mem", "rocksdb.num-immutable-mem-table"}) {
    uint64_t value = 0;
    if (db_->GetAggregatedIntProperty(property, &value)) {
      statistics.engine[property] = static_cast<double>(value);
    }
  }
  for (const char* property : {"rocksdb.block-cache-usage", "rocksdb.is-write-stopped",
                               "rocksdb.actual-delayed-write-rate", "rocksdb.num-running-flushes",
                               "rocksdb.num-running-compactions", "rocksdb.background-errors"}) {
    uint64_t value = 0;
    if (db_->GetIntProperty(property, &value)) {
      statistics.engine[property] = static_cast<double>(value);
    }
  }
  const auto tickers = db_->GetDBOptions().statistics;
  for (const auto& [name, ticker] :
       {std::pair{"rocksdb.flush-bytes-written", rocksdb::FLUSH_WRITE_BYTES},
        std::pair{"rocksdb.compaction-bytes-written", rocksdb::COMPACT_WRITE_BYTES}}) {
    statistics.engine[name] = static_cast<double>(tickers->getTickerCount(ticker));
  }
  uint64_t files = 0;
  for (rocksdb::ColumnFamilyHandle* handle : families_) {
    rocksdb::ColumnFamilyMetaData meta;
    db_->GetColumnFamilyMetaData(handle, &meta);
    files += meta.file_count;
  }
  statistics.engine["rocksdb.num-sst-files"] = static_cast<double>(files);
  std::error_code problem;  // a file may go while we look: it then counts for nothing
  for (std::filesystem::directory_iterator at(options_.path, problem), end; !problem && at != end;
       at.increment(problem)) {
    std::error_code gone;
    const uint64_t size = at->file_size(gone);
    if (!gone) statistics.disk_bytes += size;
  }
}

}  // namespace tocsin::storage
