#include <fmt/format.h>

#include <algorithm>

#include "storage/key_value_store.h"
#include "storage/keys.h"

// Transitions of alerts, in order of commit, by alert, and the last of each.
namespace tocsin::storage {
namespace {

Error damaged_alert(Hash128 alert, uint32_t seq) {
  return corrupt(fmt::format("read alert {}/{}: the bytes make no sense", to_hex(alert), seq));
}

}  // namespace

Result<std::optional<AlertRef>> KeyValueStore::head_of(Hash128 alert, const Heads& heads) const {
  if (const auto found = heads.find(alert); found != heads.end())
    return std::optional(found->second);
  Result<std::optional<std::string>> row =
      tables_->get(Table::kAlertIndex, keys::lettered(keys::kAlertHead, alert));
  if (!row) return row.error();
  if (!row->has_value()) return std::optional<AlertRef>();
  AlertRef ref;
  if (!decode(**row, ref)) return damaged_alert(alert, 0);
  return std::optional(ref);
}

Status KeyValueStore::check_is_known(const AlertRecord& record) const {
  const auto is_same = [&](const AlertRecord& other) {
    return other.alert == record.alert && other.seq == record.seq && other.json == record.json;
  };
  const auto& batch = batch_.alerts();
  const auto here = std::find_if(batch.begin(), batch.end(),
                                 [&](const AlertRecord& one) { return &one == &record; });
  if (std::any_of(batch.begin(), here, is_same)) return Status::ok();
  const auto stored = stored_alert({.alert = record.alert, .seq = record.seq});
  if (!stored) return stored.error();
  if (stored->has_value() && (*stored)->json == record.json) return Status::ok();
  return invalid(fmt::format(
      "write alert {}/{}: the log has other words of it; state and log do not belong together",
      to_hex(record.alert), record.seq));
}

Status KeyValueStore::write_alerts(Counters& counters, std::vector<uint64_t>& notified,
                                   WallTime now) {
  std::vector<uint16_t> declared;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, sink] : sinks_) {
      if (sink.row.declared) declared.push_back(sink.row.number);
    }
  }
  Heads heads;  // of this batch, which the tables do not show yet
  for (const AlertRecord& record : batch_.alerts()) {
    Result<std::optional<AlertRef>> head = head_of(record.alert, heads);
    if (!head) return head.error();
    const std::optional<AlertRef>& last = *head;
    if (last && record.seq <= last->seq) {
      if (Status status = check_is_known(record); !status) return status;
      continue;
    }
    const uint64_t order = ++counters.last_order;
    const AlertRef ref{record.alert, record.seq, order, now, record.open};
    const std::string row = encode(ref);
    writes_->put(Table::kAlerts, keys::alert(record.alert, record.seq),
                 encode(AlertRow{order, now, record.open, record.notify, record.json}));
    writes_->put(Table::kAlertLog, keys::number(order), row);
    if (last) {
      writes_->remove(Table::kAlertIndex, keys::lettered(keys::kLatestAlert, last->order));
      if (last->open) {
        writes_->remove(Table::kAlertIndex, keys::lettered(keys::kLatestOpenAlert, last->order));
        --counters.alerts_open;
      }
    }
    writes_->put(Table::kAlertIndex, keys::lettered(keys::kLatestAlert, order), row);
    if (record.open) {
      writes_->put(Table::kAlertIndex, keys::lettered(keys::kLatestOpenAlert, order), row);
      ++counters.alerts_open;
    }
    writes_->put(Table::kAlertIndex, keys::lettered(keys::kAlertHead, record.alert), row);
    heads[record.alert] = ref;
    ++counters.alert_records;
    if (!record.notify) continue;
    for (const uint16_t sink : declared) {
      writes_->put(Table::kOutbox, keys::outbox(sink, order), row);
    }
    notified.push_back(order);
  }
  return Status::ok();
}

Result<std::optional<Store::StoredAlert>> KeyValueStore::stored_alert(const AlertRef& ref) const {
  Result<std::optional<std::string>> row =
      tables_->get(Table::kAlerts, keys::alert(ref.alert, ref.seq));
  if (!row) return row.error();
  if (!row->has_value()) return std::optional<StoredAlert>();
  AlertRow alert;
  if (!decode(**row, alert)) return damaged_alert(ref.alert, ref.seq);
  return std::optional(StoredAlert{.order = alert.order,
                                   .alert = ref.alert,
                                   .seq = ref.seq,
                                   .open = alert.open,
                                   .notify = alert.notify,
                                   .json = std::string(alert.json)});
}

