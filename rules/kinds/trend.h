#pragma once

#include <string>
#include <vector>

#include "rules/kinds/windowed.h"
#include "rules/statistics.h"

namespace tocsin::rules {

// Kind `trend`: the slope of a series with one value a pane (rules/kinds/README.md).
//
// With fewer than `min_points` values nothing is known: no alert begins, and an open one goes on.
class TrendDetector final : public WindowedDetector {
 public:
  TrendDetector(Surroundings& around, const Rule& rule, RuleIndex index,
                Timeline::ClassId time_class);

 protected:
  Verdict judge(WindowGroup& group, EventTime tick) override;
  const std::vector<Measure>& measures() const override { return measures_; }
  int64_t reach() const override { return measures_.front().panes; }
  EventTime next_change(const WindowGroup& group, EventTime tick) const override;
  std::vector<Measured> measured() const override;
  std::string condition(const WindowGroup& group, bool is_end) override;
  void on_rebind() override;
  bool names_undefined(const cel::Program&) const override { return !is_known(); }

 private:
  const TrendDetect& detect() const { return std::get<TrendDetect>(rule().detect); }
  bool is_known() const { return points_.size() >= detect().min_points; }
  bool is_total() const;
  void take_points(const WindowGroup& group, EventTime tick);

  std::vector<Measure> measures_;  // just the one
  // As judge() found them.
  std::vector<SeriesPoint> points_;
  double slope_ = 0;
  double p_ = 1;
  Accumulator merged_;
  std::vector<double> scratch_;
};

}  // namespace tocsin::rules
