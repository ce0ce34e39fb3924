#include "daemon/wall_clock.h"

#include <utility>

namespace tocsin::daemon {
namespace {

// Less between two looks is a clock that is being set right little by little.
constexpr Milliseconds kStep{10'000};
constexpr std::chrono::hours kBelievedAfter{1};

}  // namespace

WallClock::WallClock()
    : WallClock([] { return std::chrono::floor<Milliseconds>(std::chrono::system_clock::now()); },
                [] { return std::chrono::steady_clock::now(); }) {}

WallClock::WallClock(std::function<WallTime()> wall, std::function<SteadyTime()> steady)
    : wall_(std::move(wall)), steady_(std::move(steady)), believed_(offset()) {}

Milliseconds WallClock::offset() const {
  return wall_().time_since_epoch() -
         std::chrono::floor<Milliseconds>(steady_().time_since_epoch());
}

WallTime WallClock::believed() const {
  return WallTime{std::chrono::floor<Milliseconds>(steady_().time_since_epoch()) + believed_};
}

std::optional<Milliseconds> WallClock::look() {
  const Milliseconds present = offset();
  const Milliseconds before = jump_ ? jump_->to : believed_;
  if (std::chrono::abs(present - believed_) < kStep) {
    believed_ = present;
    jump_.reset();
  } else if (!jump_ || std::chrono::abs(present - jump_->to) >= kStep) {
    jump_ = Jump{.to = present, .since = steady_()};
  } else if (steady_() - jump_->since >= kBelievedAfter) {
    believed_ = present;
    jump_.reset();
  } else {
    jump_->to = present;
  }
  if (std::chrono::abs(present - before) < kStep) return std::nullopt;
  return present - before;
}

}  // namespace tocsin::daemon
