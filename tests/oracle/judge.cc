#include "tests/oracle/judge.h"

namespace tocsin::rules::oracle {

namespace {

Truth truth_of(std::optional<bool> is_so) {
  if (!is_so.has_value()) return Truth::kUnknown;
  return is_so.value() ? Truth::kYes : Truth::kNo;
}

Truth opposite(Truth truth) {
  if (truth == Truth::kUnknown) return truth;
  return truth == Truth::kYes ? Truth::kNo : Truth::kYes;
}

}  // namespace

Judged Judge::judged_at(EventTime at) {
  variables_.clear();
  reading_.fill(variables_, key_, at);
  armed_by_ = reading_.is_always_armed() ? nullptr : reading_.armed_by(key_, at);
  const std::optional<bool> base = look(at);
  Judged judged{.at = at, .levels = std::vector<LevelTruth>(rule_.levels.size())};
  // What is not at work decides nothing: no level begins, and none goes on.
  if (!reading_.is_always_armed() && armed_by_ == nullptr) return judged;
  for (size_t i = 0; i < rule_.levels.size(); ++i) {
    const LevelSpec& level = rule_.levels[i];
    std::optional<bool> enters = base;
    if (base == true && level.when) enters = variables_.truth(*level.when);
    judged.levels[i].enters = enters == true;
    judged.levels[i].stays =
        level.exit ? opposite(truth_of(variables_.truth(*level.exit))) : truth_of(enters);
  }
  return judged;
}

std::vector<Seen> Judge::between(const std::vector<Seen>& events, EventTime from, EventTime to,
                                 EventTime at) {
  std::vector<Seen> found;
  for (const Seen& seen : events) {
    const EventTime t = seen.event->time;
    if (t >= from && t < to && seen.counts_at(at)) found.push_back(seen);
  }
  return found;
}

void Judge::tell_events(const std::vector<Seen>& events, Said& said) const {
  said.counted = events.size();
  said.events.emplace();
  for (const Seen& seen : events) said.events->insert(of_.journal.name_of(seen.seq));
}

std::vector<Said> said_at_ticks(Judge& judge, const Ticks& ticks, size_t from, size_t to) {
  std::vector<Judged> judged;
  for (size_t i = from; i <= to && i < ticks.size(); ++i)
    judged.push_back(judge.judged_at(ticks[i]));
  std::vector<Said> all;
  for (const Turn& turn : turns_of(judge.rule(), judged)) {
    Said& said = all.emplace_back();
    said.group = judge.key();
    said.action = turn.action;
    said.level = turn.level;
    said.at = turn.at;
    said.starts_at = turn.starts_at;
    judge.judged_at(turn.at);
    judge.tell(said);
  }
  return all;
}

size_t first_tick(const Ticks& ticks, const std::vector<Seen>& events) {
  size_t first = ticks.size();
  for (const Seen& seen : events) first = std::min(first, ticks.after(seen.taken()));
  return first;
}

}  // namespace tocsin::rules::oracle
