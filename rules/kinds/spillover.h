#pragma once

#include <string>
#include <vector>

#include "rules/kinds/over_alerts.h"

namespace tocsin::rules {

// Kind `spillover`: what happens next door, by the border graph (rules/kinds/README.md).
class SpilloverDetector final : public OverAlertsDetector {
 public:
  SpilloverDetector(Surroundings& around, const Rule& rule, RuleIndex index,
                    Timeline::ClassId time_class);

  void on_alert(const BoardEntry& entry, EventTime at) override;

 protected:
  const AlertSelect& alerts() const override { return detect().alerts; }
  Verdict judge(PlaceGroup& group, EventTime tick) override;
  Finding find_at(PlaceGroup& group, EventTime tick, bool is_end) override;
  void set_words(std::string_view language) override;
  void on_rebind() override { grid_ = PaneGrid(detect().every, rule().zone); }

 private:
  struct Neighbour {
    RegionId country{};
    uint32_t hops = 0;
  };

  const SpilloverDetect& detect() const { return std::get<SpilloverDetect>(rule().detect); }
  std::string pressing_ids() const;
  // Countries within reach, nearest first.
  void take_neighbours(RegionId country);
  // The highest score of the neighbour's alerts; 0 when there is none.
  double score_of(const Neighbour& neighbour, EventTime tick);

  std::vector<Neighbour> neighbours_;
  // As judge() found them.
  std::vector<Counted> counted_;
  std::vector<RegionId> pressing_;  // hardest first
  double pressure_ = 0;
};

}  // namespace tocsin::rules
