#include "daemon/input_watch.h"

#include <utility>

namespace tocsin::daemon {

void InputWatch::look(const std::string& input, const ingest::SourceHealth& health) {
  // Before it says why, an input is only on its way to being connected.
  const bool is_lost = !health.connected && !health.finished && !health.message.empty();
  const Seen before = std::exchange(seen_[input], {is_lost, health.message});
  if (is_lost == before.is_lost && health.message == before.message) return;
  if (is_lost) {
    return log_.warn_seldom(
        "an input cannot be read",
        {{"input", input},
         {"problem", health.message},
         {"hint", health.failed
                      ? "see to its file; one that was not there at the start is read from "
                        "the next start on"
                      : "see to its broker or file; it is tried again until it answers, "
                        "and what is sent there waits at its origin"}});
  }
  if (before.is_lost) log_.info("an input is read again", {{"input", input}});
  if (health.message.empty()) return;
  log_.warn_seldom(
      "an input is not read from where it stopped",
      {{"input", input},
       {"problem", health.message},
       {"hint",
        "see who made the topic or file anew; what is repeated does no harm, what was taken away "
        "before it was read has to be sent again"}});
}

}  // namespace tocsin::daemon
