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

void check_all_used(RuleScope& scope, const yaml::Node& detect,
                    const std::vector<Measure>& measures) {
  std::string texts = text_at(detect, "when").value_or("");
  const auto add_all = [&](const auto& self, const yaml::Node& node) -> void {
    texts += '\n' + node.scalar;
    for (const yaml::Node& item : node.items) self(self, item);
    for (const yaml::Node::Entry& entry : node.entries) self(self, entry.value);
  };
  for (const char* key : {"levels", "annotations", "title"}) {
    if (const yaml::Node* node = scope.node().find(key)) add_all(add_all, *node);
  }
  for (const Measure& measure : measures) {
    if (texts.find(measure.name) != std::string::npos) continue;
    const yaml::Node& node = *detect.find("measures");
    for (const yaml::Node::Entry& entry : node.entries) {
      if (entry.key != measure.name) continue;
      scope.warning("T0353", entry.key_place, "nothing uses the measure `" + measure.name + "`");
    }
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
  check_all_used(scope, detect, compiled);

  Detect result = ThresholdDetect{std::move(compiled), always_true()};
  auto program = scope.predicate(*when, "`when`", scope.variable_environment(result));
  if (!program) return std::nullopt;
  std::get<ThresholdDetect>(result).when = *program;
  return result;
}

}  // namespace tocsin::rules
