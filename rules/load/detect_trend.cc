#include <algorithm>

#include "rules/load/detect.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

constexpr uint32_t kMostPoints = 1000;  // pairs are compared with each other at each tick

// How many panes a unit of time has; nullopt when one is in months and the other exact.
std::optional<double> panes_per(Span unit, Span pane) {
  if (unit.is_zero() || pane.is_zero() || unit.is_calendar() != pane.is_calendar()) {
    return std::nullopt;
  }
  if (unit.is_calendar()) return static_cast<double>(unit.months) / pane.months;
  return static_cast<double>(unit.exact.count()) / static_cast<double>(pane.exact.count());
}

bool read_slope(RuleScope& scope, const yaml::Node& node, TrendDetect& trend) {
  const yaml::Node* at_most = node.find("at_most");
  const yaml::Node* at_least = node.find("at_least");
  if ((at_most == nullptr) == (at_least == nullptr)) {
    scope.error("T0359", node.place,
                at_most == nullptr ? "`slope` lacks the slope to reach"
                                   : "`slope` has both `at_most` and `at_least`",
                "`at_most: -0.8` for what falls, `at_least: 0.8` for what rises");
    return false;
  }
  trend.is_falling = at_most != nullptr;
  const auto slope = number_at(node, trend.is_falling ? "at_most" : "at_least");
  if (!slope) return false;
  trend.slope = *slope;
  if (trend.is_falling ? trend.slope > 0 : trend.slope < 0) {
    scope.error("T0359", (trend.is_falling ? at_most : at_least)->place,
                trend.is_falling ? "`at_most` above 0 takes what rises for falling"
                                 : "`at_least` below 0 takes what falls for rising",
                trend.is_falling ? "write `at_least`, or a slope below 0"
                                 : "write `at_most`, or a slope above 0");
    return false;
  }
  trend.unit = span_at(node, "per").value_or(trend.series.every);
  const auto panes = panes_per(trend.unit, trend.series.every);
  if (!panes) {
    scope.error("T0359", node.find("per")->place, "`per` does not fit to the panes of the series",
                "both in months (1mo, 1q, 1y), or both exact (1d, 4w)");
    return false;
  }
  trend.panes_per_unit = *panes;
  return true;
}

}  // namespace

std::optional<Detect> compile_trend(RuleScope& scope, const yaml::Node& detect) {
  const yaml::Node* series = detect.find("series");
  const yaml::Node* slope = detect.find("slope");
  if (series == nullptr || slope == nullptr) return std::nullopt;
  TrendDetect trend;
  trend.series.name = "series";
  trend.series.every = span_at(*series, "pane").value_or(Span{});
  const auto points = int_at(*series, "points");
  if (!compile_value(scope, *series, trend.series) || trend.series.every.is_zero() || !points) {
    return std::nullopt;
  }
  trend.series.panes = static_cast<uint32_t>(std::clamp<int64_t>(*points, 2, kMostPoints));
  if (!slope->is_mapping() || !read_slope(scope, *slope, trend)) return std::nullopt;
  trend.least_squares = text_at(detect, "estimator").value_or("") == "ols";
  trend.hold = text_at(detect, "missing").value_or("") == "hold";
  trend.min_points = static_cast<uint32_t>(int_at(detect, "min_points").value_or(trend.min_points));
  if (trend.min_points > trend.series.panes) {
    const yaml::Node* node = detect.find("min_points");
    scope.error("T0359", node != nullptr ? node->place : series->place,
                "`min_points` (" + std::to_string(trend.min_points) + ") is more than `points` (" +
                    std::to_string(trend.series.panes) + "): the rule could never fire");
    return std::nullopt;
  }
  if (const yaml::Node* significance = detect.find("significance")) {
    trend.p = number_at(*significance, "p").value_or(0.05);
    if (!(*trend.p > 0 && *trend.p < 1)) {
      scope.error("T0359", significance->find("p")->place, "`p` is a probability: above 0, below 1",
                  "`p: 0.05`");
      return std::nullopt;
    }
  }
  return trend;
}

}  // namespace tocsin::rules
