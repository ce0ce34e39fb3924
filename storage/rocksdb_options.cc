#include "storage/rocksdb_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/statistics.h>
#include <rocksdb/table.h>

#include <algorithm>

namespace tocsin::storage {
namespace {

constexpr uint64_t kMaxWalBytes = 256ull << 20;
constexpr size_t kSmallWriteBuffer = 8ull << 20;
constexpr double kBloomBitsPerKey = 10;

}  // namespace

rocksdb::DBOptions database_options(const RocksDbOptions& options, rocksdb::Env* env,
                                    std::shared_ptr<BackgroundErrors> background_errors) {
  rocksdb::DBOptions db;
  db.env = env;
  db.create_if_missing = !options.read_only && !options.must_exist;
  db.paranoid_checks = true;
  // A torn last record, as a power cut leaves it, was never acknowledged: the log is good up to it.
  // This mode also stops in front of damage in the middle, without a word; check_wal has ruled
  // that out before the database is opened.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // A recycled log holds old records behind its end, which no check could tell from new ones.
  db.recycle_log_file_num = 0;
  // Loses databases together with SyncWAL in 7.8; commits sync by WriteOptions, SyncWAL is not
  // used.
  db.track_and_verify_wals_in_manifest = false;
  db.max_total_wal_size = kMaxWalBytes;  // bounds what a start has to read again
  db.max_background_jobs = std::max(2, options.background_threads);
  // Whoever reads beside the owner keeps every file: the owner may take it away, but not out of
  // hand.
  db.max_open_files = options.read_only ? -1 : 512;
  // Of a table file RocksDB's own checksums leave out the footer, which says how the rest is read.
  db.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  db.info_log = make_logger(options.tell);
  db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  db.listeners.push_back(std::move(background_errors));
  db.max_bgerror_resume_count = 0;  // as the listener says of what is not tried again
  // Counters alone: what compaction rewrites is told by nothing else.
  db.statistics = rocksdb::CreateDBStatistics();
  db.statistics->set_stats_level(rocksdb::StatsLevel::kExceptHistogramOrTimers);
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  return db;
}

rocksdb::ColumnFamilyOptions table_options(Table table, const RocksDbOptions& options,
                                           const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions family;
  rocksdb::BlockBasedTableOptions blocks;
  blocks.block_cache = cache;
  blocks.cache_index_and_filter_blocks = true;
  family.write_buffer_size = std::min(kSmallWriteBuffer, options.write_buffer_bytes);
  family.compression = rocksdb::kLZ4Compression;
  // Never rewrite files merely because they are old.
  family.ttl = 0;
  family.periodic_compaction_seconds = 0;
  switch (table) {
    case Table::kJournal:
    case Table::kIds:
      // Appended in key order, so that flushed files never overlap and move down the levels without
      // being rewritten; chunks are packed already, ids do not pack.
      family.write_buffer_size = options.write_buffer_bytes;
      family.compression = rocksdb::kNoCompression;
      break;
    case Table::kState:
      family.write_buffer_size = options.write_buffer_bytes;
      break;
    case Table::kAlertIndex:
      blocks.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
      break;
    case Table::kMeta:
    case Table::kJournalIndex:
    case Table::kIdsIndex:
    case Table::kAlerts:
    case Table::kAlertLog:
    case Table::kOutbox:
    case Table::kPositions:
    case Table::kDeadLetters:
      break;
  }
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(blocks));
  return family;
}

}  // namespace tocsin::storage
