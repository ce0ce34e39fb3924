#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "rules/model/result.h"

namespace tocsin::daemon {

// How much room the disk of the data folder has, and whether that is enough to take input.
//
// It is low from the moment that less than the floor is free, and until a quarter more than the
// floor is. What was taken before then still gets onto the disk, with the alerts of it, what sinks
// have taken, and what the store rewrites.
// Thread-safety: any thread.
class DiskSpace {
 public:
  struct Size {
    uint64_t free = 0;  // to this process
    uint64_t total = 0;
  };
  using Ask = std::function<Result<Size>()>;
  // `min_free` is the floor; nullopt: 512 MiB, but at most a twentieth of the disk.
  DiskSpace(Ask ask, std::optional<uint64_t> min_free);

  struct Reading {
    uint64_t free = 0;
    uint64_t floor = 0;
    bool is_low = false;
    friend bool operator==(const Reading&, const Reading&) = default;

    uint64_t enough() const { return floor + floor / 4; }  // is it when it was low
  };
  // Asks anew. What was known holds when the disk does not answer.
  Reading look();
  // The last answer; nullopt before the first.
  std::optional<Reading> last() const;

 private:
  const Ask ask_;
  const std::optional<uint64_t> min_free_;
  mutable std::mutex mutex_;
  std::optional<Reading> last_;  // guarded by mutex_
};

// Asks the file system that a folder is on.
DiskSpace::Ask disk_of(std::string folder);

// For people: "12.0 MiB are free on the disk of the data folder, …".
std::string describe(const DiskSpace::Reading& reading);

}  // namespace tocsin::daemon
