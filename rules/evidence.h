#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "rules/model/alert.h"
#include "rules/model/event.h"
#include "rules/state_codec.h"

namespace tocsin::rules {

// An event that counts, as short as it can be told.
struct EvidenceItem {
  double value = 0;
  EventTime time{};
  uint64_t id_hash = 0;
  JournalSeq seq = 0;
  SourceId source{};  // ids follow the sorted names
  Tlp tlp = Tlp::kClear;
};

// The events that an alert names, and how restricted they make it: nothing is named without.
class EvidenceList {
 public:
  void add(JournalSeq seq, std::string role, Tlp tlp);
  size_t size() const { return refs_.size(); }
  Tlp tlp() const { return tlp_; }
  std::vector<EvidenceRef> take() { return std::move(refs_); }

 private:
  std::vector<EvidenceRef> refs_;
  Tlp tlp_ = Tlp::kClear;
};

EvidenceItem evidence_item(const Event& event, JournalSeq seq);

// Greatest value first, then earliest, then source and id: total, so that the best N of a set do
// not depend on the order in which it was met.
bool is_better(const EvidenceItem& a, const EvidenceItem& b);

// Keeps the best `most` items, best first.
void keep_best(std::vector<EvidenceItem>& items, const EvidenceItem& item, size_t most);

// How many of `most` items each pane of a window keeps: wide windows keep less of a pane, since the
// best of a window rarely lie in one.
size_t evidence_per_pane(size_t most, size_t panes);

EvidenceList references(std::span<const EvidenceItem> items, const std::string& role);

void write(ByteWriter& to, const EvidenceItem& item);
EvidenceItem read_evidence(ByteReader& from);

}  // namespace tocsin::rules
