#include "rules/kinds/event.h"

#include <algorithm>

#include "rules/grown.h"

namespace tocsin::rules {

Level EventDetector::level_of(const EventGroup& group, const Event& event) {
  // The state of the alert is none of its business: it depends on what has arrived so far.
  set_common(group, Level::kNone, event.time, event.time);
  if (!is_armed()) return Level::kNone;
  const auto& levels = rule().levels;
  for (size_t i = levels.size(); i-- > 0;) {
    if (!levels[i].when || holds(*levels[i].when, &event)) return levels[i].level;
  }
  return Level::kNone;
}

void EventDetector::on_event(const Event& event, JournalSeq seq) {
  if (!selects(event)) return;
  EventGroup* group = group_of(event);
  if (group == nullptr) return;
  ++counters_.selected;
  ++counters_.evaluations;
  const EventTime now = watermark();
  const bool is_late = event.time < now;
  if (is_late) ++counters_.late;
  // What others tell at the event's time is known when the watermark has passed it.
  const bool waits = reads_others() && !is_late;
  const Level level = waits ? Level::kNone : level_of(*group, event);
  if (level == Level::kNone && !waits) {
    go_on(*group, now);
    return;
  }
  touch(*group);
  if (is_late || is_early()) {
    if (!is_late) end_if_over(*group, event.time);
    take(*group, event, seq, level, std::max(event.time, now), !is_late);
  } else if (may_wait(group->pending.size())) {
    PendingMatch match{
        .time = event.time, .source = event.source, .seq = seq, .level = level, .event = {}};
    encode_event(event, match.event);
    group->pending.insert(std::move(match));
    account(*group);
  }
  go_on(*group, now);
}

void EventDetector::take(EventGroup& group, const Event& event, JournalSeq seq, Level level,
                         EventTime at, bool is_early) {
  ++group.matches;
  group.alert.tlp = std::max(group.alert.tlp, event.tlp);
  keep_best(group.evidence, evidence_item(event, seq), rule().alert.max_evidence);
  encode_event(event, group.latest);
  raise(group, level, at, event.time, is_early);
}

void EventDetector::on_due(EventGroup& group, EventTime due) {
  touch(group);
  auto match = group.pending.begin();
  for (; match != group.pending.end() && match->time < due; ++match) {
    const Event event = decode_event(match->event, around_.arena);
    const Level level = match->level == Level::kNone ? level_of(group, event) : match->level;
    if (level != Level::kNone) take(group, event, match->seq, level, match->time, false);
  }
  group.pending.drop_before(match);
  if (group.alert.provisional && group.alert.provisional_at < due) confirm(group);
  let_pass(group, due);
  go_on(group, due);
}

void EventDetector::go_on(EventGroup& group, EventTime now) {
  const EventTime due = std::min(next_episode_due(group), group.pending.due());
  if (due == kNever) {
    let_go(group, now);
  } else {
    schedule_by(group, due);
  }
}

Finding EventDetector::finding_of(EventGroup& group, EventTime at) {
  Finding finding;
  const auto kept = around_.arena.array<Event>(1);
  kept[0] = decode_event(group.latest, around_.arena);
  const Event& event = kept[0];
  finding.event = &event;
  if (event.has_value()) finding.values.push_back({"value", event.value});
  set_common(group, group.alert.level, at, group.alert.starts_at);
  const int index = index_of(rule().levels, group.alert.level);
  const auto& when = index < 0 ? rule().select : rule().levels[static_cast<size_t>(index)].when;
  const auto& program = when ? when : rule().select;
  if (program) finding.condition = cel::explain(*program, &event, variables(), around_.arena);
  finding.evidence = references(group.evidence, "match");
  finding.events_counted = group.matches;
  return finding;
}

bool EventDetector::is_at_rest(const EventGroup& group) const {
  return EpisodeDetector::is_at_rest(group) && group.pending.empty();
}

void EventDetector::forget(EventGroup& group) {
  EpisodeDetector::forget(group);
  group.evidence.clear();
}

bool EventDetector::fit_levels(EventGroup& group) {
  bool has_changed = EpisodeDetector::fit_levels(group);
  for (const PendingMatch& match : group.pending) {
    if (match.level == Level::kNone) continue;  // not decided yet
    const Level fitting = fitting_level(rule().levels, match.level);
    has_changed = has_changed || fitting != match.level;
    match.level = fitting;
  }
  return has_changed;
}

void EventDetector::write_group(ByteWriter& to, const EventGroup& group) {
  write_episode(to, group);
  to.u32(static_cast<uint32_t>(group.pending.size()));
  for (const PendingMatch& match : group.pending) {
    to.time(match.time);
    to.u16(static_cast<uint16_t>(match.source));
    to.u64(match.seq);
    to.u8(static_cast<uint8_t>(match.level));
    to.text(match.event);
  }
  to.u32(static_cast<uint32_t>(group.evidence.size()));
  for (const EvidenceItem& item : group.evidence) write(to, item);
  to.text(group.latest);
}

void EventDetector::read_group(ByteReader& from, EventGroup& group) {
  read_episode(from, group);
  for (size_t left = from.count(); left > 0; --left) {
    PendingMatch match;
    match.time = from.time();
    match.source = static_cast<SourceId>(from.u16());
    match.seq = from.u64();
    match.level = static_cast<Level>(from.u8());
    match.event = from.text();
    group.pending.insert(std::move(match));
  }
  group.evidence.resize(from.count());
  for (EvidenceItem& item : group.evidence) item = read_evidence(from);
  group.latest = from.text();
}

size_t EventDetector::bytes_of(const EventGroup& group) const {
  return group.pending.bytes() + group.latest.size() + grown_bytes(group.evidence);
}

}  // namespace tocsin::rules
