#include "rules/signal_store.h"

#include <algorithm>

namespace tocsin::rules {

SignalStore::SignalStore(Surroundings& around, const Signal& signal, RuleIndex index,
                         Timeline::ClassId time_class)
    : GroupedDetector(around, signal.rule, index, time_class), signal_(&signal) {
  rebind_signal(signal, index, time_class);
}

void SignalStore::rebind_signal(const Signal& signal, RuleIndex index,
                                Timeline::ClassId time_class) {
  signal_ = &signal;
  readers_.clear();
  rebind(signal.rule, index, time_class);
  grid_ = PaneGrid(measure().every, signal.rule.zone);
  evidence_per_pane_ = evidence_per_pane(signal.rule.alert.max_evidence, measure().panes);
}

bool SignalStore::counts(const Event& event) { return holds(*rule().select, &event); }

void SignalStore::on_event(const Event& event, JournalSeq seq) {
  if (!counts(event)) return;
  if (event.time < watermark()) ++counters_.late;
  const EventTime start = grid_.start_of(event.time);
  if (start < needed_from()) return;
  SignalGroup* group = group_of(event);
  if (group == nullptr) return;
  ++counters_.selected;
  touch(*group);
  const size_t before = group->panes.panes().size();
  const size_t pane = group->panes.at(start, 0, 1);
  Pane& part = group->panes.pane(pane);
  ++part.events;
  part.tlp = std::max(part.tlp, event.tlp);
  keep_best(part.evidence, evidence_item(event, seq), evidence_per_pane_);
  count_into(measure(), event, group->panes.cells(pane, 1).front());
  // Sizing up looks at every pane, so not for each.
  const size_t after = group->panes.panes().size();
  if (after > before && (after < 16 || after % 64 == 0)) account(*group);
  schedule_by(*group, forget_at(*group));
}

EventTime SignalStore::needed_from() const {
  EventTime passed = kMaxEventTime;
  for (const Timeline::ClassId reader : readers_) {
    passed = std::min(passed, around_.timeline->passed(reader));
  }
  if (readers_.empty()) passed = around_.timeline->passed(time_class());
  return passed <= kMinEventTime + signal_->reach ? kMinEventTime : passed - signal_->reach;
}

EventTime SignalStore::forget_at(const SignalGroup& group) const {
  return grid_.step(group.panes.panes().front().start, 1) + signal_->reach;
}

void SignalStore::on_due(SignalGroup& group, EventTime due) {
  touch(group);
  const EventTime needed = needed_from();
  knows_from = std::max(knows_from, needed);
  group.panes.drop_before(needed, 1);
  if (group.panes.empty()) {
    remove(group);
  } else {  // readers that lag are waited for
    schedule(group, std::max(forget_at(group), grid_.next_tick(due)));
  }
}

std::optional<double> SignalStore::merged(const SignalGroup& group, EventTime from, EventTime to) {
  merged_.clear();
  const auto panes = group.panes.panes();
  for (size_t i = group.panes.first_from(from); i < panes.size() && panes[i].start < to; ++i) {
    merged_.merge(group.panes.cells(i, 1).front(), measure().aggregate);
  }
  if (merged_.n == 0) return std::nullopt;
  return merged_.result(measure().aggregate, measure().min_n);
}

std::optional<SignalValue> SignalStore::value(const std::vector<std::string>& key, EventTime at,
                                              const std::optional<Span>& hold) {
  const SignalGroup* group = find(key);
  const EventTime tick = grid_.start_of(at);
  const EventTime from = grid_.step(tick, -int64_t{measure().panes});
  if (group != nullptr) {
    if (const auto now = merged(*group, from, tick)) return SignalValue{*now, from, tick};
  }
  if (hold || signal_->no_data == NoData::kHold) {
    return group == nullptr ? std::nullopt : last_value(*group, tick, hold.value_or(signal_->hold));
  }
  if (signal_->no_data == NoData::kMissing) return std::nullopt;
  const bool is_known = from >= knows_from && !around_.timeline->is_stale(own_feeds(), tick) &&
                        (group != nullptr || from > refused_at);
  return is_known ? std::optional(SignalValue{0, from, tick}) : std::nullopt;
}

// At the last tick before `tick` that had one: the last that the newest figure was in the window
// of.
std::optional<SignalValue> SignalStore::last_value(const SignalGroup& group, EventTime tick,
                                                   Span hold) {
  const size_t ahead = group.panes.first_from(tick);
  if (ahead == 0) return std::nullopt;
  const EventTime newest = group.panes.panes()[ahead - 1].start;
  const EventTime oldest = subtract(tick, hold);
  EventTime at = std::min(grid_.step(newest, int64_t{measure().panes}), grid_.step(tick, -1));
  for (; at > oldest; at = grid_.step(at, -1)) {
    const EventTime from = grid_.step(at, -int64_t{measure().panes});
    if (const auto last = merged(group, from, at)) return SignalValue{*last, from, at};
  }
  return std::nullopt;
}

std::optional<SignalValue> SignalStore::value_over(const std::vector<std::string>& key,
                                                   EventTime from, EventTime to) {
  const SignalGroup* group = find(key);
  if (group == nullptr) return std::nullopt;
  const auto value = merged(*group, from, to);
  if (!value) return std::nullopt;
  return SignalValue{*value, from, to};
}

void SignalStore::collect(const std::vector<std::string>& key, EventTime from, EventTime to,
                          size_t most, std::vector<EvidenceItem>& best) {
  const SignalGroup* group = find(key);
  if (group == nullptr) return;
  const auto panes = group->panes.panes();
  for (size_t i = group->panes.first_from(from); i < panes.size() && panes[i].start < to; ++i) {
    for (const EvidenceItem& item : panes[i].evidence) keep_best(best, item, most);
  }
}

Tlp SignalStore::marking(const std::vector<std::string>& key, EventTime from, EventTime to) {
  Tlp highest = Tlp::kClear;
  const SignalGroup* group = find(key);
  if (group == nullptr) return highest;
  const auto panes = group->panes.panes();
  for (size_t i = group->panes.first_from(from); i < panes.size() && panes[i].start < to; ++i) {
    highest = std::max(highest, panes[i].tlp);
  }
  return highest;
}

void SignalStore::write_group(ByteWriter& to, const SignalGroup& group) { group.panes.write(to); }

void SignalStore::read_group(ByteReader& from, SignalGroup& group) { group.panes.read(from, 1); }

}  // namespace tocsin::rules
