#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>

#include "rules/model/time.h"

namespace tocsin::daemon {

// The time of day, by a system whose clock may jump: somebody sets it, a time server tells
// nonsense, a machine sleeps. A jump is not believed before it has lasted for an hour; until then
// an even clock goes on from before it. Whoever decides what cannot be taken back asks for the
// cautious one of the two.
//
// Thread-safety: one thread.
class WallClock {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;
  WallClock();
  WallClock(std::function<WallTime()> wall, std::function<SteadyTime()> steady);

  // Compares the two, to be called about once a second; gives a jump that has come since the last
  // time: by how much.
  std::optional<Milliseconds> look();

  WallTime now() const { return wall_(); }  // whatever the system says
  WallTime believed() const;
  WallTime earliest() const { return std::min(now(), believed()); }
  WallTime latest() const { return std::max(now(), believed()); }

 private:
  // What lies between the two clocks.
  Milliseconds offset() const;

  const std::function<WallTime()> wall_;
  const std::function<SteadyTime()> steady_;
  Milliseconds believed_;  // offset
  struct Jump {
    Milliseconds to;  // offset
    SteadyTime since;
  };
  std::optional<Jump> jump_;  // one that is not believed yet
};

}  // namespace tocsin::daemon
