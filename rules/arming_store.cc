#include "rules/arming_store.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "rules/cel/event_fields.h"
#include "rules/grown.h"
#include "rules/signal_store.h"

namespace tocsin::rules {

namespace {
constexpr Milliseconds kBetweenForgetting = std::chrono::hours(1);
}  // namespace

ArmingStore::ArmingStore(Surroundings& around, const Arming& arming, RuleIndex index,
                         Timeline::ClassId time_class)
    : GroupedDetector(around, arming.rule, index, time_class), arming_(&arming) {}

void ArmingStore::rebind_arming(const Arming& arming, RuleIndex index,
                                Timeline::ClassId time_class) {
  arming_ = &arming;
  rebind(arming.rule, index, time_class);
}

void ArmingStore::on_event(const Event& event, JournalSeq seq) {
  const bool disarms = arming_->disarms && holds(*arming_->disarms, &event);
  if (!disarms && !holds(arming_->arms, &event)) return;
  const EventTime now = watermark();
  if (event.time < now) ++counters_.late;
  if (now != kMinEventTime && add(event.time, arming_->span) < now) return;
  ArmingGroup* group = group_of(event);
  if (group == nullptr) return;
  ++counters_.selected;
  touch(*group);
  forget(*group);
  account(*group);
  // One that disarms is kept: without it the rule would go on.
  if (!disarms && !may_wait(group->events.size())) return;
  ArmingEvent item;
  item.time = event.time;
  item.source = event.source;
  item.seq = seq;
  item.tlp = event.tlp;
  item.disarms = disarms;
  encode_event(event, item.event);
  if (item.is_to_capture()) group->to_capture.insert(item.time);
  group->events.insert(std::move(item));
  forget(*group);
  account(*group);
  schedule_by(*group, next_due(*group, kMinEventTime));
}

void ArmingStore::forget(ArmingGroup& group) {
  const EventTime passed = around_.timeline->passed(reader_.value_or(time_class()));
  if (passed <= kMinEventTime + arming_->back) return;
  const EventTime needed = passed - arming_->back;
  const auto after = group.events.at_or_after(needed);
  if (after != group.events.begin()) drop_before(group, std::prev(after));
  // The last one itself, once it arms nothing any more.
  const auto first = group.events.begin();
  if (first != group.events.end() && add(first->time, arming_->span) < needed) {
    drop_before(group, std::next(first));
  }
}

void ArmingStore::drop_before(ArmingGroup& group, InOrder<ArmingEvent>::Place place) {
  for (auto each = group.events.begin(); each != place; ++each) {
    if (each->is_to_capture()) group.to_capture.erase(group.to_capture.find(each->time));
  }
  group.events.drop_before(place);
}

const ArmingEvent* ArmingStore::armed_at(const std::vector<std::string>& key, EventTime at) {
  ArmingGroup* group = find(key);
  if (group == nullptr) return nullptr;
  const auto after = group->events.at_or_after(at);
  if (after == group->events.begin()) return nullptr;
  const ArmingEvent& by = *std::prev(after);
  if (by.disarms || at <= add(by.time, arming_->quiet)) return nullptr;
  if (at > add(by.time, arming_->span)) return nullptr;
  if (!by.has_captured) {
    capture(*group, by);
    account(*group);
  }
  return &by;
}

void ArmingStore::capture(ArmingGroup& group, const ArmingEvent& event) {
  touch(group);
  group.to_capture.erase(group.to_capture.find(event.time));
  event.has_captured = true;
  event.tlp = std::max(event.tlp, signals().marking(group, event.time));
  for (size_t i = 0; i < signals().size(); ++i) {
    const auto value = signals().value(i, group, event.time);
    event.signals.push_back(value ? std::optional(value->value) : std::nullopt);
  }
}

void ArmingStore::fill(const ArmingEvent& by, std::span<cel::Value> slots) {
  slots[0] = cel::timestamp_of(by.time);
  const Event event = decode_event(by.event, around_.arena);
  size_t signal = 0;
  for (size_t i = 0; i < arming_->captures.size(); ++i) {
    const Capture& capture = arming_->captures[i];
    cel::Value& slot = slots[i + 1];
    slot = cel::Value();
    if (!capture.value) {
      const auto& value = by.signals[signal++];
      if (value) slot = cel::Value::of_double(*value);
    } else if (const auto outcome = capture.value->run(&event, {}, around_.arena); outcome.ok()) {
      slot = outcome.value;
    }
  }
}

EventTime ArmingStore::next_due(const ArmingGroup& group, EventTime done) const {
  EventTime due = group.to_capture.empty() ? kNever : *group.to_capture.begin() + kMoment;
  const auto over = [&](const ArmingEvent& event) {
    return add(event.time, arming_->span) + arming_->back + kMoment;
  };
  const auto first = group.events.begin();
  if (first == group.events.end()) return due;
  if (over(*first) > done) return std::min(due, over(*first));
  // A reader that lags, perhaps for days, is asked seldom.
  return std::min(due, done + kBetweenForgetting);
}

void ArmingStore::on_due(ArmingGroup& group, EventTime due) {
  touch(group);
  if (!group.to_capture.empty()) {
    auto event = group.events.at_or_after(*group.to_capture.begin());
    for (; event != group.events.end() && event->time < due; ++event) {
      if (event->is_to_capture()) capture(group, *event);
    }
  }
  forget(group);
  if (group.events.empty()) {
    remove(group);
  } else {
    schedule(group, std::max(next_due(group, due), due + kMoment));
  }
}

void ArmingStore::write_group(ByteWriter& to, const ArmingGroup& group) {
  to.u32(static_cast<uint32_t>(group.events.size()));
  for (const ArmingEvent& event : group.events) {
    to.time(event.time);
    to.u16(static_cast<uint16_t>(event.source));
    to.u64(event.seq);
    to.u8(static_cast<uint8_t>(event.tlp));
    to.u8(event.disarms ? 1 : 0);
    to.u8(event.has_captured ? 1 : 0);
    to.u32(static_cast<uint32_t>(event.signals.size()));
    for (const auto& value : event.signals) {
      to.u8(value ? 1 : 0);
      to.f64(value.value_or(0));
    }
    to.text(event.event);
  }
}

void ArmingStore::read_group(ByteReader& from, ArmingGroup& group) {
  for (uint32_t left = from.count(); left > 0 && from.ok(); --left) {
    ArmingEvent event;
    event.time = from.time();
    event.source = static_cast<SourceId>(from.u16());
    event.seq = from.u64();
    event.tlp = static_cast<Tlp>(from.u8());
    event.disarms = from.u8() != 0;
    event.has_captured = from.u8() != 0;
    event.signals.resize(from.count());
    for (auto& value : event.signals) {
      const bool is_there = from.u8() != 0;
      const double number = from.f64();
      if (is_there) value = number;
    }
    event.event = from.text();
    if (event.is_to_capture()) group.to_capture.insert(event.time);
    group.events.insert(std::move(event));
  }
}

size_t ArmingStore::bytes_of(const ArmingGroup& group) const {
  return group.events.bytes() + tree_bytes<EventTime>(group.to_capture.size());
}

}  // namespace tocsin::rules
