#include "rules/kinds/absence.h"

#include <fmt/format.h>

#include <algorithm>

#include "rules/cel/event_fields.h"
#include "rules/grown.h"

namespace tocsin::rules {

namespace {

Span times(Span span, int64_t number) {
  return {.exact = span.exact * number, .months = span.months * static_cast<int>(number)};
}

void write_report(ByteWriter& to, const Report& report) {
  to.time(report.time);
  to.u16(static_cast<uint16_t>(report.source));
  to.u64(report.seq);
  to.u8(static_cast<uint8_t>(report.tlp));
  to.text(report.id);
}

Report read_report(ByteReader& from) {
  Report report;
  report.time = from.time();
  report.source = static_cast<SourceId>(from.u16());
  report.seq = from.u64();
  report.tlp = static_cast<Tlp>(from.u8());
  report.id = from.text();
  return report;
}

}  // namespace

void AbsenceDetector::prepare() {
  for (const std::string& name : detect().roster) {
    const auto hash = keyer_.hash(std::vector<std::string>{name});
    if (!hash || has(*hash) || !is_kept_here(name)) continue;
    AbsenceGroup& group = create(*hash, {name});
    group.is_on_roster = true;
    const EventTime due = next_due(group, watermark());
    if (due != kNever) schedule(group, due);
  }
}

// A roster names keys of all shards.
bool AbsenceDetector::is_kept_here(const std::string& key) const {
  const std::optional<RegionId> region = keyer_.region({key});
  const bool is_divided = region && around_.shards.divides(rule());
  return is_divided ? around_.shards.owns(*region) : around_.shards.is_home_of(rule());
}

void AbsenceDetector::on_first_moved() {
  const EventTime judged = around_.timeline->settled_watermark(time_class());
  for (const auto& group : groups()) {
    if (group && group->last.seq == 0) schedule_by(*group, next_due(*group, judged));
  }
}

EventTime AbsenceDetector::base_of(const AbsenceGroup& group) const {
  if (group.recent.empty()) return around_.timeline->first(own_feeds());
  return group.recent.front().time;
}

EventTime AbsenceDetector::deadline(EventTime base, int64_t number) const {
  return add(add(base, times(detect().every, number)), detect().grace);
}

int64_t AbsenceDetector::missed_at(const AbsenceGroup& group, EventTime at) const {
  const EventTime base = base_of(group);
  if (base == kNever || !is_expected(group)) return 0;
  // No more than a guess below for calendar spans, whose length changes.
  const int64_t longest_every = std::max<int64_t>(longest(detect().every).count(), 1);
  int64_t number = (at - base - longest(detect().grace)).count() / longest_every;
  number = std::max<int64_t>(number, 0);
  while (deadline(base, number + 1) <= at) ++number;
  return number;
}

// Nothing has come since it was forgotten.
bool AbsenceDetector::is_unheard_of(const AbsenceGroup& group) {
  return !group.is_on_roster && group.reports == 0 && group.pending.empty();
}

bool AbsenceDetector::is_expected(const AbsenceGroup& group) const {
  if (group.is_on_roster) return true;
  if (group.last.seq == 0) return false;
  return !detect().learn || add(group.first, *detect().learn) <= group.last.time;
}

EventTime AbsenceDetector::forgotten_at(const AbsenceGroup& group) const {
  if (group.is_on_roster || group.last.seq == 0) return kNever;
  if (detect().forget) return add(group.last.time, *detect().forget);
  // Never learned: the first reports of a key that did not stay.
  if (detect().learn && !is_expected(group)) return add(group.last.time, *detect().learn);
  return kNever;
}

EventTime AbsenceDetector::next_judgement(const AbsenceGroup& group, EventTime now) const {
  const EventTime base = base_of(group);
  if (base == kNever || !is_expected(group)) return kNever;
  const int64_t missed = missed_at(group, now);
  EventTime next = std::min(deadline(base, missed + 1),
                            next_deadline(group.alert, rule().levels, rule().alert, now));
  // What is read beside the reports changes at its own times.
  if (reads_others() && missed > 0) next = std::min(next, days_.next_tick(now));
  return next;
}

EventTime AbsenceDetector::next_due(const AbsenceGroup& group, EventTime now) const {
  return std::min({forgotten_at(group), group.pending.due(), next_judgement(group, now)});
}

void AbsenceDetector::on_event(const Event& event, JournalSeq seq) {
  if (!selects(event)) return;
  // From who is not on a given list nothing is expected, also not after a report.
  AbsenceGroup* group = group_of(event, detect().roster.empty());
  if (group == nullptr) return;
  ++counters_.selected;
  touch(*group);
  Report report{.time = event.time,
                .source = event.source,
                .seq = seq,
                .tlp = event.tlp,
                .id = std::string(event.id)};
  const EventTime now = watermark();
  if (event.time < now) {
    ++counters_.late;
    if (forgotten_at(*group) <= now) forget(*group, now);  // what came as late before it
    take(*group, report, now);
  } else {
    // None is refused at the rule's limit: that would be told as silence.
    group->pending.insert(std::move(report));
    account(*group);
  }
  schedule_by(*group, next_due(*group, now));
}

void AbsenceDetector::take(AbsenceGroup& group, const Report& report, EventTime at) {
  ++group.reports;
  group.first = std::min(group.first, report.time);
  if (group.last.seq == 0 || is_before(group.last, report)) group.last = report;
  auto& recent = group.recent;
  const auto after =
      std::upper_bound(recent.begin(), recent.end(), report.time,
                       [](EventTime t, const PastReport& past) { return t < past.time; });
  recent.insert(after, {report.time, report.tlp});
  if (recent.size() > std::max(detect().at_least, 1u)) recent.erase(recent.begin());
  if (missed_at(group, at) > 0) {
    judge(group, at);
  } else if (group.alert.is_flapping() && !is_calm(group.alert, rule().alert, at)) {
    fall(group.alert, Level::kNone);
  } else if (group.alert.is_open()) {
    resolve(group, at, finding_of(group, at));
  } else {
    group.alert.close();  // what was pending has not come to be
  }
}

void AbsenceDetector::on_due(AbsenceGroup& group, EventTime due) {
  touch(group);
  auto report = group.pending.begin();
  for (; report != group.pending.end() && report->time < due; ++report) {
    take(group, *report, report->time);
  }
  group.pending.drop_before(report);
  if (forgotten_at(group) <= due) forget(group, due);
  if (is_unheard_of(group)) {
    let_go(group, due);
    return;
  }
  // Woken for a report, or for a deadline that a report has moved on, there is nothing to judge.
  if (next_judgement(group, due - kMoment) == due) judge(group, due);
  schedule_by(group, next_due(group, due));
}

void AbsenceDetector::forget(AbsenceGroup& group, EventTime at) {
  if (group.alert.is_open()) {
    Finding finding = finding_of(group, at);
    finding.condition = "no longer expected: " + finding.condition;
    resolve(group, at, std::move(finding));
  }
  group.alert.close();
  group.first = kNever;
  group.recent.clear();
  group.last = Report{};
  group.reports = 0;
}

void AbsenceDetector::set_variables(AbsenceGroup& group, EventTime at) {
  const AlertState& alert = group.alert;
  set_common(group, alert.level, at, alert.is_open() ? alert.starts_at : at);
  const int64_t missed = missed_at(group, at);
  own_variable(0) = cel::Value::of_int(missed);
  own_variable(1) = cel::Value();
  if (group.last.seq != 0) {
    const auto entries = around_.arena.array<cel::Entry>(2);
    entries[0] = {cel::Value::of_string("id"), cel::Value::of_string(group.last.id)};
    entries[1] = {cel::Value::of_string("time"), cel::timestamp_of(group.last.time)};
    own_variable(1) = cel::Value::of_map(entries);
  }
  const EventTime base = base_of(group);
  own_variable(2) =
      cel::timestamp_of(base == kNever ? at : deadline(base, std::max<int64_t>(missed, 1)));
}

void AbsenceDetector::judge(AbsenceGroup& group, EventTime at) {
  ++counters_.evaluations;
  const uint64_t errors = counters_.evaluation_errors;
  set_variables(group, at);
  const bool is_missing = missed_at(group, at) > 0;  // else it was woken to be calm
  const bool is_excused = is_missing && detect().unless && holds(*detect().unless, nullptr);
  // What was silent before it was armed is given its time anew.
  const bool is_early =
      is_armed() && armed_from() != kMinEventTime && deadline(armed_from(), 1) > at;
  const Verdict verdict = is_missing ? judge_levels(!is_excused && !is_early) : Verdict{};
  const bool is_error = counters_.evaluation_errors != errors;
  AlertState& alert = group.alert;
  const Level previous = alert.level;
  // An excuse (the feed itself is down) opens nothing, but it is no report either.
  const Step done = step(alert, rule().levels, rule().alert, verdict, at, is_excused || is_error);
  const bool had_error = std::exchange(alert.error, is_error && alert.is_open());
  bool has_news = had_error != alert.error;
  switch (done) {
    case Step::kFire:
      open(group, alert.level, at, at);
      announce(group, Action::kFire, Level::kNone, at, finding_of(group, at));
      has_news = false;
      break;
    case Step::kEscalate:
      announce(group, Action::kEscalate, previous, at, finding_of(group, at));
      has_news = false;
      break;
    case Step::kDeescalate:
      announce(group, Action::kDeescalate, previous, at, finding_of(group, at));
      has_news = false;
      break;
    case Step::kResolve:
      resolve(group, at, finding_of(group, at));
      return;
    case Step::kCalm:
      has_news = true;
      break;
    case Step::kNothing:
      if (!alert.is_open()) return;
      has_news = has_news || (alert.phase == Phase::kFiring &&
                              add(alert.last_at, rule().alert.update_every) <= at);
  }
  if (start_flapping(alert, rule().alert) || has_news) {
    announce(group, Action::kUpdate, alert.level, at, finding_of(group, at));
  }
}

Finding AbsenceDetector::finding_of(AbsenceGroup& group, EventTime at) {
  Finding finding;
  set_variables(group, at);
  const int64_t missed = own_variable(0).integer();
  finding.values.push_back({"missed", missed});
  const EventTime base = base_of(group);
  if (group.last.seq != 0) {
    finding.values.push_back({"last", format_time(group.last.time)});
    finding.evidence.add(group.last.seq, "last", group.last.tlp);
    finding.tlp = group.last.tlp;
  }
  for (const PastReport& past : group.recent) finding.tlp = std::max(finding.tlp, past.tlp);
  if (base != kNever) {
    finding.values.push_back({"due", format_time(deadline(base, std::max<int64_t>(missed, 1)))});
  }
  finding.events_counted = group.reports;
  if (missed == 0 && group.last.seq != 0) {
    finding.condition = fmt::format("reported again on {}", format_time(group.last.time));
  } else {
    const std::string since =
        group.last.seq == 0 ? "no report ever" : "no report since " + format_time(group.last.time);
    finding.condition = fmt::format("{}, expected every {}: missed = {}", since,
                                    format_span(detect().every), missed);
  }
  return finding;
}

void AbsenceDetector::write_group(ByteWriter& to, const AbsenceGroup& group) {
  to.u8(group.is_on_roster ? 1 : 0);
  to.time(group.first);
  to.u32(static_cast<uint32_t>(group.recent.size()));
  for (const PastReport& past : group.recent) {
    to.time(past.time);
    to.u8(static_cast<uint8_t>(past.tlp));
  }
  write_report(to, group.last);
  to.u64(group.reports);
  to.u32(static_cast<uint32_t>(group.pending.size()));
  for (const Report& report : group.pending) write_report(to, report);
}

void AbsenceDetector::read_group(ByteReader& from, AbsenceGroup& group) {
  group.is_on_roster = from.u8() != 0;
  group.first = from.time();
  group.recent.resize(from.count());
  for (PastReport& past : group.recent) {
    past.time = from.time();
    past.tlp = static_cast<Tlp>(from.u8());
  }
  group.last = read_report(from);
  group.reports = from.u64();
  for (size_t left = from.count(); left > 0; --left) group.pending.insert(read_report(from));
}

size_t AbsenceDetector::bytes_of(const AbsenceGroup& group) const {
  return group.pending.bytes() + group.last.id.size() + grown_bytes(group.recent);
}

}  // namespace tocsin::rules
