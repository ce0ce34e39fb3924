#include "rules/load/budget.h"

#include <fmt/format.h>

#include <algorithm>

#include "rules/load/group_keys.h"

namespace tocsin::rules {

namespace {

constexpr uint64_t kGroupBytes = 256;
constexpr uint64_t kEvidenceBytes = 96;
constexpr uint64_t kPaneBytes = 32;
constexpr uint64_t kDistinctPaneBytes = 64;
constexpr uint64_t kMatchBytes = 64;
constexpr uint64_t kStepBytes = 64;

uint64_t pane_bytes(const Measure& measure) {
  return measure.aggregate == AggregateKind::kDistinct ? kDistinctPaneBytes : kPaneBytes;
}

uint64_t panes(Milliseconds length, const Measure& measure) {
  return static_cast<uint64_t>(length / measure.every);
}

uint64_t detect_bytes(const EventDetect& /*detect*/) { return 0; }
uint64_t detect_bytes(const ThresholdDetect& detect) {
  uint64_t bytes = 0;
  for (const Measure& measure : detect.measures) {
    bytes += panes(measure.window, measure) * pane_bytes(measure);
  }
  return bytes;
}
uint64_t detect_bytes(const SurgeDetect& detect) {
  const Milliseconds length = detect.measure.window * (detect.history + 1) + detect.gap;
  return panes(length, detect.measure) * pane_bytes(detect.measure);
}
uint64_t detect_bytes(const SequenceDetect& detect) {
  return detect.max_open * (kMatchBytes + kStepBytes * detect.steps.size());
}
uint64_t detect_bytes(const AbsenceDetect& /*detect*/) { return kMatchBytes; }

std::string readable(uint64_t bytes) {
  const auto size = static_cast<double>(bytes);
  return bytes < (1U << 20U) ? fmt::format("{:.1f} KiB", size / 1024)
                             : fmt::format("{:.1f} MiB", size / (1U << 20U));
}

}  // namespace

uint64_t bytes_per_group(const Rule& rule) {
  const uint64_t detect = std::visit([](const auto& d) { return detect_bytes(d); }, rule.detect);
  return kGroupBytes + rule.alert.max_evidence * kEvidenceBytes + detect;
}

void check_budget(RuleScope& scope, const Rule& rule) {
  const uint64_t groups =
      std::min(rule.max_groups, possible_groups(scope, rule.by, rule.indicators));
  const uint64_t per_group = bytes_per_group(rule);
  const uint64_t total = groups * per_group;
  if (total <= rule.max_state_bytes) return;
  scope.error("T0366", rule.place,
              fmt::format("the rule may need {}: {} groups of {} bytes, but `limits.state` is {}",
                          readable(total), groups, per_group, readable(rule.max_state_bytes)),
              "lower `limits.groups`, take fewer or longer panes, or raise `limits.state`");
}

}  // namespace tocsin::rules
