#include "daemon/disk_space.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace tocsin::daemon {
namespace {

constexpr uint64_t kDefaultFloor = 512ull << 20;
constexpr uint64_t kDefaultShare = 20;  // at most one part in so many of the disk

std::string mebibytes(uint64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

}  // namespace

DiskSpace::DiskSpace(Ask ask, std::optional<uint64_t> min_free)
    : ask_(std::move(ask)), min_free_(min_free) {}

DiskSpace::Reading DiskSpace::look() {
  const Result<Size> size = ask_();
  const std::scoped_lock lock(mutex_);
  if (!size) return last_.value_or(Reading{});
  Reading reading;
  reading.free = size->free;
  reading.floor = min_free_.value_or(std::min(kDefaultFloor, size->total / kDefaultShare));
  const bool was_low = last_ && last_->is_low;
  reading.is_low = reading.free < (was_low ? reading.enough() : reading.floor);
  last_ = reading;
  return reading;
}

std::optional<DiskSpace::Reading> DiskSpace::last() const {
  const std::scoped_lock lock(mutex_);
  return last_;
}

DiskSpace::Ask disk_of(std::string folder) {
  return [folder = std::move(folder)]() -> Result<DiskSpace::Size> {
    struct statvfs disk {};
    if (::statvfs(folder.c_str(), &disk) != 0) {
      return unavailable(fmt::format("ask the disk of {} for its free space: {}", folder,
                                     std::generic_category().message(errno)));
    }
    return DiskSpace::Size{.free = uint64_t{disk.f_bavail} * disk.f_frsize,
                           .total = uint64_t{disk.f_blocks} * disk.f_frsize};
  };
}

std::string describe(const DiskSpace::Reading& reading) {
  return fmt::format(
      "the disk of the data folder is nearly full: {} free, min_free_disk is {}; input is taken "
      "again when {} are",
      mebibytes(reading.free), mebibytes(reading.floor), mebibytes(reading.enough()));
}

}  // namespace tocsin::daemon