Status KeyValueStore::read_alerts(const AlertQuery& query,
                                  const std::function<bool(const StoredAlert&)>& each) const {
  if (Status status = check(); !status) return status;
  if (query.limit == 0 || query.before == 0) return Status::ok();
  const char letter = query.open_only ? keys::kLatestOpenAlert : keys::kLatestAlert;
  size_t count = 0;
  Status problem;
  Status status = tables_->scan_back(Table::kAlertIndex, keys::lettered(letter, query.before - 1),
                                     [&](std::string_view key, std::string_view value) {
                                       if (!key.starts_with(letter)) return false;
                                       AlertRef ref;
                                       if (!decode(value, ref)) {
                                         problem =
                                             corrupt("read alerts: an index row makes no sense");
                                         return false;
                                       }
                                       Result<std::optional<StoredAlert>> alert = stored_alert(ref);
                                       if (!alert) {
                                         problem = alert.error();
                                         return false;
                                       }
                                       if (!alert->has_value()) return true;
                                       return each(**alert) && ++count < query.limit;
                                     });
  return status ? problem : status;
}

Result<std::vector<Store::StoredAlert>> KeyValueStore::find_alerts(std::string_view beginning,
                                                                   size_t limit) const {
  if (Status status = check(); !status) return status.error();
  std::string lowest(beginning);
  lowest.resize(std::max<size_t>(beginning.size(), 32), '0');
  Hash128 first;
  if (beginning.empty() || !from_hex(lowest, first)) {
    return invalid("find alerts: an id begins with 1 to 32 hexadecimal digits");
  }
  std::vector<StoredAlert> found;
  Status problem;
  Status status = tables_->scan(Table::kAlertIndex, keys::lettered(keys::kAlertHead, first),
                                [&](std::string_view key, std::string_view value) {
                                  if (found.size() == limit || !key.starts_with(keys::kAlertHead))
                                    return false;
                                  AlertRef ref;
                                  if (!decode(value, ref)) {
                                    problem = corrupt("find alerts: an index row makes no sense");
                                    return false;
                                  }
                                  if (!to_hex(ref.alert).starts_with(beginning)) return false;
                                  Result<std::optional<StoredAlert>> alert = stored_alert(ref);
                                  if (!alert) {
                                    problem = alert.error();
                                    return false;
                                  }
                                  if (alert->has_value()) found.push_back(std::move(**alert));
                                  return true;
                                });
  if (!status) return status.error();
  if (!problem) return problem.error();
  return found;
}

Result<std::vector<std::string>> KeyValueStore::read_alert(Hash128 alert) const {
  if (Status status = check(); !status) return status.error();
  const std::string prefix = keys::alert(alert, 0).substr(0, 16);
  std::vector<std::string> transitions;
  bool sound = true;
  Status status =
      tables_->scan(Table::kAlerts, prefix, [&](std::string_view key, std::string_view value) {
        if (!key.starts_with(prefix)) return false;
        AlertRow row;
        sound = decode(value, row);
        transitions.emplace_back(row.json);
        return sound;
      });
  if (!status) return status.error();
  if (!sound) return damaged_alert(alert, 0);
  if (transitions.empty()) {
    return not_found(fmt::format("read alert {}: there is none", to_hex(alert)));
  }
  return transitions;
}

Status KeyValueStore::read_alert_log(uint64_t from,
                                     const std::function<bool(const StoredAlert&)>& each) const {
  if (Status status = check(); !status) return status;
  Status problem;
  Status status = tables_->scan(Table::kAlertLog, keys::number(from),
                                [&](std::string_view, std::string_view value) {
                                  AlertRef ref;
                                  if (!decode(value, ref)) {
                                    problem = corrupt("read alert log: a row makes no sense");
                                    return false;
                                  }
                                  Result<std::optional<StoredAlert>> alert = stored_alert(ref);
                                  if (!alert) problem = alert.error();
                                  if (!alert) return false;
                                  return !alert->has_value() || each(**alert);
                                });
  return status ? problem : status;
}

}  // namespace tocsin::storage
