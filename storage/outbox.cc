#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "storage/key_value_store.h"
#include "storage/keys.h"

// Sinks, what they have still to send, and dead letters.
namespace tocsin::storage {

Status KeyValueStore::load_sinks() {
  Result<std::optional<std::string>> row = tables_->get(Table::kMeta, keys::kSinks);
  if (!row) return row.error();
  if (!row->has_value()) return Status::ok();
  std::vector<SinkRow> rows;
  if (!decode(**row, rows)) return corrupt("open store: the list of sinks makes no sense");
  std::map<uint16_t, Sink*> by_number;
  for (SinkRow& sink : rows) {
    const uint16_t number = sink.number;
    const std::string name = sink.name;
    by_number[number] = &(sinks_[name] = {.row = std::move(sink)});
  }
  return tables_->scan(Table::kOutbox, "", [&by_number](std::string_view key, std::string_view) {
    const auto sink = by_number.find(ByteReader(key).big<uint16_t>());
    if (sink != by_number.end()) ++sink->second->depth;
    return true;
  });
}

Status KeyValueStore::declare_sinks(const std::vector<std::string>& sinks) {
  if (Status status = check_writable(); !status) return status;
  const std::lock_guard lock(write_mutex_);
  std::map<std::string, Sink, std::less<>> declared;
  uint16_t next = 0;
  {
    const std::lock_guard values(mutex_);
    declared = sinks_;
  }
  for (auto& [name, sink] : declared) {
    next = std::max(next, sink.row.number);
    sink.row.declared = false;
  }
  for (const std::string& name : sinks) {
    const auto [sink, is_new] = declared.try_emplace(name);
    if (is_new) sink->second.row = {.name = name, .number = ++next};
    sink->second.row.declared = true;
  }
  std::vector<SinkRow> rows;
  for (const auto& [name, sink] : declared) rows.push_back(sink.row);
  writes_->clear();
  writes_->put(Table::kMeta, keys::kSinks, encode(rows));
  if (Status status = write(*writes_, /*sync=*/true); !status) return status;
  const std::lock_guard values(mutex_);
  sinks_ = std::move(declared);
  return Status::ok();
}

Result<std::vector<OutboxEntry>> KeyValueStore::read_outbox(std::string_view sink,
                                                            size_t limit) const {
  if (Status status = check(); !status) return status.error();
  uint16_t number = 0;
  uint64_t floor = 0;
  uint64_t next_floor = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto found = sinks_.find(sink);
    if (found == sinks_.end()) {
      return not_found(fmt::format("read outbox: no sink `{}` was ever declared", sink));
    }
    number = found->second.row.number;
    floor = found->second.floor;
    next_floor = counters_.last_order + 1;  // what is committed from here on is above it
  }
  std::vector<OutboxEntry> entries;
  if (limit == 0) return entries;
  bool is_first = true;
  Status problem;
  Status status = tables_->scan(
      Table::kOutbox, keys::outbox(number, floor),
      [&](std::string_view key, std::string_view value) {
        ByteReader from(key);
        if (from.big<uint16_t>() != number) return false;
        const auto order = from.big<uint64_t>();
        if (is_first) next_floor = std::min(next_floor, order);
        is_first = false;
        AlertRef ref;
        if (!decode(value, ref)) {
          problem = corrupt(fmt::format("read outbox {}: the bytes make no sense", order));
          return false;
        }
        Result<std::optional<StoredAlert>> alert = stored_alert(ref);
        if (!alert) {
          problem = alert.error();
          return false;
        }
        if (alert->has_value()) {
          entries.push_back({order, ref.alert, ref.seq, ref.committed, std::move((*alert)->json)});
        }
        return entries.size() < limit;
      });
  if (!status) return status.error();
  if (!problem) return problem.error();
  const std::lock_guard lock(mutex_);
  if (const auto found = sinks_.find(sink); found != sinks_.end()) {
    found->second.floor = std::max(found->second.floor, next_floor);
  }
  return entries;
}

Status KeyValueStore::done(std::string_view sink, const std::vector<uint64_t>& numbers) {
  if (Status status = check_writable(); !status) return status;
  const std::lock_guard lock(write_mutex_);
  uint16_t sink_number = 0;
  {
    const std::lock_guard values(mutex_);
    const auto found = sinks_.find(sink);
    if (found == sinks_.end()) {
      return not_found(fmt::format("remove from outbox: no sink `{}` was ever declared", sink));
    }
    sink_number = found->second.row.number;
  }
  uint64_t removed = 0;
  writes_->clear();
  for (const uint64_t number : std::set<uint64_t>(numbers.begin(), numbers.end())) {
    const std::string key = keys::outbox(sink_number, number);
    Result<std::optional<std::string>> row = tables_->get(Table::kOutbox, key);
    if (!row) return row.error();
    if (!row->has_value()) continue;
    writes_->remove(Table::kOutbox, key);
    ++removed;
  }
  if (removed == 0) return Status::ok();
  // As durable as a commit, though sending again would do no harm: check_wal must be able to rely
  // on it that with durability `commit` each write was on the disk before the next began.
  if (Status status = write(*writes_, options_.sync_commits); !status) return status;
  const std::lock_guard values(mutex_);
  if (const auto found = sinks_.find(sink); found != sinks_.end()) found->second.depth -= removed;
  return Status::ok();
}

Status KeyValueStore::read_dead_letters(uint64_t from,
                                        const std::function<bool(const DeadLetter&)>& each) const {
  if (Status status = check(); !status) return status;
  Status problem;
  Status status = tables_->scan(
      Table::kDeadLetters, keys::number(from), [&](std::string_view key, std::string_view value) {
        DeadLetter letter;
        WallTime committed;
        letter.number = keys::read_number(key);
        if (!decode(value, letter, committed)) {
          problem =
              corrupt(fmt::format("read dead letter {}: the bytes make no sense", letter.number));
          return false;
        }
        return each(letter);
      });
  return status ? problem : status;
}

Status KeyValueStore::remove_dead_letters(const std::vector<uint64_t>& numbers) {
  if (Status status = check_writable(); !status) return status;
  const std::lock_guard lock(write_mutex_);
  Counters counters = this->counters();
  writes_->clear();
  for (const uint64_t number : std::set<uint64_t>(numbers.begin(), numbers.end())) {
    Result<std::optional<std::string>> row =
        tables_->get(Table::kDeadLetters, keys::number(number));
    if (!row) return row.error();
    if (!row->has_value()) continue;
    writes_->remove(Table::kDeadLetters, keys::number(number));
    --counters.dead_letters;
  }
  return write_counted(*writes_, counters, options_.sync_commits);
}

}  // namespace tocsin::storage
