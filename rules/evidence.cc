#include "rules/evidence.h"

#include <algorithm>
#include <tuple>

#include "rules/model/hash.h"

namespace tocsin::rules {

EvidenceItem evidence_item(const Event& event, JournalSeq seq) {
  return {.value = event.has_value() ? event.value : 0.0,
          .time = event.time,
          .id_hash = hash128(event.id).low,
          .seq = seq,
          .source = event.source,
          .tlp = event.tlp};
}

void EvidenceList::add(JournalSeq seq, std::string role, Tlp tlp) {
  refs_.push_back({seq, std::move(role)});
  tlp_ = std::max(tlp_, tlp);
}

bool is_better(const EvidenceItem& a, const EvidenceItem& b) {
  if (a.value != b.value) return a.value > b.value;
  return std::tie(a.time, a.source, a.id_hash) < std::tie(b.time, b.source, b.id_hash);
}

void keep_best(std::vector<EvidenceItem>& items, const EvidenceItem& item, size_t most) {
  if (most == 0) return;
  if (items.size() == most && !is_better(item, items.back())) return;
  if (items.size() == most) items.pop_back();
  items.insert(std::upper_bound(items.begin(), items.end(), item, is_better), item);
}

size_t evidence_per_pane(size_t most, size_t panes) {
  constexpr size_t kPanesWithAll = 32;
  constexpr size_t kLeast = 4;
  if (panes <= kPanesWithAll) return most;
  return std::min(most, std::max(kLeast, most * kPanesWithAll / panes));
}

EvidenceList references(std::span<const EvidenceItem> items, const std::string& role) {
  EvidenceList list;
  for (const EvidenceItem& item : items) list.add(item.seq, role, item.tlp);
  return list;
}

void write(ByteWriter& to, const EvidenceItem& item) {
  to.f64(item.value);
  to.time(item.time);
  to.u64(item.id_hash);
  to.u64(item.seq);
  to.u16(static_cast<uint16_t>(item.source));
  to.u8(static_cast<uint8_t>(item.tlp));
}

EvidenceItem read_evidence(ByteReader& from) {
  EvidenceItem item;
  item.value = from.f64();
  item.time = from.time();
  item.id_hash = from.u64();
  item.seq = from.u64();
  item.source = static_cast<SourceId>(from.u16());
  item.tlp = static_cast<Tlp>(from.u8());
  return item;
}

}  // namespace tocsin::rules
