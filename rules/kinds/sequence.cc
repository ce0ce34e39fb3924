#include "rules/kinds/sequence.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "rules/kinds/event_value.h"
#include "rules/stored_event.h"

namespace tocsin::rules {

namespace {

constexpr Milliseconds kMoment{1};

std::string_view id_of(const PendingStep& step) { return ByteReader(*step.event).text(); }

bool is_before(const PendingStep& a, const PendingStep& b) {
  if (a.time != b.time || a.source != b.source) {
    return std::tie(a.time, a.source) < std::tie(b.time, b.source);
  }
  return id_of(a) < id_of(b);
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
  if (!is_relevant(event)) return;
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
  PendingStep step{.time = event.time, .source = event.source, .seq = seq, .event = nullptr};
  std::string bytes;
  encode_event(event, bytes);
  step.event = std::make_shared<const std::string>(std::move(bytes));
  auto& pending = group->pending;
  pending.insert(std::upper_bound(pending.begin(), pending.end(), step, is_before), step);
  if (may_fire_early_) try_early(*group);
  go_on(*group, now);
}

bool SequenceDetector::breaks(const OpenMatch& match, const Event& event) {
  if (detect().until && holds(*detect().until, &event)) return true;
  plan().waiting(match, scratch_);
  return std::any_of(scratch_.begin(), scratch_.end(),
                     [&](uint32_t i) { return holds(detect().steps[i].select, &event); });
}

std::optional<uint32_t> SequenceDetector::step_taken(const OpenMatch& match, const Event& event) {
  plan().candidates(match, event.time, scratch_);
  for (const uint32_t i : scratch_) {
    if (holds(detect().steps[i].select, &event)) return i;
  }
  return std::nullopt;
}

std::optional<OpenMatch> SequenceDetector::take(std::vector<OpenMatch>& open,
                                                const PendingStep& pending) {
  const Event event = decode_event(*pending.event, around_.arena);
  drop_expired(open, event.time);
  std::optional<OpenMatch> complete;
  for (size_t i = 0; i < open.size();) {
    set_variables(open[i]);
    if (breaks(open[i], event)) {
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
      continue;
    }
    if (const auto step = step_taken(open[i], event)) {
      plan().bind(open[i], {*step, pending.seq, event.time, event.tlp, pending.event});
      if (plan().is_complete(open[i])) {
        if (!complete) complete = open[i];
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
        continue;
      }
    }
    ++i;
  }
  if (complete && detect().skip_past_last) {
    drop_past(open, *complete);
    return complete;
  }
  const size_t before = open.size();
  begin(open, pending, event);
  if (open.size() > before && plan().is_complete(open.back())) {  // a sequence of one step
    if (!complete) complete = open.back();
    open.pop_back();
  }
  return complete;
}

void SequenceDetector::begin(std::vector<OpenMatch>& open, const PendingStep& pending,
                             const Event& event) {
  clear_variables();
  OpenMatch fresh;
  const auto step = step_taken(fresh, event);
  if (!step) return;
  if (open.size() >= detect().max_open) {
    // The oldest are nearest to their end: a stream of beginnings must not push them out.
    ++counters_.overflow;
    return;
  }
  plan().bind(fresh, {*step, pending.seq, event.time, event.tlp, pending.event});
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

void SequenceDetector::conclude(SequenceGroup& group, OpenMatch match, EventTime at,
                                bool is_early) {
  set_variables(match);
  set_common_at(group, at);
  ++counters_.evaluations;
  const auto& levels = rule().levels;
  Level level = Level::kNone;
  for (size_t i = levels.size(); i-- > 0 && level == Level::kNone;) {
    if (!levels[i].when || holds(*levels[i].when, nullptr)) level = levels[i].level;
  }
  if (level == Level::kNone) return;
  // Its own episode was told of on arrival, and ended by a later early match.
  const bool is_past = group.alert.is_open() && at < group.alert.starts_at;
  if (is_early && !is_past) end_if_over(group, at);
  if (is_early && group.alert.is_open() && level <= group.alert.level) return;
  if (!is_early) group.matches += match.bound.size();
  for (const BoundStep& bound : match.bound) group.tlp = std::max(group.tlp, bound.tlp);
  if (is_past && !is_early) return;
  group.match = std::move(match);
  raise(group, level, at, at, is_early);
}

void SequenceDetector::try_early(SequenceGroup& group) {
  std::vector<OpenMatch> open = group.open;
  for (const PendingStep& pending : group.pending) {
    set_common_at(group, pending.time);
    if (auto match = take(open, pending)) conclude(group, std::move(*match), pending.time, true);
  }
}

void SequenceDetector::on_due(SequenceGroup& group, EventTime due) {
  touch(group);
  size_t done = 0;
  while (true) {
    const bool has_event = done < group.pending.size() && group.pending[done].time < due;
    const EventTime until = has_event ? group.pending[done].time : due;
    if (const auto waiting = first_waiting(group.open, until)) {
      const EventTime end = plan().wait_end(group.open[*waiting]);
      if (auto match = end_wait(group.open, *waiting)) {
        conclude(group, std::move(*match), end, false);
      }
    } else if (has_event) {
      const EventTime time = group.pending[done].time;
      set_common_at(group, time);
      if (auto match = take(group.open, group.pending[done])) {
        conclude(group, std::move(*match), time, false);
      }
      ++done;
    } else {
      break;
    }
  }
  group.pending.erase(group.pending.begin(),
                      group.pending.begin() + static_cast<std::ptrdiff_t>(done));
  drop_expired(group.open, due);
  let_pass(group, due);
  go_on(group, due);
}

void SequenceDetector::go_on(SequenceGroup& group, EventTime) {
  EventTime due = next_episode_due(group);
  if (!group.pending.empty()) due = std::min(due, group.pending.front().time + kMoment);
  for (const OpenMatch& match : group.open) {
    const EventTime expiry = plan().expiry(match);
    if (expiry != kNever) due = std::min(due, expiry + kMoment);
    due = std::min(due, plan().wait_end(match));
  }
  const bool is_empty = group.open.empty() && group.pending.empty() && !group.alert.is_open();
  if (is_empty) {
    remove(group);
  } else {
    schedule_by(group, due);  // an earlier timer finds nothing to do and comes back here
  }
}

Finding SequenceDetector::finding_of(SequenceGroup& group, EventTime at) {
  Finding finding;
  set_variables(group.match);
  set_common(group, group.alert.level, at, group.alert.starts_at);
  for (const BoundStep& bound : group.match.bound) {
    if (finding.evidence.size() == rule().alert.max_evidence) break;
    finding.evidence.push_back({bound.seq, detect().steps[bound.step].name});
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
  finding.events_counted = std::max<uint64_t>(group.matches, group.match.bound.size());
  finding.tlp = group.tlp;
  return finding;
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
  }
  write(to, group.match);
}

void SequenceDetector::read_group(ByteReader& from, SequenceGroup& group) {
  read_episode(from, group);
  group.open.resize(from.count());
  for (OpenMatch& match : group.open) match = read_open_match(from);
  group.pending.resize(from.count());
  for (PendingStep& step : group.pending) {
    step.time = from.time();
    step.source = static_cast<SourceId>(from.u16());
    step.seq = from.u64();
    step.event = std::make_shared<const std::string>(from.text());
  }
  group.match = read_open_match(from);
}

size_t SequenceDetector::bytes_of(const SequenceGroup& group) const {
  size_t sum = group.open.capacity() * sizeof(OpenMatch);
  for (const OpenMatch& match : group.open) {
    for (const BoundStep& bound : match.bound) sum += sizeof bound + bound.event->capacity();
  }
  for (const PendingStep& step : group.pending) sum += sizeof step + step.event->capacity();
  return sum;
}

}  // namespace tocsin::rules
