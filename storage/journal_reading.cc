#include <fmt/format.h>

#include <algorithm>

#include "storage/key_value_store.h"
#include "storage/keys.h"
#include "storage/seen_ids_blob.h"

// Reading what write_journal wrote: records in order, one event, the ids.
namespace tocsin::storage {

Status KeyValueStore::read_journal(JournalSeq from,
                                   const std::function<bool(const JournalRecord&)>& each) const {
  if (Status status = check(); !status) return status;
  const Counters now = counters();
  from = std::max(from, now.dropped_seq + 1);
  if (from > now.last_seq) return Status::ok();
  const std::shared_ptr<const Catalogue> names = catalogue();
  if (names == nullptr) return invalid("read journal: no catalogue was set");

  JournalSeq expected = 0;  // first record of the next chunk; the index knows where to begin
  Status status = tables_->scan_back(Table::kJournalIndex, keys::number(from),
                                     [&expected](std::string_view key, std::string_view) {
                                       expected = keys::read_number(key);
                                       return false;
                                     });
  if (!status) return status;
  Arena arena;
  Status problem;
  bool stopped = false;
  const auto on_chunk = [&](std::string_view key, std::string_view value) {
    if (keys::read_number(key) != expected) return false;
    Result<std::shared_ptr<const JournalChunk>> chunk = JournalChunk::open(expected, value, names);
    if (!chunk) {
      problem = chunk.error();
      return false;
    }
    Result<bool> more = (*chunk)->read(from, arena, each);
    if (!more) problem = more.error();
    stopped = !more || !*more;
    expected = (*chunk)->last() + 1;
    return !stopped;
  };
  status = tables_->scan(Table::kJournal, keys::number(expected), on_chunk);
  if (!status) return status;
  if (!problem) return problem;
  if (!stopped && expected <= now.last_seq) {
    return corrupt(fmt::format("read journal: record {} is missing; restore a backup", expected));
  }
  return Status::ok();
}

Status KeyValueStore::read_revisions(Hash128 event,
                                     const std::function<bool(const JournalRecord&)>& each) const {
  if (Status status = check(); !status) return status;
  const std::shared_ptr<const Catalogue> names = catalogue();
  if (names == nullptr) return invalid("read revisions: no catalogue was set");
  Arena arena;
  Status problem;
  const auto on_chunk = [&](std::string_view key, std::string_view) {
    const JournalSeq first = keys::read_number(key);
    Result<std::vector<size_t>> places = places_in(first, key, event);
    if (!places) problem = places.error();
    if (!places || places->empty()) return problem.has_value();
    Result<std::shared_ptr<const JournalChunk>> chunk = open_chunk(first, key, names);
    Result<bool> more = chunk ? (*chunk)->read_events(*places, arena, each) : chunk.error();
    if (!more) problem = more.error();
    return more && *more;
  };
  const Status status =
      tables_->scan(Table::kJournalIndex, keys::number(counters().dropped_seq + 1), on_chunk);
  return status ? problem : status;
}

Result<std::shared_ptr<const JournalChunk>> KeyValueStore::open_chunk(
    JournalSeq first, std::string_view key, std::shared_ptr<const Catalogue> names) const {
  Result<std::optional<std::string>> bytes = tables_->get(Table::kJournal, key);
  if (!bytes) return bytes.error();
  if (bytes->has_value()) return JournalChunk::open(first, **bytes, std::move(names));
  return corrupt(fmt::format("read journal chunk {}: it is missing; restore a backup", first));
}

// Which of the chunk's events they are.
Result<std::vector<size_t>> KeyValueStore::places_in(JournalSeq first, std::string_view key,
                                                     Hash128 event) const {
  std::vector<size_t> places;
  size_t place = 0;
  const auto on_id = [&](Hash128 id) {
    if (id == event) places.push_back(place);
    ++place;
  };
  Result<std::optional<std::string>> blob = tables_->get(Table::kIds, key);
  if (!blob) return blob.error();
  if (blob->has_value()) {
    Status status =
        read_seen_ids_blob(first, **blob, kMinEventTime, [&](const SeenId& id) { on_id(id.key); });
    if (!status) return status.error();
    return places;
  }
  // By the names in the chunk itself: a catalogue may have lost them.
  Result<std::shared_ptr<const JournalChunk>> chunk = open_chunk(first, key, nullptr);
  if (!chunk) return chunk.error();
  Status status = (*chunk)->read_keys(on_id);
  if (!status) return status.error();
  return places;
}

Result<std::shared_ptr<const JournalChunk>> KeyValueStore::chunk_of(JournalSeq seq) const {
  const std::shared_ptr<const Catalogue> names = catalogue();
  if (names == nullptr) return invalid("read event: no catalogue was set");
  if (std::shared_ptr<const JournalChunk> cached = cache_.find(seq, names.get())) return cached;
  Result<std::shared_ptr<const JournalChunk>> chunk =
      corrupt(fmt::format("read event {}: its journal chunk is missing", seq));
  Status status = tables_->scan_back(
      Table::kJournal, keys::number(seq), [&](std::string_view key, std::string_view value) {
        chunk = JournalChunk::open(keys::read_number(key), value, names);
        return false;
      });
  if (!status) return status.error();
  if (!chunk) return chunk;
  if (!(*chunk)->contains(seq)) {
    return corrupt(fmt::format("read event {}: its journal chunk is missing", seq));
  }
  cache_.insert(*chunk);
  return chunk;
}

Result<Event> KeyValueStore::read_event(JournalSeq seq, Arena& arena) const {
  if (Status status = check(); !status) return status.error();
  // First what is being written: the pipeline names evidence before it commits.
  Counters now = counters();
  if (seq > now.last_seq) {
    Result<Event> pending = batch_.journal().find(seq, arena);
    if (pending) return pending;
    now = counters();  // it may just have been committed
    if (seq > now.last_seq) return pending;
  }
  if (seq <= now.dropped_seq) {
    return not_found(fmt::format("read event {}: dropped by retention, or never there", seq));
  }
  Result<std::shared_ptr<const JournalChunk>> chunk = chunk_of(seq);
  if (!chunk) return chunk.error();
  return (*chunk)->event(seq, arena);
}

Status KeyValueStore::read_seen_ids(EventTime since,
                                    const std::function<void(const SeenId&)>& each) const {
  if (Status status = check(); !status) return status;
  Status problem;
  const auto on_row = [&](std::string_view key, std::string_view value) {
    ByteReader from(value);
    const EventTime newest = from_ms(from.little<int64_t>());
    const JournalSeq first = keys::read_number(key);
    if (!from.ok()) {
      problem = corrupt(fmt::format("read ids {}: the index row makes no sense", first));
      return false;
    }
    if (newest < since) return true;
    Result<std::optional<std::string>> blob = tables_->get(Table::kIds, key);
    if (!blob) {
      problem = blob.error();
    } else if (blob->has_value()) {  // else retention has just dropped it
      problem = read_seen_ids_blob(first, **blob, since, each);
    }
    return problem.has_value();
  };
  Status status = tables_->scan(Table::kIdsIndex, "", on_row);
  return status ? problem : status;
}

}  // namespace tocsin::storage
