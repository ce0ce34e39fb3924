#include "tests/oracle/kinds.h"
#include "tests/oracle/lifecycle.h"
#include "tests/oracle/reading.h"

namespace tocsin::rules::oracle {

namespace {

Level level_of(const Rule& rule, const Reading& reading, const Key& key, const Event& event) {
  Variables variables(rule);
  reading.fill(variables, key, event.time);
  if (!reading.is_always_armed() && reading.armed_by(key, event.time) == nullptr) {
    return Level::kNone;
  }
  Level level = Level::kNone;
  for (const LevelSpec& spec : rule.levels) {
    const bool holds = !spec.when || variables.truth(*spec.when, &event).value_or(false);
    if (holds) level = spec.level;
  }
  return level;
}

}  // namespace

std::vector<Said> event_says(const Case& of, const Rule& rule) {
  const Reading reading(of, rule);
  std::vector<Said> all;
  for (auto& [key, events] : groups_of(of, rule)) {
    sort_as_taken(events);
    std::vector<Match> matches;
    std::vector<Seen> matched;
    for (const Seen& seen : events) {
      const Level level = level_of(rule, reading, key, *seen.event);
      if (level == Level::kNone || seen.taken() >= of.end) continue;
      matches.push_back({seen.taken(), seen.event->time, level});
      matched.push_back(seen);
    }
    const auto turns = turns_of_matches(rule, matches, of.end);
    for (size_t t = 0; t < turns.size(); ++t) {
      Said& said = all.emplace_back();
      said.group = key;
      said.action = turns[t].action;
      said.level = turns[t].level;
      said.at = turns[t].at;
      said.starts_at = turns[t].starts_at;
      const Event& latest = *matched[turns[t].place].event;
      if (latest.has_value()) said.numbers["value"] = latest.value;
      said.events.emplace();
      for (size_t i = first_of_episode(turns, t); i <= turns[t].place; ++i) {
        said.events->insert(of.journal.name_of(matched[i].seq));
      }
      said.counted = said.events->size();
    }
  }
  return all;
}

}  // namespace tocsin::rules::oracle
