#pragma once

#include <string>
#include <vector>

#include "rules/kinds/windowed.h"
#include "rules/statistics.h"

namespace tocsin::rules {

// Kind `surge`: the current window against the group's own past windows (rules/kinds/README.md).
//
// The baseline are `history` windows of the measure's length that end at the start of `gap` panes
// before the current window. Windows that begin before the group's first event do not count, later
// empty ones count as 0.
class SurgeDetector final : public WindowedDetector {
 public:
  SurgeDetector(Surroundings& around, const Rule& rule, RuleIndex index,
                Timeline::ClassId time_class);

 protected:
  Verdict judge(WindowGroup& group, EventTime tick) override;
  const std::vector<Measure>& measures() const override { return measures_; }
  int64_t reach() const override { return reach_; }
  uint32_t lane_of(SourceId source) const override;
  bool counts_lane(uint32_t lane, EventTime tick) const override;
  EventTime next_change(const WindowGroup& group, EventTime tick) const override;
  Tlp marking_before(const WindowGroup& group, EventTime tick) const override;
  std::vector<Measured> measured() const override;
  std::string condition(const WindowGroup& group, bool is_end) override;
  void on_rebind() override;
  bool is_warming(const WindowGroup* group) override;
  void on_remove(WindowGroup& group) override {
    WindowedDetector::on_remove(group);
    set_warming(group, false);
  }
  void read_group(ByteReader& from, WindowGroup& group) override;

 private:
  const SurgeDetect& detect() const { return std::get<SurgeDetect>(rule().detect); }
  void take_baseline(const WindowGroup& group, EventTime tick);
  bool is_unusual() const;
  void set_variables();
  void set_warming(WindowGroup& group, bool is_warming);

  std::vector<Measure> measures_;  // just the one
  int64_t reach_ = 0;
  int64_t window_panes_ = 0;
  double k_ = 0;
  double score_ = 0;
  double surprise_ = 0;
  double ratio_ = 0;
  Baseline baseline_;
  Accumulator merged_;
  std::vector<double> past_;
  std::vector<double> scratch_;
};

}  // namespace tocsin::rules
