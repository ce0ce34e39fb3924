#include "storage/key_value_store.h"
#include "storage/keys.h"

// Forgetting on purpose. Each step is one atomic write of bounded size, so that commits wait
// little.
namespace tocsin::storage {
namespace {

constexpr size_t kAlertsPerWrite = 1000;

}  // namespace

Status KeyValueStore::apply_retention(const Retention& retention, WallTime now) {
  if (Status status = check_writable(); !status) return status;
  if (retention.journal.count() > 0) {
    if (Status status = drop_journal(now - retention.journal); !status) return status;
  }
  if (retention.seen_ids > kMinEventTime) {
    if (Status status = drop_seen_ids(retention.seen_ids); !status) return status;
  }
  if (retention.closed_alerts.count() > 0) {
    if (Status status = drop_closed_alerts(now - retention.closed_alerts); !status) return status;
  }
  if (retention.dead_letters.count() > 0) {
    if (Status status = drop_dead_letters(now - retention.dead_letters); !status) return status;
  }
  return Status::ok();
}

Status KeyValueStore::drop_journal(WallTime before) {
  const std::lock_guard lock(write_mutex_);
  Counters counters = this->counters();
  const JournalSeq dropped_before = counters.dropped_seq;
  bool sound = true;
  Status status = tables_->scan(Table::kJournalIndex, keys::number(counters.dropped_seq + 1),
                                [&](std::string_view key, std::string_view value) {
                                  ChunkRow chunk;
                                  sound = decode(value, chunk);
                                  if (!sound) return false;
                                  const JournalSeq last =
                                      keys::read_number(key) + chunk.records - 1;
                                  // Recovery reads what follows the checkpoint, however old.
                                  if (chunk.committed >= before || last > counters.checkpoint_seq)
                                    return false;
                                  counters.dropped_seq = last;
                                  counters.journal_events -= chunk.events;
                                  return true;
                                });
  if (!status) return status;
  if (!sound) return corrupt("drop old journal: an index row makes no sense");
  if (counters.dropped_seq == dropped_before) return Status::ok();
  const std::string begin = keys::number(0);
  const std::string end = keys::number(counters.dropped_seq + 1);
  writes_->clear();
  writes_->remove_range(Table::kJournal, begin, end);
  writes_->remove_range(Table::kJournalIndex, begin, end);
  if (status = write_counted(*writes_, counters, options_.sync_commits); !status) return status;
  cache_.clear();
  tables_->reclaim(Table::kJournal, begin, end);
  return Status::ok();
}

Status KeyValueStore::drop_seen_ids(EventTime before) {
  const std::lock_guard lock(write_mutex_);
  writes_->clear();
  bool any = false;
  Status status = tables_->scan(
      Table::kIdsIndex, "", [&](std::string_view key, std::string_view value) {
        if (from_ms(ByteReader(value).little<int64_t>()) >= before) return true;
        writes_->remove(Table::kIdsIndex, key);
        writes_->remove(Table::kIds, key);
        any = true;
        return true;
      });
  if (!status || !any) return status;
  return write(*writes_, options_.sync_commits);
}

Result<uint64_t> KeyValueStore::oldest_unsent() const {
  std::vector<std::pair<uint16_t, uint64_t>> declared;  // number and floor
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, sink] : sinks_) {
      if (sink.row.declared) declared.emplace_back(sink.row.number, sink.floor);
    }
  }
  uint64_t oldest = UINT64_MAX;
  for (const auto& [sink, floor] : declared) {
    Status status = tables_->scan(Table::kOutbox, keys::outbox(sink, floor),
                                  [&, number = sink](std::string_view key, std::string_view) {
                                    ByteReader from(key);
                                    if (from.big<uint16_t>() == number) {
                                      oldest = std::min(oldest, from.big<uint64_t>());
                                    }
                                    return false;
                                  });
    if (!status) return status.error();
  }
  return oldest;
}

