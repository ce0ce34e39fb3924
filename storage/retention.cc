#include <algorithm>

#include "storage/horizon.h"
#include "storage/key_value_store.h"
#include "storage/keys.h"

// Forgetting on purpose. Each step is one atomic write of bounded size, so that commits wait
// little.
namespace tocsin::storage {
namespace {

constexpr size_t kRowsPerWrite = 1000;

}  // namespace

Status KeyValueStore::apply_retention(const Retention& retention, WallTime now) {
  if (Status status = check_writable(); !status) return status;
  if (retention.journal.count() > 0) {
    if (Status status = drop_journal(now - retention.journal, now); !status) return status;
  }
  if (retention.seen_ids > kMinEventTime) {
    if (Status status = drop_seen_ids(retention.seen_ids); !status) return status;
  }
  if (retention.closed_alerts.count() > 0) {
    if (Status status = drop_closed_alerts(now - retention.closed_alerts, now); !status) {
      return status;
    }
  }
  if (retention.dead_letters.count() > 0) {
    if (Status status = drop_dead_letters(now - retention.dead_letters, now); !status) {
      return status;
    }
  }
  return drop_excess_dead_letters(UINT64_MAX);
}

Status KeyValueStore::drop_journal(WallTime before, WallTime now) {
  const std::lock_guard lock(write_mutex_);
  Counters counters = this->counters();
  const JournalSeq dropped_before = counters.dropped_seq;
  Horizon horizon(before, now);
  uint64_t events = 0;  // up to the row that is looked at
  bool sound = true;
  Status status =
      tables_->scan(Table::kJournalIndex, keys::number(counters.dropped_seq + 1),
                    [&](std::string_view key, std::string_view value) {
                      ChunkRow chunk;
                      sound = decode(value, chunk);
                      if (!sound) return false;
                      const JournalSeq last = keys::read_number(key) + chunk.records - 1;
                      // Recovery reads what follows the checkpoint, however old.
                      if (last > counters.checkpoint_seq || !horizon.pass(last, chunk.committed)) {
                        return false;
                      }
                      events += chunk.events;
                      if (horizon.last_old() != last) return true;
                      counters.dropped_seq = last;
                      counters.journal_events -= events;
                      events = 0;
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
  std::string from = keys::number(0);
  for (bool more = true; more;) {
    // Read without the lock: nobody else removes ids.
    std::vector<std::string> old;
    bool sound = true;
    Status status =
        tables_->scan(Table::kIdsIndex, from, [&](std::string_view key, std::string_view value) {
          ByteReader newest(value);
          const EventTime time = from_ms(newest.little<int64_t>());
          sound = newest.ok();
          if (!sound) return false;
          from = keys::number(keys::read_number(key) + 1);
          if (time < before) old.emplace_back(key);
          return old.size() < kRowsPerWrite;
        });
    if (!status) return status;
    if (!sound) return corrupt("drop old ids: an index row makes no sense");
    more = old.size() == kRowsPerWrite;
    if (old.empty()) break;
    const std::lock_guard lock(write_mutex_);
    writes_->clear();
    for (const std::string& key : old) {
      writes_->remove(Table::kIdsIndex, key);
      writes_->remove(Table::kIds, key);
    }
    if (status = write(*writes_, options_.sync_commits); !status) return status;
  }
  return Status::ok();
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

Status KeyValueStore::drop_closed_alerts(WallTime before, WallTime now) {
  Horizon horizon(before, now);
  bool sound = true;
  Status status = tables_->scan(Table::kAlertIndex, keys::lettered(keys::kLatestAlert, uint64_t{0}),
                                [&](std::string_view key, std::string_view value) {
                                  if (!key.starts_with(keys::kLatestAlert)) return false;
                                  AlertRef ref;
                                  sound = decode(value, ref);
                                  return sound && horizon.pass(ref.order, ref.committed);
                                });
  uint64_t from = 0;
  for (bool more = horizon.last_old() != 0; status && sound && more;) {
    const std::lock_guard lock(write_mutex_);
    Result<uint64_t> unsent = oldest_unsent();
    if (!unsent) return unsent.error();
    std::vector<AlertRef> old;
    status = tables_->scan(Table::kAlertIndex, keys::lettered(keys::kLatestAlert, from),
                           [&](std::string_view key, std::string_view value) {
                             if (!key.starts_with(keys::kLatestAlert)) return false;
                             AlertRef ref;
                             sound = decode(value, ref);
                             if (!sound || ref.order > horizon.last_old() || ref.order >= *unsent) {
                               return false;
                             }
                             from = ref.order + 1;
                             if (!ref.open) old.push_back(ref);
                             return old.size() < kRowsPerWrite;
                           });
    more = old.size() == kRowsPerWrite;
    if (!status || !sound || old.empty()) break;
    Counters counters = this->counters();
    writes_->clear();
    for (const AlertRef& last : old) {
      if (status = drop_alert(last, *writes_, counters); !status) return status;
    }
    status = write_counted(*writes_, counters, options_.sync_commits);
  }
  return sound ? status : corrupt("drop old alerts: an index row makes no sense");
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

Status KeyValueStore::drop_dead_letters(WallTime before, WallTime now) {
  Horizon horizon(before, now);
  bool sound = true;
  Status status =
      tables_->scan(Table::kDeadLetters, "", [&](std::string_view key, std::string_view value) {
        DeadLetter letter;
        WallTime committed;
        sound = decode(value, letter, committed);
        return sound && horizon.pass(keys::read_number(key), committed);
      });
  if (!status) return status;
  if (!sound) return corrupt("drop old dead letters: a row makes no sense");
  for (;;) {
    const std::lock_guard lock(write_mutex_);
    Result<size_t> dropped = drop_first_dead_letters(horizon.last_old(), kRowsPerWrite);
    if (!dropped) return dropped.error();
    if (*dropped < kRowsPerWrite) return Status::ok();
  }
}

Status KeyValueStore::drop_excess_dead_letters(uint64_t at_most) {
  if (options_.dead_letters_max == 0) return Status::ok();
  while (at_most > 0) {
    const std::lock_guard lock(write_mutex_);
    const uint64_t kept = counters().dead_letters;
    if (kept <= options_.dead_letters_max) return Status::ok();
    Result<size_t> dropped = drop_first_dead_letters(
        UINT64_MAX, std::min({kept - options_.dead_letters_max, at_most, uint64_t{kRowsPerWrite}}));
    if (!dropped) return dropped.error();
    at_most -= *dropped;
    const std::lock_guard values(mutex_);
    dead_letters_dropped_ += *dropped;
    // Fewer than were counted: the folder was changed by something else. Nothing is left to drop.
    if (*dropped == 0) return Status::ok();
  }
  return Status::ok();
}

Result<size_t> KeyValueStore::drop_first_dead_letters(uint64_t last, size_t limit) {
  Counters counters = this->counters();
  uint64_t floor = dead_letter_floor_;
  size_t dropped = 0;
  writes_->clear();
  // One by one: letters go all the time when there are too many, and ranges that are removed make
  // every later read slower.
  Status status = tables_->scan(Table::kDeadLetters, keys::number(floor),
                                [&](std::string_view key, std::string_view) {
                                  const uint64_t number = keys::read_number(key);
                                  if (number > last) return false;
                                  floor = number + 1;
                                  writes_->remove(Table::kDeadLetters, key);
                                  return ++dropped < limit;
                                });
  if (!status) return status.error();
  if (dropped == 0) return dropped;
  counters.dead_letters -= dropped;
  if (status = write_counted(*writes_, counters, options_.sync_commits); !status) {
    return status.error();
  }
  dead_letter_floor_ = floor;
  return dropped;
}

}  // namespace tocsin::storage
