#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "rules/aggregate.h"
#include "rules/evidence.h"
#include "rules/model/time.h"

namespace tocsin::rules {

// One pane of one group (rules/pane_grid.h), or the part of it that one source told (`lane`).
struct Pane {
  EventTime start{};
  uint32_t lane = 0;  // 0: all; else source id + 1
  Tlp tlp = Tlp::kClear;
  uint64_t events = 0;
  std::vector<EvidenceItem> evidence;  // the best few, best first
};

// The panes of a group that hold anything, in contiguous memory, oldest first.
//
// Only panes with events exist: a rule that looks back a year over a quiet district costs what its
// events cost.
// Thread-safety: one thread at a time.
class PaneStore {
 public:
  // The pane, made when it is not there. The index holds until the next call of at() or drop().
  size_t at(EventTime start, uint32_t lane, size_t cells);
  Pane& pane(size_t index) { return panes_[index]; }
  std::span<Accumulator> cells(size_t index, size_t width) {
    return {cells_.data() + index * width, width};
  }
  std::span<const Accumulator> cells(size_t index, size_t width) const {
    return {cells_.data() + index * width, width};
  }
  std::span<const Pane> panes() const { return panes_; }
  bool empty() const { return panes_.empty(); }

  // Index of the first pane that starts at or after `t`.
  size_t first_from(EventTime t) const;
  // Drops the panes that start before `t`.
  void drop_before(EventTime t, size_t cells);
  // Drops the evidence of panes that start before `t`.
  void drop_evidence_before(EventTime t);

  void write(ByteWriter& to) const;
  void read(ByteReader& from, size_t cells);
  size_t bytes() const;

 private:
  std::vector<Pane> panes_;         // by (start, lane)
  std::vector<Accumulator> cells_;  // `cells` a pane
};

}  // namespace tocsin::rules
