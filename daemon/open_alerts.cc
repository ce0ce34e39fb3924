#include "daemon/open_alerts.h"

#include <algorithm>

#include "daemon/alert_fields.h"

namespace tocsin::daemon {

std::shared_ptr<const OpenAlerts> OpenAlertsReader::read() {
  const uint64_t records = store_.statistics().alert_records;
  const std::scoped_lock lock(mutex_);
  if (last_ && records == read_at_record_) return last_;
  auto fresh = std::make_shared<OpenAlerts>();
  if (last_) {
    for (const auto& [where, level] : last_->countries) fresh->countries[where] = Level::kNone;
  }
  const storage::Store::AlertQuery all_open{.open_only = true, .limit = SIZE_MAX};
  const Status status = store_.read_alerts(all_open, [&](const storage::Store::StoredAlert& alert) {
    if (!alert.notify) return true;  // a rule that is tried out says nothing about the world
    const auto fields = read_alert_fields(alert.json);
    if (!fields || !fields->driver) return true;
    if (fields->tlp > ceiling_) {
      ++fresh->withheld;
      return true;
    }
    ++fresh->total;
    ++fresh->counts[{fields->level, *fields->driver, fields->stale}];
    if (!fields->country.empty()) {
      Level& level = fresh->countries[{fields->country, *fields->driver}];
      level = std::max(level, fields->level);
    }
    return true;
  });
  if (!status) return nullptr;
  read_at_record_ = records;
  last_ = std::move(fresh);
  return last_;
}

}  // namespace tocsin::daemon
