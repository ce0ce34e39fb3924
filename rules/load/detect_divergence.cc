#include <algorithm>

#include "rules/load/detect.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

constexpr int64_t kMostPanes = 500;  // pairs of points are compared with each other at each tick

bool read_side(RuleScope& scope, const yaml::Node& side, bool is_better, Milliseconds back,
               std::vector<DivergencePart>& parts) {
  bool good = true;
  for (const yaml::Node& node : side.items) {
    const yaml::Node* signal = node.find("signal");
    if (signal == nullptr || !signal->is_scalar()) return false;  // told by the shape
    DivergencePart part;
    part.name = signal->scalar;
    part.is_better = is_better;
    part.is_falling = text_at(node, "direction").value_or("up") == "down";
    part.weight = number_at(node, "weight").value_or(1);
    if (part.weight <= 0 || part.weight > 1e6) {
      scope.error("T0379", node.find("weight")->place, "`weight` must be above 0");
      good = false;
    }
    part.noise = number_at(node, "noise").value_or(0);
    if (part.noise < 0) {
      scope.error("T0379", node.find("noise")->place, "`noise` cannot be below 0",
                  "how far a figure steps without that it means anything");
      good = false;
    }
    const bool is_twice = std::any_of(parts.begin(), parts.end(), [&](const DivergencePart& known) {
      return known.name == part.name;
    });
    if (is_twice) {
      scope.error("T0379", signal->place, "`" + part.name + "` is there twice",
                  "a series belongs to one side; `weight` makes it count more");
      good = false;
    }
    SignalUse use;
    use.name = part.name;
    use.back = back;
    const auto at = scope.use_signal(std::move(use), signal->place);
    good = good && at.has_value();
    part.signal = at.value_or(0);
    parts.push_back(std::move(part));
  }
  return good;
}

}  // namespace

std::optional<Detect> compile_divergence(RuleScope& scope, const yaml::Node& detect) {
  const yaml::Node* better = detect.find("better");
  const yaml::Node* worse = detect.find("worse");
  const yaml::Node* when = detect.find("when");
  const auto window = span_at(detect, "window");
  const auto pane = span_at(detect, "pane");
  if (better == nullptr || worse == nullptr || when == nullptr || !window || !pane) {
    return std::nullopt;
  }
  DivergenceDetect divergence{.pane = *pane,
                              .panes = 1,
                              .min_points = 4,
                              .parts = {},
                              .coverage = number_at(detect, "coverage").value_or(0),
                              .when = always_true()};
  const auto panes = pane->is_zero() ? std::nullopt : panes_in(*window, *pane);
  if (panes && (*panes < 3 || *panes > kMostPanes)) {
    scope.error("T0379", detect.find("window")->place,
                "`window` has " + std::to_string(*panes) + " panes; 3 to 500 make a line");
    return std::nullopt;
  }
  if (!panes) {
    scope.error("T0379", detect.find("window")->place, "`window` is not a multiple of `pane`",
                "both in months (24mo and 1q), or both exact (52w and 4w)");
    return std::nullopt;
  }
  divergence.panes = static_cast<uint32_t>(*panes);
  divergence.min_points =
      static_cast<uint32_t>(int_at(detect, "min_points").value_or(divergence.min_points));
  if (divergence.min_points > divergence.panes) {
    const yaml::Node* node = detect.find("min_points");
    scope.error("T0379", node != nullptr ? node->place : detect.place,
                "`min_points` (" + std::to_string(divergence.min_points) + ") is more than the " +
                    std::to_string(divergence.panes) +
                    " panes of the window: the rule could never fire");
    return std::nullopt;
  }
  if (divergence.coverage < 0 || divergence.coverage > 1) {
    scope.error("T0379", detect.find("coverage")->place, "`coverage` is a share, from 0 to 1");
    return std::nullopt;
  }
  const Milliseconds back = longest(*window) + longest(*pane);
  const bool good_better = read_side(scope, *better, true, back, divergence.parts);
  const bool good_worse = read_side(scope, *worse, false, back, divergence.parts);
  if (!good_better || !good_worse) return std::nullopt;
  auto condition = scope.predicate(*when, "`when`", scope.variable_environment(divergence));
  if (!condition) return std::nullopt;
  divergence.when = std::move(*condition);
  return divergence;
}

}  // namespace tocsin::rules
