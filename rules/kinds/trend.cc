#include "rules/kinds/trend.h"

#include <fmt/format.h>

#include <bit>

namespace tocsin::rules {

TrendDetector::TrendDetector(Surroundings& around, const Rule& rule, RuleIndex index,
                             Timeline::ClassId time_class)
    : WindowedDetector(around, rule, index, time_class) {
  on_rebind();
}

void TrendDetector::on_rebind() {
  measures_ = {detect().series};
  WindowedDetector::on_rebind();
}

// Nothing that came adds up to 0; it has no mean.
bool TrendDetector::is_total() const {
  const AggregateKind kind = measures_.front().aggregate;
  return kind == AggregateKind::kCount || kind == AggregateKind::kSum ||
         kind == AggregateKind::kDistinct;
}

void TrendDetector::take_points(const WindowGroup& group, EventTime tick) {
  const Measure& series = measures_.front();
  points_.clear();
  EventTime start = grid().step(tick, -reach());
  for (uint32_t i = 0; i < series.panes; ++i) {
    const EventTime end = grid().step(start, 1);
    merged_.clear();
    merge(group, 0, start, end, tick, merged_);
    const auto value = merged_.result(series.aggregate, series.min_n);
    const bool is_defined = merged_.n > 0 || (is_total() && start >= group.first_pane);
    if (value && is_defined) {
      points_.push_back({static_cast<double>(i), *value});
    } else if (detect().hold && !points_.empty()) {
      points_.push_back({static_cast<double>(i), points_.back().y});
    }
    start = end;
  }
}

Verdict TrendDetector::judge(WindowGroup& group, EventTime tick) {
  set_common_at(group, tick);
  take_points(group, tick);
  slope_ = 0;
  p_ = 1;
  for (size_t slot = 0; slot < 4; ++slot) own_variable(slot) = cel::Value();
  own_variable(4) = cel::Value::of_int(static_cast<int64_t>(points_.size()));
  fingerprint_ = points_.size();
  if (!is_known()) return judge_levels(std::nullopt);
  slope_ =
      (detect().least_squares ? least_squares_slope(points_) : theil_sen_slope(points_, scratch_)) *
      detect().panes_per_unit;
  p_ = mann_kendall_p(points_);
  own_variable(0) = cel::Value::of_double(slope_);
  own_variable(1) = cel::Value::of_double(p_);
  own_variable(2) = cel::Value::of_double(points_.front().y);
  own_variable(3) = cel::Value::of_double(points_.back().y);
  fingerprint_ ^= std::bit_cast<uint64_t>(slope_) * 0x9e3779b97f4a7c15ULL;
  const bool is_steep = detect().is_falling ? slope_ <= detect().slope : slope_ >= detect().slope;
  return judge_levels(is_steep && (!detect().p || p_ <= *detect().p));
}

// Values of empty panes move with every tick.
EventTime TrendDetector::next_change(const WindowGroup& group, EventTime tick) const {
  const bool is_moving = (detect().hold || is_total()) && !group.panes.empty();
  return is_moving ? grid().step(tick, 1) : WindowedDetector::next_change(group, tick);
}

std::vector<Measured> TrendDetector::measured() const {
  std::vector<Measured> values = {{"n", static_cast<int64_t>(points_.size())}};
  if (!is_known()) return values;
  values.push_back({"slope", slope_});
  values.push_back({"p", p_});
  values.push_back({"first", points_.front().y});
  values.push_back({"last", points_.back().y});
  return values;
}

std::string TrendDetector::condition(const WindowGroup& group, bool is_end) {
  if (!is_known()) {
    return fmt::format("{} values, fewer than {}", points_.size(), detect().min_points);
  }
  std::string text = fmt::format(
      "slope {:.4g} a {} ({} {:g}), p {:.3g}{}; from {:g} to {:g} over {} values", slope_,
      format_span(detect().unit), detect().is_falling ? "<=" : ">=", detect().slope, p_,
      detect().p ? fmt::format(" (<= {:g})", *detect().p) : "", points_.front().y, points_.back().y,
      points_.size());
  return text + level_condition(group, is_end);
}

}  // namespace tocsin::rules
