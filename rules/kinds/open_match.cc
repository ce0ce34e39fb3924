#include "rules/kinds/open_match.h"

#include <algorithm>

namespace tocsin::rules {

bool SequencePlan::is_bound(const OpenMatch& match, uint32_t index) const {
  return std::any_of(match.bound.begin(), match.bound.end(),
                     [index](const BoundStep& b) { return b.step == index; });
}

bool SequencePlan::has_all_needed(const OpenMatch& match) const {
  for (uint32_t i = 0; i < count(); ++i) {
    if (!step(i).optional && !is_bound(match, i)) return false;
  }
  return true;
}

void SequencePlan::candidates(const OpenMatch& match, EventTime t,
                              std::vector<uint32_t>& steps) const {
  steps.clear();
  const bool is_new = match.bound.empty();
  if (!detect_->strict_order) {
    for (uint32_t i = 0; i < count(); ++i) {
      const bool in_time =
          is_new || step(i).within.is_zero() || t <= add(match.last, step(i).within);
      if (!is_bound(match, i) && in_time) steps.push_back(i);
    }
    return;
  }
  for (uint32_t i = match.next; i < count() && !step(i).negated; ++i) {
    const bool in_time = is_new || step(i).within.is_zero() || t <= add(match.last, step(i).within);
    if (in_time) steps.push_back(i);
    if (!step(i).optional) return;
  }
}

std::optional<uint32_t> SequencePlan::waiting(const OpenMatch& match) const {
  if (!detect_->strict_order) return std::nullopt;
  for (uint32_t i = match.next; i < count(); ++i) {
    if (step(i).negated) return i;
    if (!step(i).optional) break;
  }
  return std::nullopt;
}

EventTime SequencePlan::wait_end(const OpenMatch& match) const {
  const auto waits = waiting(match);
  return waits ? add(match.last, step(*waits).wait) : kNever;
}

EventTime SequencePlan::expiry(const OpenMatch& match) const {
  EventTime end = detect_->span.is_zero() ? kNever : add(match.start, detect_->span);
  if (!detect_->strict_order) return end;
  for (uint32_t i = match.next; i < count() && !step(i).negated; ++i) {
    if (step(i).optional) continue;
    if (!step(i).within.is_zero()) end = std::min(end, add(match.last, step(i).within));
    break;
  }
  return end;
}

void SequencePlan::bind(OpenMatch& match, BoundStep bound) const {
  if (match.bound.empty()) match.start = bound.time;
  match.last = bound.time;
  if (detect_->strict_order) match.next = bound.step + 1;
  match.bound.push_back(std::move(bound));
}

void SequencePlan::end_waiting(OpenMatch& match) const {
  match.last = wait_end(match);
  match.next = *waiting(match) + 1;  // optional steps before it did not come
}

bool SequencePlan::is_complete(const OpenMatch& match) const {
  if (!detect_->strict_order) return has_all_needed(match);
  for (uint32_t i = match.next; i < count(); ++i) {
    if (!step(i).optional) return false;
  }
  return true;
}

void write(ByteWriter& to, const OpenMatch& match) {
  to.time(match.start);
  to.time(match.last);
  to.u32(match.next);
  to.u32(static_cast<uint32_t>(match.bound.size()));
  for (const BoundStep& bound : match.bound) {
    to.u32(bound.step);
    to.u64(bound.seq);
    to.time(bound.time);
    to.time(bound.latest);
    to.u8(static_cast<uint8_t>(bound.tlp));
    to.text(*bound.event);
  }
}

OpenMatch read_open_match(ByteReader& from) {
  OpenMatch match;
  match.start = from.time();
  match.last = from.time();
  match.next = from.u32();
  match.bound.resize(from.count());
  for (BoundStep& bound : match.bound) {
    bound.step = from.u32();
    bound.seq = from.u64();
    bound.time = from.time();
    bound.latest = from.time();
    bound.tlp = static_cast<Tlp>(from.u8());
    bound.event = std::make_shared<const std::string>(from.text());
  }
  return match;
}

}  // namespace tocsin::rules
