#include "daemon/open_alerts.h"

#include <optional>

#include "daemon/alert_fields.h"

namespace tocsin::daemon {
namespace {

OpenAlerts::State state_of(const AlertFields& fields) {
  if (fields.error) return OpenAlerts::State::kError;
  return fields.stale ? OpenAlerts::State::kStale : OpenAlerts::State::kFiring;
}

}  // namespace

std::shared_ptr<const OpenAlerts> OpenAlertsReader::read() {
  const std::scoped_lock lock(mutex_);
  const uint64_t before = store_.statistics().alert_records;
  if (last_ && before == records_) return last_;
  Status status = has_read_ ? follow() : read_all();
  // Commits may come while the log is read: it then holds something between the two.
  const bool has_lost = before > records_ || records_ > store_.statistics().alert_records;
  if (status && has_lost) status = read_all();
  if (!status) {
    has_read_ = false;
    return nullptr;
  }
  last_ = sum();
  return last_;
}

Status OpenAlertsReader::read_all() {
  open_.clear();
  kinds_.clear();
  withheld_ = 0;
  for (auto& [where, levels] : countries_) levels.fill(0);
  next_order_ = 0;
  records_ = store_.statistics().alert_records;
  // What is committed from here on is followed next time; to take it twice does no harm.
  Status status = store_.read_alerts({.limit = 1}, [this](const auto& alert) {
    next_order_ = alert.order + 1;
    return true;
  });
  if (status) {
    status = store_.read_alerts({.open_only = true, .limit = SIZE_MAX}, [this](const auto& alert) {
      take(alert);
      return true;
    });
  }
  has_read_ = status.has_value();
  return status;
}

Status OpenAlertsReader::follow() {
  return store_.read_alert_log(next_order_, [this](const storage::Store::StoredAlert& alert) {
    next_order_ = alert.order + 1;
    ++records_;
    take(alert);
    return true;
  });
}

void OpenAlertsReader::take(const storage::Store::StoredAlert& alert) {
  if (const auto known = open_.find(alert.alert); known != open_.end()) {
    remove(known->second);
    open_.erase(known);
  }
  if (!alert.open || !alert.notify) return;  // a rule that is tried out says nothing of the world
  const auto fields = read_alert_fields(alert.json);
  if (!fields || !fields->driver) return;
  const Share share{.kind = {fields->level, *fields->driver, state_of(*fields)},
                    .country = fields->country,
                    .withheld = fields->tlp > ceiling_};
  add(share);
  open_.emplace(alert.alert, share);
}

void OpenAlertsReader::add(const Share& share) {
  if (share.withheld) {
    ++withheld_;
    return;
  }
  ++kinds_[share.kind];
  if (share.country.empty()) return;
  ++countries_[{share.country, share.kind.driver}][static_cast<size_t>(share.kind.level)];
}

void OpenAlertsReader::remove(const Share& share) {
  if (share.withheld) {
    --withheld_;
    return;
  }
  const auto kind = kinds_.find(share.kind);
  if (--kind->second == 0) kinds_.erase(kind);
  if (share.country.empty()) return;
  --countries_[{share.country, share.kind.driver}][static_cast<size_t>(share.kind.level)];
}

std::shared_ptr<const OpenAlerts> OpenAlertsReader::sum() const {
  auto fresh = std::make_shared<OpenAlerts>();
  fresh->counts = kinds_;
  fresh->withheld = withheld_;
  for (const auto& [kind, count] : kinds_) fresh->total += count;
  for (const auto& [where, levels] : countries_) {
    Level highest = Level::kNone;
    for (size_t level = 0; level < kLevels; ++level) {
      if (levels[level] != 0) highest = static_cast<Level>(level);
    }
    fresh->countries[where] = highest;
  }
  return fresh;
}

}  // namespace tocsin::daemon
