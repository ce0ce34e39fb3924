#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <map>

#include "rules/model/hash.h"
#include "rules/model/result.h"
#include "storage/store.h"

namespace tocsin::daemon {

// What the alert log said of each alert when one of its transitions was the last.
struct LoggedAlerts {
  uint64_t order = 0;                                   // of that transition; 0: there was none
  std::map<Hash128, storage::Store::StoredAlert> open;  // as last told
  absl::flat_hash_map<Hash128, uint32_t> last_seq;      // of all that retention has left
};

// `to`: the order of that transition; UINT64_MAX: the last there is.
Result<LoggedAlerts> read_logged_alerts(const storage::Store& store, uint64_t to = UINT64_MAX);

}  // namespace tocsin::daemon
