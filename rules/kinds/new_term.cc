#include "rules/kinds/new_term.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "rules/cel/event_fields.h"
#include "rules/grown.h"
#include "rules/kinds/term.h"

namespace tocsin::rules {

// The parent is the group with the country in place of the region.
void NewTermDetector::list(NewTermGroup& group) {
  if (group.is_listed) return;
  group.is_listed = true;
  if (!group.region) return;
  const Catalogue& catalogue = *around_.catalogue;
  std::string key;
  for (size_t i = 0; i < group.key.size(); ++i) {
    const bool is_region = rule().by[i].kind == GroupKey::Kind::kRegion;
    key += is_region ? catalogue.region(catalogue.region(*group.region).country).id : group.key[i];
    key += '\0';
  }
  group.parent = hash128(key);
  if (!is_reading_back()) siblings_[*group.parent].push_back(group.index);
}

void NewTermDetector::on_remove(NewTermGroup& group) {
  if (group.is_warming) --counters_.warming;
  if (!group.parent) return;
  const auto siblings = siblings_.find(*group.parent);
  std::erase(siblings->second, group.index);
  if (siblings->second.empty()) siblings_.erase(siblings);
}

// What another group sees at the same moment counts as after it: nothing else would be the same in
// any order of arrival. All earlier events of the others are decided, unless this is on arrival.
bool NewTermDetector::is_new_to_parent(const NewTermGroup& group, uint64_t term, EventTime at) {
  if (!detect().also_new_to_country || !group.parent) return false;
  const EventTime from = horizon(detect(), at);
  const auto waits = [&](const InOrder<PendingTerm>& pending) {
    for (const PendingTerm& item : pending) {
      if (item.time >= at) break;
      if (item.term == term && item.time >= from) return true;
    }
    return false;
  };
  const auto& siblings = siblings_.at(*group.parent);
  return std::none_of(siblings.begin(), siblings.end(), [&](uint32_t index) {
    if (index == group.index) return false;
    const NewTermGroup* other = awake(index);
    return other != nullptr && (other->memory.has_but_at(term, from, at) || waits(other->pending));
  });
}

void NewTermDetector::set_variables(const NewTermGroup& group, const Event& event,
                                    const Novelty& novelty) {
  own_variable(0) = cel::Value::of_list(term_texts(detect(), event, around_.arena));
  own_variable(1) = cel::Value::of_string(novelty.is_new_to_parent ? "parent" : "group");
  own_variable(2) = cel::Value::of_int(novelty.terms);
  EventTime first = std::min(group.past.first, event.time);
  if (!group.pending.empty()) first = std::min(first, group.pending.begin()->time);
  const auto history = around_.arena.array<cel::Entry>(2);
  history[0] = {cel::Value::of_string("first"), cel::timestamp_of(first)};
  history[1] = {cel::Value::of_string("start"), cel::timestamp_of(horizon(detect(), event.time))};
  own_variable(3) = cel::Value::of_map(history);
}

Level NewTermDetector::level_of(const NewTermGroup& group, const Event& event,
                                const Novelty& novelty) {
  // The state of the alert is none of its business: it depends on what has arrived so far.
  set_common(group, Level::kNone, event.time, event.time);
  if (!is_armed()) return Level::kNone;
  set_variables(group, event, novelty);
  const auto& levels = rule().levels;
  for (size_t i = levels.size(); i-- > 0;) {
    if (!levels[i].when || holds(*levels[i].when, &event)) return levels[i].level;
  }
  return Level::kNone;
}

void NewTermDetector::set_warming(NewTermGroup& group) {
  const bool is_learning = group.past.is_learning(detect(), group.past.newest);
  if (std::exchange(group.is_warming, is_learning) == is_learning) return;
  counters_.warming += is_learning ? 1 : uint64_t{0} - 1;
}

bool NewTermDetector::is_warming(const NewTermGroup* group) {
  const TermPast past = group == nullptr ? TermPast{} : group->past;
  return past.is_learning(detect(), std::max(watermark(), past.newest));
}

void NewTermDetector::on_event(const Event& event, JournalSeq seq) {
  if (!selects(event)) return;
  const Term term = term_of(detect(), event, around_.arena);
  if (term.status != Term::Status::kThere) {
    ++(term.status == Term::Status::kAbsent ? counters_.skipped : counters_.evaluation_errors);
    return;
  }
  NewTermGroup* group = group_of(event);
  if (group == nullptr) return;
  list(*group);
  ++counters_.selected;
  ++counters_.evaluations;
  touch(*group);
  PendingTerm item{.time = event.time,
                   .source = event.source,
                   .seq = seq,
                   .term = term.hash,
                   .id = std::string(event.id),
                   .event = {}};
  // What is known now is known when its turn comes: nothing that it could have been told of.
  const bool is_known = group->memory.has(term.hash, horizon(detect(), event.time));
  if (!is_known) encode_event(event, item.event);
  const EventTime now = watermark();
  if (event.time < now) {
    ++counters_.late;
    const Novelty found = take(*group, item);
    if (found.level != Level::kNone) {
      count_match(*group, item, found, now);
      raise(*group, found.level, now, event.time, false);
    }
  } else if (may_wait(group->pending.size())) {
    const auto place = group->pending.insert(std::move(item));
    account(*group);
    if (is_early() && !is_known) try_early(*group, place, event);
  }
  go_on(*group, now);
}

void NewTermDetector::try_early(NewTermGroup& group, Place place, const Event& event) {
  if (group.pending.size() > kFewPending) return;
  const PendingTerm& item = *place;
  const bool is_brought = std::any_of(
      group.pending.begin(), group.pending.end(),
      [&](const PendingTerm& other) { return &other != &item && other.term == item.term; });
  if (is_brought) return;
  TermPast past = group.past;
  for (Place each = group.pending.begin(); each != place; ++each) {
    past.forget(horizon(detect(), each->time));
    past.count(each->time);
  }
  const EventTime from = horizon(detect(), item.time);
  past.forget(from);
  const size_t known = known_before(group, place);
  if (past.is_learning(detect(), item.time) || known >= detect().max_terms) return;
  Novelty found{.is_new_to_parent = is_new_to_parent(group, item.term, item.time),
                .terms = static_cast<uint32_t>(known + 1)};
  found.level = level_of(group, event, found);
  if (found.level == Level::kNone) return;
  end_if_over(group, item.time);
  item.told = found;
  group.alert.tlp = std::max(group.alert.tlp, event.tlp);
  if (group.alert.is_open()) group.alert.starts_at = std::min(group.alert.starts_at, item.time);
  raise(group, found.level, item.time, item.time, true);
}

size_t NewTermDetector::known_before(const NewTermGroup& group, Place place) const {
  const EventTime from = horizon(detect(), place->time);
  std::set<uint64_t> waiting;
  for (Place each = group.pending.begin(); each != place; ++each) {
    if (each->time >= from && !group.memory.has(each->term, from)) waiting.insert(each->term);
  }
  return group.memory.count(from) + waiting.size();
}

Novelty NewTermDetector::take(NewTermGroup& group, const PendingTerm& item) {
  const EventTime from = horizon(detect(), item.time);
  group.past.forget(from);
  const bool is_learning = group.past.is_learning(detect(), item.time);
  group.past.count(item.time);
  set_warming(group);
  const bool is_known = group.memory.has(item.term, from);
  if (!is_known) {
    group.memory.forget(from);
    if (group.memory.size() >= detect().max_terms) {
      ++counters_.overflow;
      return {.is_refused = true};
    }
  }
  group.memory.note(item.term, item.time);
  if (is_known || is_learning) return {};
  Novelty found{.is_new_to_parent = is_new_to_parent(group, item.term, item.time),
                .terms = static_cast<uint32_t>(group.memory.size())};
  found.level = level_of(group, decode_event(item.event, around_.arena), found);
  return found;
}

void NewTermDetector::count_match(NewTermGroup& group, const PendingTerm& item,
                                  const Novelty& found, EventTime at) {
  const Event event = decode_event(item.event, around_.arena);
  EventTime& last = group.decided[static_cast<size_t>(found.level)];
  last = std::max(last, at);
  ++group.matches;
  group.alert.tlp = std::max(group.alert.tlp, event.tlp);
  keep_best(group.evidence, evidence_item(event, item.seq), rule().alert.max_evidence);
  group.latest = item.event;
  group.novelty = found;
}

bool NewTermDetector::decide(NewTermGroup& group, const PendingTerm& item) {
  const bool was_told = item.is_told();
  const Novelty told = std::exchange(item.told, Novelty{});
  const Novelty found = take(group, item);
  if (was_told) group.is_refused = found.is_refused;
  if (found.level > told.level) {
    EventTime at = item.time;
    // What began at this very time has been told and is over: an alert has its own beginning.
    if (item.is_past && !group.alert.is_open()) at += kMoment;
    count_match(group, item, found, at);
    if (group.alert.is_open()) group.alert.starts_at = std::min(group.alert.starts_at, item.time);
    raise(group, found.level, at, item.time, false);
  } else if (was_told && found.level != Level::kNone) {
    count_match(group, item, found, item.time);
  }
  if (!was_told || found.level == told.level) return false;
  group.last_match = group.decided;
  for (const PendingTerm& other : group.pending) {
    if (!other.is_told()) continue;
    EventTime& last = group.last_match[static_cast<size_t>(other.told.level)];
    last = std::max(last, other.time);
  }
  // The alert still has to say what it was about.
  if (group.latest.empty()) {
    group.latest = item.event;
    group.novelty = told;
  }
  return found.level < told.level;
}

void NewTermDetector::on_due(NewTermGroup& group, EventTime due) {
  touch(group);
  bool has_fallen = false;
  Place item = group.pending.begin();
  for (; item != group.pending.end() && item->time < due; ++item) {
    has_fallen = decide(group, *item) || has_fallen;
  }
  group.pending.drop_before(item);
  settle(group, due, has_fallen);
  if (!group.past.is_empty() && forgotten_at(detect(), group.past.newest) <= due) {
    group.past = TermPast{};
    group.memory.clear();
    set_warming(group);
  }
  go_on(group, due);
}

// One transition for all that the watermark says of what was told on arrival: an end, a lower
// level, or that it stands.
void NewTermDetector::settle(NewTermGroup& group, EventTime due, bool has_fallen) {
  AlertState& alert = group.alert;
  if (alert.provisional && alert.provisional_at < due) {
    const Level told = alert.level;
    if (has_fallen) {
      alert.provisional = false;
      let_pass(group, due);
    }
    if (alert.level == told) confirm(group);
  }
  let_pass(group, due);
}

void NewTermDetector::go_on(NewTermGroup& group, EventTime now) {
  EventTime due = std::min(next_episode_due(group), group.pending.due());
  if (!group.past.is_empty()) due = std::min(due, forgotten_at(detect(), group.past.newest));
  if (due == kNever) {
    let_go(group, now);
  } else {
    schedule_by(group, due);
  }
}

Finding NewTermDetector::finding_of(NewTermGroup& group, EventTime at) {
  Finding finding;
  const PendingTerm* told = nullptr;
  std::vector<EvidenceItem> evidence = group.evidence;
  finding.events_counted = group.matches;
  for (const PendingTerm& item : group.pending) {
    if (!item.is_told()) continue;
    told = &item;
    ++finding.events_counted;
    keep_best(evidence, evidence_item(decode_event(item.event, around_.arena), item.seq),
              rule().alert.max_evidence);
  }
  const auto kept = around_.arena.array<Event>(1);
  kept[0] = decode_event(told != nullptr ? told->event : group.latest, around_.arena);
  const Event& event = kept[0];
  const Novelty& novelty = told != nullptr ? told->told : group.novelty;
  finding.event = &event;
  set_common(group, group.alert.level, at, group.alert.starts_at);
  set_variables(group, event, novelty);
  std::string term;
  for (const cel::Value& part : own_variable(0).items()) {
    term += (term.empty() ? "" : ", ") + std::string(part.text());
  }
  finding.values.push_back({"term", term});
  finding.values.push_back({"new_to", std::string(own_variable(1).text())});
  finding.values.push_back({"terms", int64_t{novelty.terms}});
  if (event.has_value()) finding.values.push_back({"value", event.value});
  finding.evidence = references(evidence, "first");
  if (finding.events_counted == 0) {
    finding.condition = group.is_refused ? fmt::format("{}: one too many, the group knows {} terms",
                                                       term, detect().max_terms)
                                         : term + ": seen before after all";
    return finding;
  }
  finding.condition = fmt::format("{}: not seen in {} before", term, format_span(detect().history));
  const int index = index_of(rule().levels, group.alert.level);
  if (index < 0) return finding;
  const LevelSpec& level = rule().levels[static_cast<size_t>(index)];
  if (level.when) {
    finding.condition += fmt::format("; {}: {}", to_string(level.level),
                                     cel::explain(*level.when, &event, variables(), around_.arena));
  }
  return finding;
}

bool NewTermDetector::is_at_rest(const NewTermGroup& group) const {
  return EpisodeDetector::is_at_rest(group) && group.pending.empty() && group.decided == kNoMatches;
}

void NewTermDetector::forget(NewTermGroup& group) {
  EpisodeDetector::forget(group);
  group.decided = kNoMatches;
  group.evidence.clear();
  for (const PendingTerm& item : group.pending) item.is_past = item.told.level != Level::kNone;
}

bool NewTermDetector::fit_levels(NewTermGroup& group) {
  bool has_changed = EpisodeDetector::fit_levels(group);
  has_changed = fit_matches(group.decided) || has_changed;
  for (const PendingTerm& item : group.pending) {
    const Level fitting = fitting_level(rule().levels, item.told.level);
    has_changed = has_changed || fitting != item.told.level;
    item.told.level = fitting;
  }
  return has_changed;
}

void NewTermDetector::write_group(ByteWriter& to, const NewTermGroup& group) {
  write_episode(to, group);
  group.memory.write(to);
  to.time(group.past.first);
  to.time(group.past.newest);
  to.u64(group.past.events);
  to.u32(static_cast<uint32_t>(group.pending.size()));
  for (const PendingTerm& item : group.pending) write(to, item);
  for (const EventTime t : group.decided) to.time(t);
  to.u32(static_cast<uint32_t>(group.evidence.size()));
  for (const EvidenceItem& item : group.evidence) write(to, item);
  to.text(group.latest);
  write(to, group.novelty);
}

void NewTermDetector::read_group(ByteReader& from, NewTermGroup& group) {
  list(group);
  read_episode(from, group);
  group.memory.read(from);
  group.past.first = from.time();
  group.past.newest = from.time();
  group.past.events = from.u64();
  for (size_t left = from.count(); left > 0; --left) group.pending.insert(read_pending_term(from));
  for (EventTime& t : group.decided) t = from.time();
  group.evidence.resize(from.count());
  for (EvidenceItem& item : group.evidence) item = read_evidence(from);
  group.latest = from.text();
  group.novelty = read_novelty(from);
  set_warming(group);
}

size_t NewTermDetector::bytes_of(const NewTermGroup& group) const {
  return group.memory.bytes() + group.pending.bytes() + grown_bytes(group.evidence) +
         group.latest.size();
}

}  // namespace tocsin::rules
