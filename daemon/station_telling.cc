// What a station tells the operator of, in metrics and in the log.
#include <fmt/format.h>

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

void Station::tell_dead_letters(const PipelineCounts& counts) {
  for (const auto& [reason, count] : counts.dead_letters) {
    around_.log.warn_seldom(
        "records cannot be used and are kept as dead letters",
        {{"reason", reason},
         {"count", std::to_string(count)},
         {"hint",
          reason == "future"
              ? "compare the sender's clock with the one here; `tocsin dead-letters list` shows "
                "them"
              : "`tocsin dead-letters list` shows them with what is wrong, `tocsin dead-letters "
                "replay` sends them again after a fix"}});
  }
}

void Station::tell_clock_jump(Milliseconds jump) {
  around_.metrics.clock_jumped();
  around_.log.warn_seldom(
      "the system's clock has jumped",
      {{"of", "clock"},
       {"seconds", fmt::format("{:+}", jump.count() / 1000)},
       {"hint",
        "see to the time synchronisation; for an hour the cautious one of the times before and "
        "after decides what is future, what is silent, and what retention drops"}});
}

void Station::tell_standstill(Milliseconds duration) {
  around_.metrics.stood_still();
  around_.log.warn_seldom(
      "the process stood still",
      {{"of", "process"},
       {"seconds", std::to_string(duration.count() / 1000)},
       {"hint",
        "it was stopped, or the machine had no time for it: see what else runs there. The time is "
        "no silence of any source; what was sent meanwhile is read now"}});
}

}  // namespace tocsin::daemon
