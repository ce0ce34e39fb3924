#include <algorithm>

#include "rules/load/detect.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

// Measures of a rule are evaluated together, so they share their ticks.
void check_ticks(RuleScope& scope, const yaml::Node& measures,
                 const std::vector<Measure>& compiled) {
  for (const Measure& measure : compiled) {
    if (measure.every == compiled.front().every) continue;
    scope.error("T0352", measures.find(measure.name)->find("every")->place,
                "all measures of a rule need the same `every`",
                "`" + compiled.front().name + "` has another one");
  }
}

}  // namespace

std::optional<Detect> compile_threshold(RuleScope& scope, const yaml::Node& detect) {
  const yaml::Node* measures = detect.find("measures");
  const yaml::Node* when = detect.find("when");
  if (measures == nullptr || when == nullptr) return std::nullopt;
  bool good = true;
  std::vector<Measure> compiled;
  for (const auto& entry : measures->entries) {
    if (is_reserved_name(entry.key)) {
      scope.error("T0354", entry.key_place, "a measure cannot be called `" + entry.key + "`",
                  "expressions use that word already");
      good = false;
      continue;
    }
    auto measure = compile_measure(scope, entry.value, entry.key);
    good = good && measure.has_value();
    if (measure) compiled.push_back(std::move(*measure));
  }
  if (!good || compiled.empty()) return std::nullopt;
  std::sort(compiled.begin(), compiled.end(),
            [](const Measure& a, const Measure& b) { return a.name < b.name; });
  check_ticks(scope, *measures, compiled);

  Detect result = ThresholdDetect{std::move(compiled), always_true()};
  auto program = scope.predicate(*when, "`when`", scope.variable_environment(result));
  if (!program) return std::nullopt;
  std::get<ThresholdDetect>(result).when = *program;
  return result;
}

}  // namespace tocsin::rules
