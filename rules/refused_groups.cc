#include "rules/refused_groups.h"

#include <algorithm>
#include <cmath>

#include "rules/grown.h"
#include "rules/model/utf8.h"

namespace tocsin::rules {

namespace {

// Keys may be texts of some KiB.
constexpr size_t kMostNameBytes = 96;

std::string cut(std::string name) {
  if (name.size() <= kMostNameBytes) return name;
  return std::string(utf8_prefix(name, kMostNameBytes)) + "…";
}

bool is_below(const RefusedGroups::Sample& one, Hash128 group) { return one.group < group; }

}  // namespace

bool RefusedGroups::is_new_in_sample(Hash128 group) const {
  if (sample_.size() == kSampled && sample_.back().group < group) return false;
  const auto place = std::lower_bound(sample_.begin(), sample_.end(), group, is_below);
  return place == sample_.end() || place->group != group;
}

void RefusedGroups::add(Hash128 group, const Event* event, JournalSeq seq, std::string name) {
  ++events_;
  distinct_.add(group);
  if (event != nullptr) tlp_ = std::max(tlp_, event->tlp);
  const bool is_full = sample_.size() == kSampled;
  if (is_full && sample_.back().group < group) return;
  const EvidenceItem item = event == nullptr ? EvidenceItem{} : evidence_item(*event, seq);
  const auto place = std::lower_bound(sample_.begin(), sample_.end(), group, is_below);
  if (place != sample_.end() && place->group == group) {
    if (event != nullptr && is_better(item, place->event)) place->event = item;
    return;
  }
  sample_.insert(place, {.group = group, .name = cut(std::move(name)), .event = item});
  if (is_full) sample_.pop_back();
}

void RefusedGroups::clear() {
  events_ = 0;
  tlp_ = Tlp::kClear;
  distinct_.clear();
  sample_.clear();
}

uint64_t RefusedGroups::groups() const {
  if (sample_.size() < kSampled) return sample_.size();
  return std::max<uint64_t>(kSampled, static_cast<uint64_t>(std::llround(distinct_.estimate())));
}

size_t RefusedGroups::bytes() const {
  size_t sum = distinct_.bytes() + grown_bytes(sample_);
  for (const Sample& one : sample_) sum += one.name.size();
  return sum;
}

void RefusedGroups::write(ByteWriter& to) const {
  to.u64(events_);
  to.u8(static_cast<uint8_t>(tlp_));
  distinct_.write(to);
  to.u32(static_cast<uint32_t>(sample_.size()));
  for (const Sample& one : sample_) {
    to.hash(one.group);
    to.text(one.name);
    rules::write(to, one.event);
  }
}

void RefusedGroups::read(ByteReader& from) {
  events_ = from.u64();
  tlp_ = static_cast<Tlp>(from.u8());
  distinct_.read(from);
  sample_.resize(from.count());
  for (Sample& one : sample_) {
    one.group = from.hash();
    one.name = from.text();
    one.event = read_evidence(from);
  }
}

}  // namespace tocsin::rules
