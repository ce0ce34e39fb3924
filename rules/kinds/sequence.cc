#include "rules/kinds/sequence.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "rules/grown.h"
#include "rules/kinds/event_value.h"

namespace tocsin::rules {

namespace {

// From when to when it may have been; one moment unless its time is coarser than a day.
struct Extent {
  EventTime from;
  EventTime to;
  bool is_moment() const { return from == to; }
};

Extent extent_of(const Event& event) {
  if (event.is_coarse() && event.has_time_end) return {event.told_time(), event.time_end};
  Milliseconds half{0};
  switch (event.time_precision) {
    case TimePrecision::kExact:
    case TimePrecision::kDay:
      return {event.time, event.time};
    case TimePrecision::kWeek:
      half = std::chrono::hours(24 * 7) / 2;
      break;
    case TimePrecision::kMonth:
      half = std::chrono::hours(24 * 31) / 2;
      break;
    case TimePrecision::kYear:
      half = std::chrono::hours(24 * 366) / 2;
      break;
  }
  return {event.time - half, event.time + half};
}

// Whether the event is known to come after the step. Moments are in order as they are taken.
bool comes_after(const Event& event, const BoundStep& step) {
  const Extent extent = extent_of(event);
  const bool both_moments = extent.is_moment() && step.latest == step.time;
  return both_moments || extent.from > step.latest;
}

}  // namespace

SequenceDetector::SequenceDetector(Surroundings& around, const Rule& rule, RuleIndex index,
                                   Timeline::ClassId time_class)
    : EpisodeDetector(around, rule, index, time_class) {
  on_rebind();
}

void SequenceDetector::on_rebind() {
  slots_.clear();
  size_t next = 0;
  bool has_negated = false;
  for (const SequenceStep& step : detect().steps) {
    has_negated = has_negated || step.negated;
    slots_.push_back(step.negated ? std::nullopt : std::optional<size_t>(next++));
  }
  may_fire_early_ = is_early() && !has_negated && !detect().until;
}

void SequenceDetector::clear_variables() {
  for (const auto& slot : slots_) {
    if (slot) own_variable(*slot) = cel::Value();
  }
}

void SequenceDetector::set_variables(const OpenMatch& match) {
  clear_variables();
  for (const BoundStep& bound : match.bound) {
    const Event event = decode_event(*bound.event, around_.arena);
    own_variable(*slots_[bound.step]) = event_value(event, *around_.catalogue, around_.arena);
  }
}

void SequenceDetector::set_common_at(const SequenceGroup& group, EventTime at) {
  set_common(group, group.alert.level, at, group.alert.is_open() ? group.alert.starts_at : at);
}

// A condition that names earlier steps has no value yet: then the event may matter later.
bool SequenceDetector::is_relevant(const Event& event) {
  clear_common();
  clear_variables();
  const auto may_hold = [&](const cel::Program& program) {
    const cel::Outcome outcome = program.run(&event, variables(), around_.arena);
    return !outcome.ok() || (outcome.value.kind() == cel::Kind::kBool && outcome.value.boolean());
  };
  return std::any_of(detect().steps.begin(), detect().steps.end(),
                     [&](const SequenceStep& step) { return may_hold(step.select); }) ||
         (detect().until && may_hold(*detect().until));
}

void SequenceDetector::on_event(const Event& event, JournalSeq seq) {
  if (rule().select && !holds(*rule().select, &event)) return;
  if (!is_relevant(event) || is_excepted(event)) return;
  const EventTime now = watermark();
  if (event.time < now) {
    // What came in between has been judged without it; going back is a matter of replay.
    ++counters_.late;
    return;
  }
  SequenceGroup* group = group_of(event);
  if (group == nullptr) return;
  ++counters_.selected;
  touch(*group);
  if (!may_wait(group->pending.size())) return go_on(*group, now);
  PendingStep step{.time = event.time, .source = event.source, .seq = seq, .event = nullptr};
  std::string bytes;
  encode_event(event, bytes);
  step.event = std::make_shared<const std::string>(std::move(bytes));
  const auto place = group->pending.insert(std::move(step));
  account(*group);
  if (may_fire_early_) try_early(*group, place);
  go_on(*group, now);
}

bool SequenceDetector::breaks(const OpenMatch& match, const Event& event) {
  if (detect().until && holds(*detect().until, &event)) return true;
  scratch_.clear();
  if (const auto step = plan().waiting(match)) scratch_.push_back(*step);
  return first_that_holds(match, event).has_value();
}

// Of the steps in scratch_. Where order counts and is not known, none.
std::optional<uint32_t> SequenceDetector::first_that_holds(const OpenMatch& match,
                                                           const Event& event) {
  const auto found = std::find_if(scratch_.begin(), scratch_.end(), [&](uint32_t i) {
    return holds(detect().steps[i].select, &event);
  });
  if (found == scratch_.end()) return std::nullopt;
  if (detect().strict_order && !match.bound.empty() && !comes_after(event, match.bound.back())) {
    ++counters_.skipped;
    return std::nullopt;
  }
  return *found;
}

std::optional<uint32_t> SequenceDetector::step_taken(const OpenMatch& match, const Event& event) {
  plan().candidates(match, event.time, scratch_);
  return first_that_holds(match, event);
}

std::vector<OpenMatch> SequenceDetector::take(std::vector<OpenMatch>& open,
                                              const PendingStep& pending) {
  const Event event = decode_event(*pending.event, around_.arena);
  drop_expired(open, event.time);
  drop_unarmed(open);
  std::vector<OpenMatch> complete;
  for (size_t i = 0; i < open.size();) {
    set_variables(open[i]);
    if (breaks(open[i], event)) {
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
      continue;
    }
    if (const auto step = step_taken(open[i], event)) {
      plan().bind(open[i],
                  {*step, pending.seq, event.time, extent_of(event).to, event.tlp, pending.event});
      if (plan().is_complete(open[i])) {
        complete.push_back(std::move(open[i]));
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
        continue;
      }
    }
    ++i;
  }
  if (!complete.empty() && detect().skip_past_last) {
    complete.resize(1);
    drop_past(open, complete.front());
    return complete;
  }
  begin(open, pending, event);
  return complete;
}

void SequenceDetector::begin(std::vector<OpenMatch>& open, const PendingStep& pending,
                             const Event& event) {
  clear_variables();
  if (!is_armed()) return;
  OpenMatch fresh;
  const auto step = step_taken(fresh, event);
  if (!step) return;
  if (open.size() >= detect().max_open) {
    // The oldest are nearest to their end: a stream of beginnings must not push them out.
    ++counters_.overflow;
    return;
  }
  plan().bind(fresh,
              {*step, pending.seq, event.time, extent_of(event).to, event.tlp, pending.event});
  open.push_back(std::move(fresh));
}

// Matches share no event: those begun up to the last event of the complete one are gone.
void SequenceDetector::drop_past(std::vector<OpenMatch>& open, const OpenMatch& complete) const {
  if (!detect().skip_past_last) return;
  const EventTime last = complete.bound.back().time;
  std::erase_if(open, [last](const OpenMatch& match) { return match.start <= last; });
}

void SequenceDetector::drop_expired(std::vector<OpenMatch>& open, EventTime now) const {
  const SequencePlan plan = this->plan();
  std::erase_if(open, [&](const OpenMatch& match) { return plan.expiry(match) < now; });
}

// They can come to nothing, and must not end what began since.
bool SequenceDetector::drop_unarmed(std::vector<OpenMatch>& open) const {
  if (rule().arming == nullptr) return false;
  return std::erase_if(open, [this](const OpenMatch& match) {
           return !is_armed() || match.start <= armed_from();
         }) > 0;
}

std::optional<size_t> SequenceDetector::first_waiting(const std::vector<OpenMatch>& open,
                                                      EventTime until) const {
  std::optional<size_t> first;
  EventTime earliest = kNever;
  for (size_t i = 0; i < open.size(); ++i) {
    const EventTime end = plan().wait_end(open[i]);
    if (end > until || end >= earliest) continue;
    earliest = end;
    first = i;
  }
  return first;
}

std::optional<OpenMatch> SequenceDetector::end_wait(std::vector<OpenMatch>& open,
                                                    size_t index) const {
  OpenMatch& match = open[index];
  const EventTime end = plan().wait_end(match);
  const bool is_in_span = detect().span.is_zero() || end <= add(match.start, detect().span);
  if (is_in_span) {
    plan().end_waiting(match);
    if (!plan().is_complete(match)) return std::nullopt;
  }
  OpenMatch complete = std::move(match);
  open.erase(open.begin() + static_cast<std::ptrdiff_t>(index));
  if (!is_in_span) return std::nullopt;
  drop_past(open, complete);
  return complete;
}

Level SequenceDetector::conclude(SequenceGroup& group, OpenMatch match, EventTime at, bool is_early,
                                 Level told) {
  set_variables(match);
  set_common_at(group, at);
  ++counters_.evaluations;
  const auto& levels = rule().levels;
  Level level = Level::kNone;
  for (size_t i = levels.size(); i-- > 0 && level == Level::kNone;) {
    if (!levels[i].when || holds(*levels[i].when, nullptr)) level = levels[i].level;
  }
  if (level <= told) return told;
  if (is_early) end_if_over(group, at);
  // What began at this very time has been told and is over: an alert has its own beginning.
  if (told != Level::kNone && !group.alert.is_open()) at += kMoment;
  group.matches += match.bound.size();
  for (const BoundStep& bound : match.bound) {
    group.alert.tlp = std::max(group.alert.tlp, bound.tlp);
  }
  group.match = std::move(match);
  raise(group, level, at, at, is_early);
  return level;
}

void SequenceDetector::try_early(SequenceGroup& group, InOrder<PendingStep>::Place place) {
  // A straggler waits for the watermark with so many: trying all again would cost more than it
  // tells.
  if (group.pending.size() > kFewPending) {
    group.ahead.reset();
    return;
  }
  const bool goes_on = group.ahead && std::next(place) == group.pending.end();
  if (!goes_on) {
    group.ahead = group.open;
    place = group.pending.begin();
  }
  for (; place != group.pending.end(); ++place) {
    const PendingStep& pending = *place;
    set_common_at(group, pending.time);
    const RuleCounters before = counters_;  // what goes wrong is counted when it is taken
    auto complete = take(*group.ahead, pending);
    counters_ = before;
    for (OpenMatch& match : complete) {
      pending.told = conclude(group, std::move(match), pending.time, true, pending.told);
    }
  }
}

void SequenceDetector::on_due(SequenceGroup& group, EventTime due) {
  touch(group);
  auto next = group.pending.begin();
  while (true) {
    const bool has_event = next != group.pending.end() && next->time < due;
    const EventTime until = has_event ? next->time : due;
    if (const auto waiting = first_waiting(group.open, until)) {
      const EventTime end = plan().wait_end(group.open[*waiting]);
      set_common_at(group, end);
      if (drop_unarmed(group.open)) continue;
      if (auto match = end_wait(group.open, *waiting)) {
        conclude(group, std::move(*match), end, false, Level::kNone);
      }
    } else if (has_event) {
      set_common_at(group, next->time);
      for (OpenMatch& match : take(group.open, *next)) {
        conclude(group, std::move(match), next->time, false, next->told);
      }
      ++next;
    } else {
      break;
    }
  }
  group.pending.drop_before(next);
  if (group.pending.empty()) group.ahead.reset();
  drop_expired(group.open, due);
  if (group.alert.provisional && group.alert.provisional_at < due) confirm(group);
  let_pass(group, due);
  go_on(group, due);
}

void SequenceDetector::go_on(SequenceGroup& group, EventTime now) {
  EventTime due = std::min(next_episode_due(group), group.pending.due());
  for (const OpenMatch& match : group.open) {
    const EventTime expiry = plan().expiry(match);
    if (expiry != kNever) due = std::min(due, expiry + kMoment);
    due = std::min(due, plan().wait_end(match));
  }
  const bool is_empty = group.open.empty() && group.pending.empty() && !group.alert.is_open();
  if (is_empty) {
    let_go(group, now);
  } else {
    schedule_by(group, due);
  }
}

// Of the open match that has come furthest.
std::string SequenceDetector::progress(const SequenceGroup& group) const {
  if (group.open.empty()) return "no open match: the first step has not come";
  const auto furthest = std::max_element(
      group.open.begin(), group.open.end(),
      [](const OpenMatch& a, const OpenMatch& b) { return a.bound.size() < b.bound.size(); });
  std::string text = fmt::format("{} open matches; the furthest:", group.open.size());
  std::vector<bool> is_bound(detect().steps.size());
  for (const BoundStep& bound : furthest->bound) {
    is_bound[bound.step] = true;
    text += fmt::format(" {} on {};", detect().steps[bound.step].name, format_time(bound.time));
  }
  text += " not yet:";
  for (size_t i = 0; i < detect().steps.size(); ++i) {
    const bool is_over = detect().strict_order && i < furthest->next;
    if (!is_bound[i] && !is_over) text += " " + detect().steps[i].name;
  }
  return text;
}

Finding SequenceDetector::finding_of(SequenceGroup& group, EventTime at) {
  Finding finding;
  set_variables(group.match);
  set_common(group, group.alert.level, at, group.alert.starts_at);
  for (const BoundStep& bound : group.match.bound) {
    if (finding.evidence.size() == rule().alert.max_evidence) break;
    finding.evidence.add(bound.seq, detect().steps[bound.step].name, bound.tlp);
  }
  for (uint32_t i = 0; i < detect().steps.size(); ++i) {
    const SequenceStep& step = detect().steps[i];
    const auto bound = std::find_if(group.match.bound.begin(), group.match.bound.end(),
                                    [i](const BoundStep& b) { return b.step == i; });
    if (!finding.condition.empty()) finding.condition += "; ";
    if (step.negated) {
      finding.condition += fmt::format("{}: none in {}", step.name, format_span(step.wait));
    } else if (bound != group.match.bound.end()) {
      finding.condition += fmt::format("{} on {}", step.name, format_time(bound->time));
      finding.values.push_back({step.name, format_time(bound->time)});
    } else {
      finding.condition += step.name + ": did not come";
    }
  }
  finding.events_counted = group.matches;
  return finding;
}

bool SequenceDetector::is_at_rest(const SequenceGroup& group) const {
  return EpisodeDetector::is_at_rest(group) && group.pending.empty() && !group.ahead;
}

void SequenceDetector::forget(SequenceGroup& group) {
  EpisodeDetector::forget(group);
  group.match = OpenMatch{};
}

void SequenceDetector::write_group(ByteWriter& to, const SequenceGroup& group) {
  write_episode(to, group);
  to.u32(static_cast<uint32_t>(group.open.size()));
  for (const OpenMatch& match : group.open) write(to, match);
  to.u32(static_cast<uint32_t>(group.pending.size()));
  for (const PendingStep& step : group.pending) {
    to.time(step.time);
    to.u16(static_cast<uint16_t>(step.source));
    to.u64(step.seq);
    to.text(*step.event);
    to.u8(static_cast<uint8_t>(step.told));
  }
  write(to, group.match);
}

void SequenceDetector::read_group(ByteReader& from, SequenceGroup& group) {
  read_episode(from, group);
  group.open.resize(from.count());
  for (OpenMatch& match : group.open) match = read_open_match(from);
  for (size_t left = from.count(); left > 0; --left) {
    PendingStep step;
    step.time = from.time();
    step.source = static_cast<SourceId>(from.u16());
    step.seq = from.u64();
    step.event = std::make_shared<const std::string>(from.text());
    step.told = static_cast<Level>(std::min(from.u8(), static_cast<uint8_t>(Level::kEmergency)));
    group.pending.insert(std::move(step));
  }
  group.match = read_open_match(from);
}

size_t SequenceDetector::bytes_of(const SequenceGroup& group) const {
  size_t sum = grown_bytes(group.open);
  if (group.ahead) sum += grown_bytes(*group.ahead);
  for (const OpenMatch& match : group.open) {
    for (const BoundStep& bound : match.bound) sum += sizeof bound + bound.event->size();
  }
  for (const BoundStep& bound : group.match.bound) sum += sizeof bound + bound.event->size();
  return sum + group.pending.bytes();
}

}  // namespace tocsin::rules
