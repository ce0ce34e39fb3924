#include "rules/window.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "rules/grown.h"

namespace tocsin::rules {

namespace {
void write_cell(ByteWriter& to, const Accumulator& cell) {
  to.u64(static_cast<uint64_t>(cell.sum));
  to.u64(static_cast<uint64_t>(cell.sum >> 64));
  to.u64(cell.n);
  to.f64(cell.min);
  to.f64(cell.max);
  to.u32(static_cast<uint32_t>(cell.distinct.size()));
  for (const auto& entry : cell.distinct.entries()) {
    to.u64(entry.hash);
    to.u32(entry.times);
  }
}

void read_cell(ByteReader& from, Accumulator& cell) {
  const uint64_t low = from.u64();
  const uint64_t high = from.u64();
  __extension__ typedef unsigned __int128 uint128;  // NOLINT(modernize-use-using)
  cell.sum = static_cast<int128>(uint128{high} << 64 | low);
  cell.n = from.u64();
  cell.min = from.f64();
  cell.max = from.f64();
  cell.distinct.entries().resize(from.count());
  for (auto& entry : cell.distinct.entries()) {
    entry.hash = from.u64();
    entry.times = from.u32();
  }
}
}  // namespace

size_t PaneStore::at(EventTime start, uint32_t lane, size_t cells) {
  const auto is_before = [&](const Pane& pane) {
    return std::tie(pane.start, pane.lane) < std::tie(start, lane);
  };
  size_t index = panes_.size();
  if (!panes_.empty() && !is_before(panes_.back())) {
    index = static_cast<size_t>(std::partition_point(panes_.begin(), panes_.end(), is_before) -
                                panes_.begin());
    if (panes_[index].start == start && panes_[index].lane == lane) return index;
  }
  Pane fresh;
  fresh.start = start;
  fresh.lane = lane;
  const auto offset = static_cast<std::ptrdiff_t>(index);
  panes_.insert(panes_.begin() + offset, std::move(fresh));
  cells_.insert(cells_.begin() + offset * static_cast<std::ptrdiff_t>(cells), cells, Accumulator());
  return index;
}

size_t PaneStore::first_from(EventTime t) const {
  return static_cast<size_t>(
      std::partition_point(panes_.begin(), panes_.end(),
                           [t](const Pane& pane) { return pane.start < t; }) -
      panes_.begin());
}

void PaneStore::drop_before(EventTime t, size_t cells) {
  const size_t count = first_from(t);
  if (count == 0) return;
  panes_.erase(panes_.begin(), panes_.begin() + static_cast<std::ptrdiff_t>(count));
  cells_.erase(cells_.begin(), cells_.begin() + static_cast<std::ptrdiff_t>(count * cells));
  shrink_if_sparse(panes_);
  shrink_if_sparse(cells_);
}

void PaneStore::drop_evidence_before(EventTime t) {
  for (size_t i = first_from(t); i-- > 0 && !panes_[i].evidence.empty();) {
    std::vector<EvidenceItem>().swap(panes_[i].evidence);
  }
}

void PaneStore::write(ByteWriter& to) const {
  const size_t width = panes_.empty() ? 0 : cells_.size() / panes_.size();
  to.u32(static_cast<uint32_t>(panes_.size()));
  for (size_t i = 0; i < panes_.size(); ++i) {
    const Pane& pane = panes_[i];
    to.time(pane.start);
    to.u32(pane.lane);
    to.u8(static_cast<uint8_t>(pane.tlp));
    to.u64(pane.events);
    to.u32(static_cast<uint32_t>(pane.evidence.size()));
    for (const EvidenceItem& item : pane.evidence) rules::write(to, item);
    for (const Accumulator& cell : cells(i, width)) write_cell(to, cell);
  }
}

void PaneStore::read(ByteReader& from, size_t cells) {
  panes_.resize(from.count());
  cells_.resize(panes_.size() * cells);
  for (size_t i = 0; i < panes_.size(); ++i) {
    Pane& pane = panes_[i];
    pane.start = from.time();
    pane.lane = from.u32();
    pane.tlp = static_cast<Tlp>(from.u8());
    pane.events = from.u64();
    pane.evidence.resize(from.count());
    for (EvidenceItem& item : pane.evidence) item = read_evidence(from);
    for (Accumulator& cell : this->cells(i, cells)) read_cell(from, cell);
  }
}

size_t PaneStore::bytes() const {
  const size_t width = panes_.empty() ? 0 : cells_.size() / panes_.size();
  size_t sum = grown_bytes(panes_) + width * grown_bytes<Accumulator>(panes_.size());
  for (const Pane& pane : panes_) sum += grown_bytes(pane.evidence);
  for (const Accumulator& cell : cells_) sum += grown_bytes(cell.distinct.entries());
  return sum;
}

}  // namespace tocsin::rules
