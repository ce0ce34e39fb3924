#include "tests/oracle/reading.h"

#include <algorithm>

#include "tests/oracle/world.h"

namespace tocsin::rules::oracle {

Reading::Reading(const Case& of, const Rule& reader) : of_(of), reader_(reader) {
  uses_ = uses_of(reader);
  if (reader.arming == nullptr) return;
  captured_ = uses_of(reader.arming->rule);
  note_arming();
}

// All signals as the reader meets their events: it waits for their feeds as for its own.
std::vector<Reading::Use> Reading::uses_of(const Rule& rule) const {
  std::vector<Use> uses;
  const std::vector<Seen> all = of_.journal.seen_by(reader_);
  for (const SignalUse& about : rule.signals) {
    Use& use = uses.emplace_back();
    use.about = &about;
    for (const std::string& name : about.signals) {
      const auto signal = std::find_if(of_.bundle.signals.begin(), of_.bundle.signals.end(),
                                       [&](const Signal& s) { return s.key == name; });
      Counted counted{
          &*signal, {}, Ticks(signal->measure().every, signal->rule.zone, kStart, of_.end)};
      for (const Seen& seen : all) {
        if (!is_true_of(*signal->rule.select, *seen.event)) continue;
        const auto key = key_of(of_.catalogue(), signal->rule, *seen.event);
        if (key) counted.groups[*key].push_back(seen);
      }
      use.sources.push_back(std::move(counted));
    }
  }
  return uses;
}

void Reading::note_arming() {
  const Arming& arming = *reader_.arming;
  for (const Seen& seen : of_.journal.seen_by(reader_)) {
    const bool disarms = arming.disarms && is_true_of(*arming.disarms, *seen.event);
    if (!disarms && !is_true_of(arming.arms, *seen.event)) continue;
    const auto key = key_of(of_.catalogue(), arming.rule, *seen.event);
    if (key) arming_[*key].push_back({seen, disarms});
  }
}

bool Reading::is_counted(size_t use, const Event& event) const {
  return std::any_of(uses_[use].sources.begin(), uses_[use].sources.end(),
                     [&](const Counted& c) { return is_true_of(*c.signal->rule.select, event); });
}

std::vector<Seen> Reading::in_window(const Counted& counted, const Key& key, EventTime from,
                                     EventTime to, EventTime decided) {
  std::vector<Seen> found;
  const auto group = counted.groups.find(key);
  if (group == counted.groups.end()) return found;
  for (const Seen& seen : group->second) {
    const EventTime t = seen.event->time;
    if (t >= from && t < to && seen.counts_at(decided)) found.push_back(seen);
  }
  return found;
}

// Where nothing came: 0, nothing, or what it last was, as the signal or its reader says.
std::optional<double> Reading::value_at(const Use& use, const Counted& counted, const Key& key,
                                        EventTime at, EventTime decided) const {
  const Signal& signal = *counted.signal;
  const size_t panes = signal.measure().panes;
  const auto number_at = [&](size_t place) -> std::optional<double> {
    const auto events =
        in_window(counted, key, counted.ticks[place - panes], counted.ticks[place], decided);
    const Amount amount = amount_of(signal.measure(), events);
    return amount.values == 0 ? std::nullopt : amount.number;
  };
  const size_t place = counted.ticks.up_to(at);
  if (const auto now = number_at(place)) return now;
  const bool holds = use.about->hold || signal.no_data == NoData::kHold;
  if (!holds) return signal.no_data == NoData::kZero ? std::optional(0.0) : std::nullopt;
  const EventTime oldest = subtract(counted.ticks[place], use.about->hold.value_or(signal.hold));
  for (size_t before = place - 1; before >= panes && counted.ticks[before] > oldest; --before) {
    if (const auto last = number_at(before)) return last;
  }
  return std::nullopt;
}

std::optional<double> Reading::value_of(const Use& use, const std::vector<GroupKey>& by,
                                        const Key& key, EventTime at, EventTime decided) const {
  for (const Counted& counted : use.sources) {
    const auto theirs = key_under(of_.catalogue(), by, key, counted.signal->rule.by);
    if (!theirs) continue;
    if (const auto value = value_at(use, counted, *theirs, at, decided)) return value;
  }
  return std::nullopt;
}

std::optional<double> Reading::signal(size_t use, const Key& key, EventTime at,
                                      EventTime decided) const {
  return value_of(uses_[use], reader_.by, key, at, decided);
}

std::optional<double> Reading::figure(size_t use, const Key& key, EventTime from, EventTime to,
                                      EventTime decided) const {
  for (const Counted& counted : uses_[use].sources) {
    const auto theirs = key_under(of_.catalogue(), reader_.by, key, counted.signal->rule.by);
    if (!theirs) continue;
    if (!counted.signal->is_of_indicator) {
      if (const auto value = value_at(uses_[use], counted, *theirs, to, decided)) return value;
      continue;
    }
    const Amount amount =
        amount_of(counted.signal->measure(), in_window(counted, *theirs, from, to, decided));
    if (amount.values > 0 && amount.number) return amount.number;
  }
  return std::nullopt;
}

const Event* Reading::armed_by(const Key& key, EventTime at) const {
  const Arming& arming = *reader_.arming;
  const auto theirs = key_under(of_.catalogue(), reader_.by, key, arming.rule.by);
  const auto group = theirs ? arming_.find(*theirs) : arming_.end();
  if (group == arming_.end()) return nullptr;
  const ArmingSeen* last = nullptr;
  for (const ArmingSeen& item : group->second) {
    if (item.seen.event->time < at) last = &item;
  }
  if (last == nullptr || last->disarms) return nullptr;
  const EventTime since = last->seen.event->time;
  const bool is_at_work = at > add(since, arming.quiet) && at <= add(since, arming.span);
  return is_at_work ? last->seen.event : nullptr;
}

EventTime Reading::armed_from(const Event* by) const {
  return by == nullptr ? kMinEventTime : add(by->time, reader_.arming->quiet);
}

void Reading::fill_captures(Variables& variables, const Event& by) const {
  const Arming& arming = *reader_.arming;
  variables.set_time("armed.since", by.time);
  const auto key = key_of(of_.catalogue(), arming.rule, by);
  size_t next = 0;
  for (const Capture& capture : arming.captures) {
    const std::string name = "armed." + capture.name;
    if (!capture.value) {
      const auto value = value_of(captured_[next++], arming.rule.by, *key, by.time, by.time);
      if (value) variables.set(name, *value);
    } else if (const auto number = number_of(*capture.value, by)) {
      variables.set(name, *number);
    }
  }
}

void Reading::fill(Variables& variables, const Key& key, EventTime at) const {
  variables.set_time("at", at);
  for (size_t i = 0; i < uses_.size(); ++i) {
    const auto value = signal(i, key, at, at);
    if (value) variables.set_signal(i, *value);
  }
  if (reader_.arming == nullptr) return;
  if (const Event* by = armed_by(key, at)) fill_captures(variables, *by);
}

}  // namespace tocsin::rules::oracle
