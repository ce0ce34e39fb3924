#include "storage/key_value_store.h"

#include <fmt/format.h>

#include "rules/model/check.h"
#include "storage/keys.h"
#include "storage/migration.h"

namespace tocsin::storage {
namespace {

constexpr size_t kCachedChunks = 16;

Error damaged_row(std::string_view what) {
  return corrupt(
      fmt::format("open store: {} make no sense; restore a backup of the data folder", what));
}

}  // namespace

KeyValueStore::KeyValueStore(std::unique_ptr<KeyValue> tables, const KeyValueStoreOptions& options)
    : tables_(std::move(tables)),
      options_(options),
      batch_(options.compression, options.compression_level),
      cache_(kCachedChunks),
      writes_(tables_->make_writes()) {}

Result<std::unique_ptr<Store>> KeyValueStore::open(std::unique_ptr<KeyValue> tables,
                                                   const KeyValueStoreOptions& options) {
  std::unique_ptr<KeyValueStore> store(new KeyValueStore(std::move(tables), options));
  if (Status status = store->check_format(); !status) return status.error();
  if (Status status = store->load_counters(); !status) return status.error();
  if (Status status = store->load_sinks(); !status) return status.error();
  if (Status status = store->load_positions(); !status) return status.error();
  if (Status status = store->load_erasure(); !status) return status.error();
  return std::unique_ptr<Store>(std::move(store));
}

Status KeyValueStore::check_format() {
  Result<std::optional<std::string>> row = tables_->get(Table::kMeta, keys::kFormat);
  if (!row) return row.error();
  if (row->has_value()) {
    const Result<uint32_t> version = decode_format(**row);
    if (!version) return version.error();
    const Result<bool> unfinished = is_migrating(*tables_);
    if (!unfinished) return unfinished.error();
    if (*version == kFormatVersion && !*unfinished) return Status::ok();
    if (*version != kFormatVersion && !can_migrate(*version)) return foreign_format(*version);
    return migrate(*tables_);  // a reader was refused when its tables were opened
  }
  bool empty = true;
  Status status = tables_->scan(Table::kJournalIndex, "", [&empty](auto, auto) {
    empty = false;
    return false;
  });
  if (!status) return status;
  if (!empty) return damaged_row("a journal without a format version");
  if (tables_->read_only()) return not_found("open store: the data folder is empty");
  writes_->clear();
  writes_->put(Table::kMeta, keys::kFormat, encode_format(kFormatVersion));
  writes_->put(Table::kMeta, keys::kCounters, encode(Counters{}));
  return tables_->write(*writes_, /*sync=*/true);
}

Status KeyValueStore::load_counters() {
  Result<std::optional<std::string>> row = tables_->get(Table::kMeta, keys::kCounters);
  if (!row) return row.error();
  if (!row->has_value() || !decode(**row, counters_)) return damaged_row("the counters");
  // One batch wrote both; where they disagree, something else changed the folder.
  JournalSeq last = counters_.dropped_seq;
  bool sound = true;
  Status status = tables_->scan_back(Table::kJournalIndex, keys::number(UINT64_MAX),
                                     [&](std::string_view key, std::string_view value) {
                                       ChunkRow chunk;
                                       sound = decode(value, chunk);
                                       last = keys::read_number(key) + chunk.records - 1;
                                       return false;
                                     });
  if (!status) return status;
  if (!sound || last != counters_.last_seq) {
    return corrupt(
        fmt::format("open store: {} records were committed, the journal ends at {}; restore a "
                    "backup of the data folder",
                    counters_.last_seq, last));
  }
  return Status::ok();
}

Status KeyValueStore::check() const {
  if (!failed_) return Status::ok();
  const std::lock_guard lock(mutex_);
  return unavailable(
      fmt::format("the store stopped after a failed write and must be reopened: {}", failure_));
}

Status KeyValueStore::check_writable() const {
  if (tables_->read_only()) return invalid("write: the data folder was opened for reading only");
  return check();
}

Status KeyValueStore::fail(Status status) {
  const std::lock_guard lock(mutex_);
  failure_ = status.error().message;
  failed_ = true;
  return status;
}

Status KeyValueStore::health() const {
  if (Status status = check(); !status) return status;
  return tables_->health();
}

Status KeyValueStore::write(Writes& writes, bool sync) {
  // Again: another may have failed while this one waited for its turn.
  if (Status status = check(); !status) return status;
  Status status = tables_->write(writes, sync);
  // Whether it is on the disk is unknown, so nothing that is in memory may be trusted any more.
  return status ? status : fail(std::move(status));
}

Status KeyValueStore::write_counted(Writes& writes, const Counters& counters, bool sync) {
  writes.put(Table::kMeta, keys::kCounters, encode(counters));
  if (Status status = write(writes, sync); !status) return status;
  const std::lock_guard lock(mutex_);
  counters_ = counters;
  return Status::ok();
}

Counters KeyValueStore::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

void KeyValueStore::set_catalogue(std::shared_ptr<const Catalogue> catalogue) {
  TOCSIN_CHECK(catalogue != nullptr);
  batch_.journal().set_catalogue(catalogue);
  const std::lock_guard lock(mutex_);
  catalogue_ = std::move(catalogue);
  cache_.clear();
}

std::shared_ptr<const Catalogue> KeyValueStore::catalogue() const {
  const std::lock_guard lock(mutex_);
  return catalogue_;
}

Status KeyValueStore::load_positions() {
  return tables_->scan(Table::kPositions, "",
                       [this](std::string_view stream, std::string_view position) {
                         positions_.emplace(stream, position);
                         return true;
                       });
}

Batch& KeyValueStore::begin() {
  batch_.begin(last_seq() + 1);
  return batch_;
}

Status KeyValueStore::commit(Batch& batch, WallTime now) {
  TOCSIN_CHECK(&batch == &batch_);  // there is only the one
  if (Status status = check_writable(); !status) return status;
  if (batch_.empty()) return Status::ok();
  const size_t letters = batch_.dead_letters().size();
  if (Status status = write_batch(now); !status) return status;
  // A hundredth more than the limit may stay, so that a flood does not cost every commit a write
  // more. Twice what came goes, so that a lowered limit is reached bit by bit.
  const uint64_t most = options_.dead_letters_max + options_.dead_letters_max / 100;
  if (options_.dead_letters_max != 0 && counters().dead_letters > most) {
    // The batch is durable whatever becomes of this; what fails here fails the next commit too.
    static_cast<void>(drop_excess_dead_letters(2 * letters + 1000));
  }
  return Status::ok();
}

Status KeyValueStore::write_batch(WallTime now) {
  const std::lock_guard lock(write_mutex_);
  Counters counters = this->counters();
  TOCSIN_CHECK(batch_.journal().first() == counters.last_seq + 1);  // begin() after each commit
  writes_->clear();
  write_journal(counters, now);
  std::vector<uint64_t> notified;
  if (Status status = write_alerts(counters, notified, now); !status) {
    const bool is_at_fault = status.error().code != ErrorCode::kInvalid;
    return is_at_fault ? fail(status) : status;
  }
  write_dead_letters(counters, now);
  for (const auto& [stream, position] : batch_.positions()) {
    writes_->put(Table::kPositions, stream, position);
  }
  for (const auto& [key, value] : batch_.state()) {
    if (value.empty()) {
      writes_->remove(Table::kState, key);
    } else {
      writes_->put(Table::kState, key, value);
    }
  }
  if (batch_.is_checkpoint()) counters.checkpoint_seq = counters.last_seq;
  if (Status status = write_counted(*writes_, counters, options_.sync_commits); !status) {
    return Error{status.error().code,
                 fmt::format("commit {} events after record {}: {}", batch_.events(),
                             batch_.journal().first() - 1, status.error().message)};
  }
  const std::lock_guard publish(mutex_);
  for (auto& [name, sink] : sinks_) {
    if (sink.row.declared) sink.depth += notified.size();
  }
  for (const auto& [stream, position] : batch_.positions()) positions_[stream] = position;
  return Status::ok();
}

void KeyValueStore::write_journal(Counters& counters, WallTime now) {
  for (const SealedChunk& chunk : batch_.journal().finish(now)) {
    const ChunkHeader& header = chunk.header;
    const std::string key = keys::number(header.first);
    writes_->put(Table::kJournal, key, chunk.bytes);
    writes_->put(Table::kJournalIndex, key, encode(ChunkRow{now, header.records, header.events}));
    if (!chunk.seen_ids.empty()) {
      std::string newest;
      put_little(newest, to_ms(chunk.newest));
      writes_->put(Table::kIdsIndex, key, newest);
      writes_->put(Table::kIds, key, chunk.seen_ids);
    }
    counters.last_seq = header.last();
    counters.journal_events += header.events;
  }
}

void KeyValueStore::write_dead_letters(Counters& counters, WallTime now) {
  for (const DeadLetter& letter : batch_.dead_letters()) {
    writes_->put(Table::kDeadLetters, keys::number(++counters.last_dead_letter),
                 encode(letter, now));
    ++counters.dead_letters;
  }
}

JournalSeq KeyValueStore::first_seq() const { return counters().dropped_seq + 1; }

JournalSeq KeyValueStore::last_seq() const { return counters().last_seq; }
JournalSeq KeyValueStore::checkpoint_seq() const { return counters().checkpoint_seq; }

Status KeyValueStore::read_state(
    const std::function<void(std::string_view key, std::string_view value)>& each) const {
  if (Status status = check(); !status) return status;
  return tables_->scan(Table::kState, "", [&each](std::string_view key, std::string_view value) {
    each(key, value);
    return true;
  });
}

Result<std::optional<std::string>> KeyValueStore::get_state(std::string_view key) const {
  if (Status status = check(); !status) return status.error();
  return tables_->get(Table::kState, key);
}

std::optional<std::string> KeyValueStore::position(std::string_view stream) const {
  const std::lock_guard lock(mutex_);
  const auto found = positions_.find(stream);
  return found == positions_.end() ? std::nullopt : std::optional(found->second);
}

Result<std::optional<std::string>> KeyValueStore::meta(std::string_view name) const {
  if (Status status = check(); !status) return status.error();
  return tables_->get(Table::kMeta, keys::named(name));
}

Status KeyValueStore::put_meta(std::string_view name, std::string_view value) {
  if (Status status = check_writable(); !status) return status;
  const std::lock_guard lock(write_mutex_);
  const std::unique_ptr<Writes> writes = tables_->make_writes();
  writes->put(Table::kMeta, keys::named(name), value);
  return write(*writes, /*sync=*/true);
}

Result<Backup> KeyValueStore::back_up(const BackupOptions& options) {
  if (Status status = check_writable(); !status) return status.error();
  return tables_->back_up(options, last_seq());
}

StoreStatistics KeyValueStore::statistics() const {
  StoreStatistics statistics;
  tables_->add_statistics(statistics);
  const std::lock_guard lock(mutex_);
  statistics.journal_events = counters_.journal_events;
  statistics.last_seq = counters_.last_seq;
  statistics.alerts_open = counters_.alerts_open;
  statistics.alert_records = counters_.alert_records;
  statistics.dead_letters = counters_.dead_letters;
  statistics.dead_letters_dropped = dead_letters_dropped_;
  for (const auto& [name, sink] : sinks_) {
    if (sink.row.declared || sink.depth != 0) statistics.outbox_depth[name] = sink.depth;
  }
  return statistics;
}

}  // namespace tocsin::storage