Status KeyValueStore::drop_closed_alerts(WallTime before) {
  uint64_t from = 0;
  for (;;) {
    const std::lock_guard lock(write_mutex_);
    Result<uint64_t> unsent = oldest_unsent();
    if (!unsent) return unsent.error();
    std::vector<AlertRef> old;
    bool sound = true;
    Status status = tables_->scan(Table::kAlertIndex, keys::lettered(keys::kLatestAlert, from),
                                  [&](std::string_view key, std::string_view value) {
                                    if (key.front() != keys::kLatestAlert) return false;
                                    AlertRef ref;
                                    sound = decode(value, ref);
                                    if (!sound || ref.committed >= before || ref.order >= *unsent) {
                                      return false;
                                    }
                                    from = ref.order + 1;
                                    if (!ref.open) old.push_back(ref);
                                    return old.size() < kAlertsPerWrite;
                                  });
    if (!status) return status;
    if (!sound) return corrupt("drop old alerts: an index row makes no sense");
    if (old.empty()) return Status::ok();
    Counters counters = this->counters();
    writes_->clear();
    for (const AlertRef& last : old) {
      if (status = drop_alert(last, *writes_, counters); !status) return status;
    }
    if (status = write_counted(*writes_, counters, options_.sync_commits); !status) return status;
  }
}

Status KeyValueStore::drop_alert(const AlertRef& last, Writes& writes, Counters& counters) {
  std::vector<Sink*> undeclared;  // theirs may still wait; nobody fetches them
  {
    const std::lock_guard lock(mutex_);
    for (auto& [name, sink] : sinks_) {
      if (!sink.row.declared && sink.depth != 0) undeclared.push_back(&sink);
    }
  }
  const std::string prefix = keys::alert(last.alert, 0).substr(0, 16);
  std::vector<uint64_t> orders;
  bool sound = true;
  Status status =
      tables_->scan(Table::kAlerts, prefix, [&](std::string_view key, std::string_view value) {
        if (!key.starts_with(prefix)) return false;
        AlertRow row;
        sound = decode(value, row);
        if (!sound) return false;
        writes.remove(Table::kAlerts, key);
        orders.push_back(row.order);
        return true;
      });
  if (!status) return status;
  if (!sound) return corrupt("drop old alerts: a row makes no sense");
  for (const uint64_t order : orders) {
    writes.remove(Table::kAlertLog, keys::number(order));
    for (Sink* sink : undeclared) {
      const std::string key = keys::outbox(sink->row.number, order);
      Result<std::optional<std::string>> waiting = tables_->get(Table::kOutbox, key);
      if (!waiting) return waiting.error();
      if (!waiting->has_value()) continue;
      writes.remove(Table::kOutbox, key);
      const std::lock_guard lock(mutex_);
      --sink->depth;
    }
  }
  writes.remove(Table::kAlertIndex, keys::lettered(keys::kLatestAlert, last.order));
  writes.remove(Table::kAlertIndex, keys::lettered(keys::kAlertHead, last.alert));
  counters.alert_records -= orders.size();
  return Status::ok();
}

Status KeyValueStore::drop_dead_letters(WallTime before) {
  const std::lock_guard lock(write_mutex_);
  Counters counters = this->counters();
  uint64_t last = 0;
  bool sound = true;
  Status status =
      tables_->scan(Table::kDeadLetters, "", [&](std::string_view key, std::string_view value) {
        DeadLetter letter;
        WallTime committed;
        sound = decode(value, letter, committed);
        if (!sound || committed >= before) return false;
        last = keys::read_number(key);
        --counters.dead_letters;
        return true;
      });
  if (!status) return status;
  if (!sound) return corrupt("drop old dead letters: a row makes no sense");
  if (last == 0) return Status::ok();
  writes_->clear();
  writes_->remove_range(Table::kDeadLetters, keys::number(0), keys::number(last + 1));
  return write_counted(*writes_, counters, options_.sync_commits);
}

}  // namespace tocsin::storage
