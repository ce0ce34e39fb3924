#include <algorithm>

#include "storage/chunk_eraser.h"
#include "storage/horizon.h"
#include "storage/key_value_store.h"
#include "storage/keys.h"

// Retention by marking: content goes before its time, and not only from sight. What is overwritten
// or removed lies on in older files until these are written anew; so they are.
namespace tocsin::storage {
namespace {

// A step looks at no more than this, since commits wait for it.
constexpr size_t kRowsPerStep = 1000;
constexpr size_t kBytesPerStep = size_t{1} << 20;

using Through = ErasureRow::Through;
using EachRow = std::function<bool(uint64_t number, WallTime committed)>;
// Calls for rows with a number above `done`, in order, until one returns false.
using ScanRows = std::function<Status(uint64_t done, const EachRow& each)>;

// Up to which row each marking is old now, looking not too far behind what is done.
Result<Through> old_rows(const Store::ByMarking& limits, WallTime now, const Through& done,
                         const ScanRows& scan, bool& more) {
  Through old = done;
  for (size_t i = 0; i < kTlps; ++i) {
    const Milliseconds limit = limits.limit(static_cast<Tlp>(i));
    if (limit.count() == 0) continue;
    Horizon horizon(now - limit, now);
    size_t rows = 0;
    const Status status = scan(done[i], [&](uint64_t number, WallTime committed) {
      const bool is_enough = ++rows > kRowsPerStep && horizon.last_old() != 0;
      more = more || is_enough;
      return !is_enough && horizon.pass(number, committed);
    });
    if (!status) return status.error();
    old[i] = std::max(done[i], horizon.last_old());
  }
  return old;
}

// Where a step begins: behind what was looked at for every marking that goes on; nullopt: none
// does.
std::optional<uint64_t> begin_of(const Through& done, const Through& old) {
  std::optional<uint64_t> first;
  for (size_t i = 0; i < kTlps; ++i) {
    if (old[i] > done[i]) first = std::min(first.value_or(done[i]), done[i]);
  }
  return first;
}

Through looked_at(const Through& done, const Through& old, uint64_t number) {
  Through through = done;
  for (size_t i = 0; i < kTlps; ++i) through[i] = std::max(done[i], std::min(old[i], number));
  return through;
}

}  // namespace

bool Store::ByMarking::any() const {
  return std::ranges::any_of(limits, [](Milliseconds limit) { return limit.count() > 0; });
}

Milliseconds Store::ByMarking::limit(Tlp marking) const {
  Milliseconds shortest{0};
  for (size_t i = 0; i <= static_cast<size_t>(marking); ++i) {
    if (limits[i].count() <= 0) continue;
    if (shortest.count() == 0 || limits[i] < shortest) shortest = limits[i];
  }
  return shortest;
}

Status KeyValueStore::load_erasure() {
  Result<std::optional<std::string>> row = tables_->get(Table::kMeta, keys::kErasure);
  if (!row) return row.error();
  if (!row->has_value() || decode(**row, erasure_)) return Status::ok();
  return corrupt(
      "open store: what is known of erased events makes no sense; restore a backup of the data "
      "folder");
}

EventTime KeyValueStore::erased_before() const {
  const std::lock_guard lock(mutex_);
  return erasure_.before;
}

ErasureRow KeyValueStore::erasure() const {
  const std::lock_guard lock(mutex_);
  return erasure_;
}

Result<Store::Erased> KeyValueStore::erase_marked(const Erasure& erasure, WallTime now) {
  if (Status status = check_writable(); !status) return status.error();
  Erased erased;
  if (Status status = erase_events(erasure.journal, now, erased); !status) return status.error();
  if (Status status = drop_marked_alerts(erasure, now, erased); !status) return status.error();
  return erased;
}

Status KeyValueStore::erase_events(const ByMarking& limits, WallTime now, Erased& erased) {
  const Counters counters = this->counters();
  const Through done = erasure().events;
  bool sound = true;
  const ScanRows scan_index = [&](uint64_t through, const EachRow& each) {
    return tables_->scan(Table::kJournalIndex,
                         keys::number(std::max(through, counters.dropped_seq) + 1),
                         [&](std::string_view key, std::string_view value) {
                           ChunkRow chunk;
                           sound = decode(value, chunk);
                           if (!sound) return false;
                           const JournalSeq last = keys::read_number(key) + chunk.records - 1;
                           // Recovery reads what follows the checkpoint, however old.
                           return last <= counters.checkpoint_seq && each(last, chunk.committed);
                         });
  };
  const Result<Through> old = old_rows(limits, now, done, scan_index, erased.more);
  if (!old) return old.error();
  if (!sound) return corrupt("erase old events: an index row makes no sense");
  const std::optional<uint64_t> first = begin_of(done, *old);
  if (!first) return Status::ok();
  JournalSeq last = *std::ranges::max_element(*old);

  ChunkEraser eraser(options_.compression, options_.compression_level);
  RewrittenChunks chunks;
  size_t rows = 0;
  size_t bytes = 0;
  Status problem;
  const Status status = tables_->scan(
      Table::kJournal, keys::number(*first + 1), [&](std::string_view key, std::string_view value) {
        const JournalSeq number = keys::read_number(key);
        if (number > last) return false;
        if (rows == kRowsPerStep || bytes >= kBytesPerStep) {
          last = number - 1;
          erased.more = true;
          return false;
        }
        ++rows;
        bytes += value.size();
        const Result<std::optional<std::string>> ids = tables_->get(Table::kIds, key);
        if (!ids) problem = ids.error();
        if (!ids) return false;
        Result<std::optional<ChunkEraser::Rewritten>> chunk =
            eraser.erase(number, value, *ids,
                         [&](Tlp tlp) { return number <= (*old)[static_cast<size_t>(tlp)]; });
        if (!chunk) problem = chunk.error();
        if (!chunk) return false;
        if (chunk->has_value()) {
          erased.events += (*chunk)->erased;
          chunks.emplace_back(number, std::move(**chunk));
        }
        return true;
      });
  if (!status) return status;
  if (!problem) return problem;
  return write_erased(chunks, looked_at(done, *old, last));
}

Status KeyValueStore::write_erased(const RewrittenChunks& chunks, const Through& looked_at) {
  const std::lock_guard lock(write_mutex_);
  ErasureRow row = erasure();
  row.events = looked_at;
  writes_->clear();
  for (const auto& [first, rewritten] : chunks) {
    const std::string key = keys::number(first);
    writes_->put(Table::kJournal, key, rewritten.chunk);
    if (!rewritten.ids.empty()) {
      std::string newest;
      put_little(newest, to_ms(rewritten.newest_id));
      writes_->put(Table::kIds, key, rewritten.ids);
      writes_->put(Table::kIdsIndex, key, newest);
    }
    row.before = std::max(row.before, rewritten.before);
    row.purge_first = row.purge_first == 0 ? first : std::min(row.purge_first, first);
    row.purge_last = std::max(row.purge_last, first);
  }
  writes_->put(Table::kMeta, keys::kErasure, encode(row));
  if (Status status = write(*writes_, options_.sync_commits); !status) return status;
  {
    const std::lock_guard values(mutex_);
    erasure_ = row;
  }
  cache_.clear();
  return Status::ok();
}

Status KeyValueStore::drop_marked_alerts(const Erasure& erasure, WallTime now, Erased& erased) {
  const Result<uint64_t> unsent = oldest_unsent();
  if (!unsent) return unsent.error();
  const Through done = this->erasure().alerts;
  bool sound = true;
  const ScanRows scan_index = [&](uint64_t through, const EachRow& each) {
    return tables_->scan(Table::kAlertIndex, keys::lettered(keys::kLatestAlert, through + 1),
                         [&](std::string_view key, std::string_view value) {
                           if (!key.starts_with(keys::kLatestAlert)) return false;
                           AlertRef ref;
                           sound = decode(value, ref);
                           return sound && ref.order < *unsent && each(ref.order, ref.committed);
                         });
  };
  const Result<Through> old = old_rows(erasure.closed_alerts, now, done, scan_index, erased.more);
  if (!old) return old.error();
  if (!sound) return corrupt("drop marked alerts: an index row makes no sense");
  const std::optional<uint64_t> first = begin_of(done, *old);
  if (!first) return Status::ok();
  uint64_t last = *std::ranges::max_element(*old);
  const Result<std::vector<AlertRef>> found = marked_alerts(erasure, *old, *first, last);
  if (!found) return found.error();
  erased.more = erased.more || last < *std::ranges::max_element(*old);
  erased.alerts += found->size();

  const std::lock_guard lock(write_mutex_);
  Counters counters = this->counters();
  ErasureRow row = this->erasure();
  row.alerts = looked_at(done, *old, last);
  row.purge_alerts = row.purge_alerts || !found->empty();
  writes_->clear();
  for (const AlertRef& ref : *found) {
    if (Status status = drop_alert(ref, *writes_, counters); !status) return status;
  }
  writes_->put(Table::kMeta, keys::kErasure, encode(row));
  if (Status status = write_counted(*writes_, counters, options_.sync_commits); !status) {
    return status;
  }
  const std::lock_guard values(mutex_);
  erasure_ = row;
  return Status::ok();
}

Result<std::vector<AlertRef>> KeyValueStore::marked_alerts(const Erasure& erasure,
                                                           const Through& old, uint64_t first,
                                                           uint64_t& last) const {
  std::vector<AlertRef> found;
  size_t rows = 0;
  bool sound = true;
  Status problem;
  const Status status =
      tables_->scan(Table::kAlertIndex, keys::lettered(keys::kLatestAlert, first + 1),
                    [&](std::string_view key, std::string_view value) {
                      AlertRef ref;
                      if (!key.starts_with(keys::kLatestAlert)) return false;
                      sound = decode(value, ref);
                      if (!sound || ref.order > last) return false;
                      if (rows++ == kRowsPerStep) {
                        last = ref.order - 1;
                        return false;
                      }
                      if (ref.open) return true;
                      const Result<std::optional<StoredAlert>> alert = stored_alert(ref);
                      if (!alert) problem = alert.error();
                      if (!alert) return false;
                      if (!alert->has_value()) return true;
                      const auto marking = static_cast<size_t>(erasure.marking_of((*alert)->json));
                      if (ref.order <= old[marking]) found.push_back(ref);
                      return true;
                    });
  if (!status) return status.error();
  if (!problem) return problem.error();
  if (!sound) return corrupt("drop marked alerts: an index row makes no sense");
  return found;
}

Status KeyValueStore::purge_erased(std::atomic<bool>& cancelled) {
  if (Status status = check_writable(); !status) return status;
  const ErasureRow before = erasure();
  if (before.purge_first == 0 && !before.purge_alerts) return Status::ok();
  if (before.purge_first != 0) {
    const std::string begin = keys::number(before.purge_first);
    const std::string end = keys::number(before.purge_last);
    for (const Table table : {Table::kJournal, Table::kIds, Table::kIdsIndex}) {
      if (Status status = tables_->purge(table, begin, end, cancelled); !status) return status;
    }
  }
  if (before.purge_alerts) {
    const std::string last(keys::alert({}, 0).size(), '\xff');
    if (Status status = tables_->purge(Table::kAlerts, "", last, cancelled); !status) return status;
  }
  const std::lock_guard lock(write_mutex_);
  ErasureRow row = erasure();
  // More was erased meanwhile, maybe in the same chunks: the next call does all of it again.
  if (!(row == before)) return Status::ok();
  row.purge_first = 0;
  row.purge_last = 0;
  row.purge_alerts = false;
  writes_->clear();
  writes_->put(Table::kMeta, keys::kErasure, encode(row));
  if (Status status = write(*writes_, options_.sync_commits); !status) return status;
  const std::lock_guard values(mutex_);
  erasure_ = row;
  return Status::ok();
}

}  // namespace tocsin::storage
