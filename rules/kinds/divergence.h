#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rules/kinds/ticked.h"
#include "rules/signal_store.h"
#include "rules/statistics.h"

namespace tocsin::rules {

struct DivergenceGroup : Group {};

// Kind `divergence`: what should go up goes up while what should not does as well: the changes of
// several signals over a window, in units of their own noise (rules/kinds/README.md).
//
// A group begins with the first figure of a signal at its level and ends when none is left in the
// window.
class DivergenceDetector final : public TickedDetector<DivergenceGroup> {
 public:
  DivergenceDetector(Surroundings& around, const Rule& rule, RuleIndex index,
                     Timeline::ClassId time_class);

  void on_event(const Event& event, JournalSeq seq) override;

 protected:
  Verdict judge(DivergenceGroup& group, EventTime tick) override;
  Finding find_at(DivergenceGroup& group, EventTime tick, bool is_end) override;
  void on_due(DivergenceGroup& group, EventTime tick) override;
  void on_rebind() override;
  void write_group(ByteWriter&, const DivergenceGroup&) override {}
  void read_group(ByteReader&, DivergenceGroup&) override {}
  size_t bytes_of(const DivergenceGroup&) const override { return 0; }
  bool names_undefined(const cel::Program&) const override { return !is_known_; }

 private:
  const DivergenceDetect& detect() const { return std::get<DivergenceDetect>(rule().detect); }
  std::optional<double> change_of(const DivergencePart& part, DivergenceGroup& group,
                                  EventTime tick);
  // Weighted mean of a side; nullopt when too little of it has data.
  std::optional<double> side(bool is_better);
  void set_variables();

  // As judge() found them.
  std::vector<std::optional<double>> changes_;  // by part
  double better_ = 0;
  double worse_ = 0;
  double coverage_ = 0;  // of the side that has less
  bool is_known_ = false;
  bool has_data_ = false;
  std::vector<SeriesPoint> points_;
  std::vector<double> scratch_;
};

}  // namespace tocsin::rules
