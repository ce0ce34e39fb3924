#pragma once

#include <string>
#include <vector>

#include "rules/kinds/over_alerts.h"

namespace tocsin::rules {

// Kind `layers`: alerts of several drivers over one place (rules/kinds/README.md).
class LayersDetector final : public OverAlertsDetector {
 public:
  LayersDetector(Surroundings& around, const Rule& rule, RuleIndex index,
                 Timeline::ClassId time_class);

  void on_alert(const BoardEntry& entry, EventTime at) override;

 protected:
  const AlertSelect& alerts() const override { return detect().alerts; }
  Verdict judge(PlaceGroup& group, EventTime tick) override;
  Finding find_at(PlaceGroup& group, EventTime tick, bool is_end) override;
  void on_rebind() override { grid_ = PaneGrid(detect().every, rule().zone); }

 private:
  // A stretch of time in which an alert of a layer counts.
  struct Layer : Counted {
    std::string key;
    double weight = 1;
  };

  const LayersDetect& detect() const { return std::get<LayersDetect>(rule().detect); }
  // How much an alert of that place counts for the group's; 0: not at all.
  double weight_of(RegionId region, RegionId place) const;
  void take_layers(const PlaceGroup& group, EventTime tick);
  double distinct_in_all() const;
  double distinct_together(Milliseconds overlap) const;

  // As judge() found them.
  std::vector<Layer> layers_;
  std::vector<std::string> keys_;
  double distinct_ = 0;
};

}  // namespace tocsin::rules
