#include "daemon/logged_alerts.h"

namespace tocsin::daemon {

Result<LoggedAlerts> read_logged_alerts(const storage::Store& store, uint64_t to) {
  LoggedAlerts logged;
  const Status status = store.read_alert_log(0, [&](const storage::Store::StoredAlert& alert) {
    if (alert.order > to) return false;
    logged.order = alert.order;
    logged.last_seq[alert.alert] = alert.seq;
    if (alert.open) {
      logged.open.insert_or_assign(alert.alert, alert);
    } else {
      logged.open.erase(alert.alert);
    }
    return true;
  });
  if (!status) return status.error();
  return logged;
}

}  // namespace tocsin::daemon
