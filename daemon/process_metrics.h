#pragma once

#include <cstdint>
#include <optional>

namespace tocsin::daemon {

// What Prometheus' client libraries tell of the process itself, read from /proc.
struct ProcessMetrics {
  double cpu_seconds = 0;
  uint64_t open_fds = 0;
  uint64_t max_fds = 0;
  uint64_t virtual_memory_bytes = 0;
  double virtual_memory_max_bytes = -1;  // -1: without limit
  uint64_t resident_memory_bytes = 0;
  double start_time_seconds = 0;  // since the epoch
};

// nullopt where /proc cannot be read.
std::optional<ProcessMetrics> read_process_metrics();

}  // namespace tocsin::daemon
