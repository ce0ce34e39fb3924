// What a station tells the operator of, in metrics and in the log.
#include "daemon/station.h"

namespace tocsin::daemon {

void Station::tell_torn_log(const storage::TornLog& log) {
  around_.metrics.torn_write("store");
  around_.log.warn(
      "the last write to the store was torn, and is left out",
      {{"file", log.file},
       {"bytes", std::to_string(log.bytes)},
       {"hint",
        around_.config.durability == storage::Durability::kCommit
            ? "a crash or a power cut does that; it was not acknowledged, and its sender sends it "
              "again. Was there none? Then see to the disk"
            : "a crash or a power cut does that; have senders send the last minute again, for "
              "`durability: interval` had acknowledged it. Was there none? Then see to the disk"}});
}

}  // namespace tocsin::daemon
