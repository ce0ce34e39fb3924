#include "daemon/process_metrics.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace tocsin::daemon {
namespace {

std::string read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Fields of /proc/self/stat after the program's name, which may hold spaces and brackets itself.
std::vector<std::string> stat_fields() {
  const std::string stat = read_file("/proc/self/stat");
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(stat.substr(name_end + 1));
  return {std::istream_iterator<std::string>(rest), {}};
}

// When the machine started, by its clock now. /proc/stat has it too, but is hidden where a service
// sees processes alone (ProcSubset=pid).
double read_boot_time() {
  const auto seconds = [](clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
  };
  return seconds(CLOCK_REALTIME) - seconds(CLOCK_BOOTTIME);
}

// The start of a process does not move when the clock is set or slewed: changes() over it counts
// restarts.
double boot_time_seconds() {
  static const double kSeconds = read_boot_time();
  return kSeconds;
}

uint64_t count_open_fds() {
  std::error_code error;
  uint64_t count = 0;
  for (auto it = std::filesystem::directory_iterator("/proc/self/fd", error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    ++count;
  }
  return count > 0 ? count - 1 : 0;  // less the one that reads the folder
}

}  // namespace

std::optional<ProcessMetrics> read_process_metrics() {
  // Numbers of fields as in proc(5), less the three that come before the list here.
  constexpr size_t kUserTime = 14 - 3, kSystemTime = 15 - 3, kStartTime = 22 - 3,
                   kVirtualBytes = 23 - 3, kResidentPages = 24 - 3;
  const std::vector<std::string> fields = stat_fields();
  if (fields.size() <= kResidentPages) return std::nullopt;
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  ProcessMetrics metrics;
  metrics.cpu_seconds = (std::stod(fields[kUserTime]) + std::stod(fields[kSystemTime])) / ticks;
  metrics.start_time_seconds = boot_time_seconds() + std::stod(fields[kStartTime]) / ticks;
  metrics.virtual_memory_bytes = std::stoull(fields[kVirtualBytes]);
  metrics.resident_memory_bytes =
      std::stoull(fields[kResidentPages]) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  metrics.open_fds = count_open_fds();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) metrics.max_fds = limit.rlim_cur;
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    metrics.virtual_memory_max_bytes = static_cast<double>(limit.rlim_cur);
  }
  return metrics;
}

}  // namespace tocsin::daemon
