#pragma once

#include <map>
#include <string>

#include "daemon/log.h"
#include "ingest/event_source.h"

namespace tocsin::daemon {

// Tells the operator what inputs tell of themselves, when it changes: one cannot be read, is read
// again, or is read from another place than where it stopped.
//
// Thread-safety: one thread at a time.
class InputWatch {
 public:
  explicit InputWatch(Log& log) : log_(log) {}

  void look(const std::string& input, const ingest::SourceHealth& health);

 private:
  struct Seen {
    bool is_lost = false;
    std::string message;
  };
  Log& log_;
  std::map<std::string, Seen> seen_;  // by input
};

}  // namespace tocsin::daemon
