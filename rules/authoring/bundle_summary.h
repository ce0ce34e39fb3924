#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "rules/load/budget.h"
#include "rules/rule.h"

namespace tocsin::rules {

struct BundleSummary {
  std::map<RuleStatus, size_t> by_status;
  std::map<Driver, size_t> by_driver;
  uint64_t state_bytes = 0;         // of all rules together
  std::vector<RuleCost> dearest;    // most bytes first, at most kDearest
  std::vector<std::string> unread;  // indicators that no rule looks at, arms itself with or reads
};

inline constexpr size_t kDearest = 3;

BundleSummary summarize(const Bundle& bundle);

}  // namespace tocsin::rules
