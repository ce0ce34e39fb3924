#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/disk_space.h"
#include "daemon/open_alerts.h"
#include "daemon/pipeline_loop.h"
#include "ingest/event_source.h"
#include "rules/model/time.h"
#include "storage/store.h"

// The daemon as of a moment: what `tocsin status`, `/v1/status` and a scrape of `/metrics` tell.
// Values only; whoever made one may keep it.
namespace tocsin::daemon {

struct InputStatus {
  std::string name;
  std::string type;  // "file", "kafka"
  ingest::SourceHealth health;
};

struct SinkStatus {
  std::string name;
  uint64_t depth = 0;              // entries that wait
  std::optional<WallTime> oldest;  // commit of the first that waits
  uint32_t failures = 0;           // attempts that failed in a row
  std::string problem;             // of the last failed attempt; empty when it went well
};

struct ReloadStatus {
  bool successful = true;  // of the last attempt; the start counts as one
  WallTime last_success{};
  std::vector<std::string> diagnostics;  // of the last attempt, as `tocsin check` words them
};

// Why no input may be taken; labels of tocsin_intake_paused.
inline constexpr std::array kPauseReasons{"disk", "store"};

struct DaemonStatus {
  std::string version;
  WallTime started{};
  WallTime now{};
  std::vector<std::string> missing;                  // what it still waits for; empty: ready
  std::shared_ptr<const PipelineSnapshot> pipeline;  // nullptr before the pipeline runs
  size_t queue_bytes = 0;
  size_t queue_capacity_bytes = 0;
  std::string paused_by;                   // of kPauseReasons; empty: input is taken
  std::optional<DiskSpace::Reading> disk;  // nullopt before it was asked
  std::vector<InputStatus> inputs;
  std::vector<std::string> awaited_sources;  // that inputs are configured for, seen yet or not
  std::vector<SinkStatus> sinks;
  ReloadStatus reload;
  std::optional<storage::StoreStatistics> store;  // nullopt while it is not open
  uint64_t store_reopened = 0;                    // after failures, since the start
  std::shared_ptr<const OpenAlerts> alerts;       // nullptr when the store could not be read
};

// Sources that an input is configured for and that have sent nothing yet, sorted. `pipeline` must
// be there.
std::vector<std::string> never_seen(const DaemonStatus& status);

// The answer of `/v1/status`: one JSON object.
std::string write_status(const DaemonStatus& status);

}  // namespace tocsin::daemon
