#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rules/kinds/windowed.h"

namespace tocsin::rules {

// Kind `threshold`: numbers over sliding windows against conditions (rules/kinds/README.md).
class ThresholdDetector final : public WindowedDetector {
 public:
  ThresholdDetector(Surroundings& around, const Rule& rule, RuleIndex index,
                    Timeline::ClassId time_class);

 protected:
  Verdict judge(WindowGroup& group, EventTime tick) override;
  const std::vector<Measure>& measures() const override { return detect().measures; }
  int64_t reach() const override { return reach_; }
  EventTime counts_from() const override { return armed_from(); }
  std::vector<Measured> measured() const override;
  std::string condition(const WindowGroup& group, bool is_end) override;
  void on_rebind() override;
  bool names_undefined(const cel::Program& program) const override;

 private:
  const ThresholdDetect& detect() const { return std::get<ThresholdDetect>(rule().detect); }

  int64_t reach_ = 0;
  std::vector<std::optional<double>> numbers_;  // by measure, as judge() found them
  std::vector<Accumulator> merged_;
};

}  // namespace tocsin::rules
