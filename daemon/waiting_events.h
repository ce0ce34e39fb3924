#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/history.h"
#include "rules/rule.h"

namespace tocsin::daemon {

// Events of a history that no decision has looked at yet: they lie in a window that ends at a tick
// after the end of the history.
struct WaitingEvents {
  std::string rule;
  uint64_t events = 0;
  EventTime tick{};  // at which they will be judged
};

// By rule; the rules that nothing waits for are left out, and so are those that read no event
// themselves.
std::vector<WaitingEvents> waiting_events(const History& history, const rules::Bundle& bundle,
                                          EventTime judged_to);

}  // namespace tocsin::daemon
