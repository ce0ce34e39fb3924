#pragma once

#include <array>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "rules/kinds/ticked.h"
#include "rules/signal_store.h"
#include "rules/window.h"

namespace tocsin::rules {

// Values that fade, added up, as of a tick.
struct FadingSum {
  std::array<double, 5> by_tlp = {};  // each pane in that of its most restricted event
  // The weightiest; `value` is log2 of the event's value plus its time in half-lives, which orders
  // them at any time.
  std::vector<EvidenceItem> evidence;

  double sum() const { return std::accumulate(by_tlp.begin(), by_tlp.end(), 0.0); }
  // Of the most restricted events that still make out `least`.
  Tlp marking(double least) const;
};

struct IndexGroup : Group {
  PaneStore panes;                      // from `summed_to` on; lane: part + 1
  std::vector<FadingSum> sums;          // by part; empty sums for signals
  EventTime summed_to = kMinEventTime;  // a tick
  uint64_t events = 0;
};

// Kind `index`: parts scaled to 0..1 and weighed into 0..100, with relief by what protects
// (rules/kinds/README.md has the formulas).
//
// A group begins with the first event of a part, or of a part's signal, that is told at its level;
// it ends when all has faded and no signal has a value. Sums are kept per tick and moved on by
// one factor; what comes within a tick adds up exactly, so the order of arrival does not matter.
class IndexDetector final : public TickedDetector<IndexGroup> {
 public:
  IndexDetector(Surroundings& around, const Rule& rule, RuleIndex index,
                Timeline::ClassId time_class);

  void on_event(const Event& event, JournalSeq seq) override;

 protected:
  Verdict judge(IndexGroup& group, EventTime tick) override;
  Finding find_at(IndexGroup& group, EventTime tick, bool is_end) override;
  void on_due(IndexGroup& group, EventTime tick) override;
  void on_rebind() override;
  void write_group(ByteWriter& to, const IndexGroup& group) override;
  void read_group(ByteReader& from, IndexGroup& group) override;
  size_t bytes_of(const IndexGroup& group) const override;
  bool names_undefined(const cel::Program&) const override { return !is_known_; }

 private:
  // A part as judge() found it.
  struct Found {
    std::optional<SignalValue> signal;
    std::optional<double> scaled;
    double points = 0;  // of the index before relief; of protective parts 0
  };

  const IndexDetect& detect() const { return std::get<IndexDetect>(rule().detect); }
  std::optional<double> value_of(const IndexPart& part, const Event& event);
  void add_value(IndexGroup& group, size_t part, double value, const Event& event, JournalSeq seq);
  void take_up_to(IndexGroup& group, EventTime tick);
  void find_parts(IndexGroup& group, EventTime tick);
  void combine_parts();
  double combined(double weighted, double weights) const;
  void set_variables();
  bool has_faded(const IndexGroup& group) const;
  std::vector<size_t> by_points() const;
  void add_evidence(IndexGroup& group, Finding& finding);

  // As judge() found them.
  std::vector<Found> found_;
  double index_ = 0;
  double risk_ = 0;
  double relief_ = 0;  // points
  double coverage_ = 0;
  bool is_known_ = false;
};

}  // namespace tocsin::rules
