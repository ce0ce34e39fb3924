#pragma once

#include <string>
#include <vector>

#include "daemon/alert_fields.h"
#include "rules/model/time.h"

namespace tocsin::daemon {

// While tocsin was away.
struct Downtime {
  WallTime from{};
  WallTime to{};
};

// Alerts that were raised and over while tocsin was away, in one message in place of two or more of
// each: nobody can do anything about them, and everybody should know of them.
struct Digest {
  std::string instance;  // which tocsin: the name of its data folder
  std::string sink;
  Downtime downtime;
  std::vector<AlertFields> alerts;  // as they ended, as the sink may read them
};

// As digest/1:
// {"format":"digest/1","instance":…,"sink":…,"from":…,"to":…,"alerts":N,"list":[{"id":…,
// "rule":…,"level":…,"region":…,"title":{"en":…},"starts_at":…,"ends_at":…}, …]}; the list ends
// after kListedInDigest, the highest levels first. What the sink may not read is left out.
inline constexpr size_t kListedInDigest = 100;
std::string write_digest(const Digest& digest);

}  // namespace tocsin::daemon
