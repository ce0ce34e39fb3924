#include <algorithm>

#include "tests/oracle/kinds.h"
#include "tests/oracle/lifecycle.h"
#include "tests/oracle/reading.h"

namespace tocsin::rules::oracle {

namespace {

constexpr const char* kAbsent = "∅";

// An event with its term, and what became of it.
struct Sighting {
  Seen seen;
  std::vector<std::string> term;
  bool is_noted = false;  // learned or told, not refused at the limit
  bool is_new = false;    // and to be told
  bool is_new_to_parent = false;
  size_t terms = 0;  // known to the group then, this one included
};

std::optional<std::vector<std::string>> term_of(const NewTermDetect& detect, const Event& event) {
  std::vector<std::string> term;
  for (const cel::Program& part : detect.term) {
    Arena arena(4096);
    const cel::Outcome outcome = part.run(&event, {}, arena);
    if (outcome.ok() && outcome.value.kind() == cel::Kind::kString) {
      term.emplace_back(outcome.value.text());
    } else if (detect.missing_is_term) {
      term.emplace_back(kAbsent);
    } else {
      return std::nullopt;
    }
  }
  return term;
}

EventTime since(const NewTermDetect& detect, EventTime at) {
  const EventTime start = subtract(at, detect.history);
  if (!detect.history.is_calendar()) return start;
  return EventTime(std::chrono::floor<std::chrono::days>(start));
}

// Whether one that comes as number `i` of a group is learned only: those before it, since the
// group was last silent for its history, are too few and too near.
bool is_learned_only(const NewTermDetect& detect, const std::vector<Sighting>& all, size_t i) {
  if (!detect.learn_for && !detect.learn_events) return false;
  EventTime first = kMaxEventTime;
  EventTime newest = kMinEventTime;
  size_t events = 0;
  for (size_t j = 0; j <= i; ++j) {
    const EventTime t = all[j].seen.event->time;
    if (newest < since(detect, t)) {
      first = kMaxEventTime;
      events = 0;
      newest = kMinEventTime;
    }
    if (j == i) break;
    first = std::min(first, t);
    newest = std::max(newest, t);
    ++events;
  }
  const EventTime at = all[i].seen.event->time;
  if (detect.learn_events && events >= *detect.learn_events) return false;
  return !detect.learn_for || at < add(std::min(first, at), *detect.learn_for);
}

// Different terms among those noted before number `i` that it still knows of.
std::set<std::vector<std::string>> known_before(const NewTermDetect& detect,
                                                const std::vector<Sighting>& all, size_t i) {
  std::set<std::vector<std::string>> known;
  for (size_t j = 0; j < i; ++j) {
    const bool is_remembered = all[j].seen.event->time >= since(detect, all[i].seen.event->time);
    if (all[j].is_noted && is_remembered) known.insert(all[j].term);
  }
  return known;
}

void judge_group(const NewTermDetect& detect, std::vector<Sighting>& all) {
  for (size_t i = 0; i < all.size(); ++i) {
    const auto known = known_before(detect, all, i);
    const bool is_known = known.contains(all[i].term);
    all[i].is_noted = is_known || known.size() < detect.max_terms;
    all[i].is_new = !is_known && all[i].is_noted && !is_learned_only(detect, all, i);
    all[i].terms = known.size() + 1;
  }
}

// What another group of the country has noted by the time that this one is decided.
bool is_decided_before(const Seen& other, const Seen& one) {
  if (!other.is_late()) return one.is_late() ? other.event->time < one.known : true;
  return one.is_late() ? other.seq < one.seq : other.known <= one.event->time;
}

bool has_seen(const NewTermDetect& detect, const std::vector<Sighting>& others,
              const Sighting& one) {
  const EventTime at = one.seen.event->time;
  return std::any_of(others.begin(), others.end(), [&](const Sighting& other) {
    const EventTime t = other.seen.event->time;
    const bool is_in_time = t >= since(detect, at) && (t < at || (one.seen.is_late() && t != at));
    return other.is_noted && other.term == one.term && is_in_time &&
           is_decided_before(other.seen, one.seen);
  });
}

class NewTerms {
 public:
  NewTerms(const Case& of, const Rule& rule) : of_(of), rule_(rule), reading_(of, rule) {
    for (auto& [key, events] : groups_of(of, rule)) {
      sort_as_taken(events);
      for (const Seen& seen : events) {
        if (const auto term = term_of(detect(), *seen.event)) {
          groups_[key].push_back({.seen = seen, .term = *term});
        }
      }
    }
    for (auto& [key, all] : groups_) judge_group(detect(), all);
    for (auto& [key, all] : groups_) ask_country(key, all);
  }

  std::vector<Said> says() {
    std::vector<Said> all;
    for (const auto& [key, sightings] : groups_) {
      for (Said& said : of_group(key, sightings)) all.push_back(std::move(said));
    }
    return all;
  }

 private:
  const NewTermDetect& detect() const { return std::get<NewTermDetect>(rule_.detect); }

  // The keys with the country in place of the region.
  std::optional<Key> parent_of(const Key& key) const {
    const auto region = region_of(of_.catalogue(), rule_.by, key);
    if (!region) return std::nullopt;
    Key parent = key;
    for (size_t i = 0; i < key.size(); ++i) {
      const auto country = *lifted(of_.catalogue(), *region, RegionLevel::kCountry);
      if (rule_.by[i].kind == GroupKey::Kind::kRegion)
        parent[i] = of_.catalogue().region(country).id;
    }
    return parent;
  }

  void ask_country(const Key& key, std::vector<Sighting>& all) {
    const auto parent = parent_of(key);
    if (!detect().also_new_to_country || !parent) return;
    for (Sighting& one : all) {
      one.is_new_to_parent = std::none_of(groups_.begin(), groups_.end(), [&](const auto& group) {
        return group.first != key && parent_of(group.first) == parent &&
               has_seen(detect(), group.second, one);
      });
    }
  }

  Level level_of(const Key& key, const Sighting& one) const {
    const Event& event = *one.seen.event;
    if (!reading_.is_always_armed() && reading_.armed_by(key, event.time) == nullptr) {
      return Level::kNone;
    }
    Variables variables(rule_);
    reading_.fill(variables, key, event.time);
    variables.set_texts("term", one.term);
    variables.set_text("new_to", one.is_new_to_parent ? "parent" : "group");
    variables.set_int("terms", static_cast<int64_t>(one.terms));
    Level level = Level::kNone;
    for (const LevelSpec& spec : rule_.levels) {
      if (!spec.when || variables.truth(*spec.when, &event).value_or(false)) level = spec.level;
    }
    return level;
  }

  std::vector<Said> of_group(const Key& key, const std::vector<Sighting>& sightings) const {
    std::vector<Match> matches;
    std::vector<const Sighting*> matched;
    for (const Sighting& one : sightings) {
      if (!one.is_new || one.seen.taken() >= of_.end) continue;
      const Level level = level_of(key, one);
      if (level == Level::kNone) continue;
      matches.push_back({one.seen.taken(), one.seen.event->time, level});
      matched.push_back(&one);
    }
    std::vector<Said> all;
    const auto turns = turns_of_matches(rule_, matches, of_.end);
    for (size_t t = 0; t < turns.size(); ++t) {
      Said& said = all.emplace_back();
      said.group = key;
      said.action = turns[t].action;
      said.level = turns[t].level;
      said.at = turns[t].at;
      said.starts_at = turns[t].starts_at;
      const Sighting& latest = *matched[turns[t].place];
      said.numbers["terms"] = static_cast<double>(latest.terms);
      if (latest.seen.event->has_value()) said.numbers["value"] = latest.seen.event->value;
      said.texts["new_to"] = latest.is_new_to_parent ? "parent" : "group";
      for (const std::string& part : latest.term) {
        std::string& term = said.texts["term"];
        term += (term.empty() ? "" : ", ") + part;
      }
      said.events.emplace();
      for (size_t i = first_of_episode(turns, t); i <= turns[t].place; ++i) {
        said.events->insert(of_.journal.name_of(matched[i]->seen.seq));
      }
      said.counted = said.events->size();
    }
    return all;
  }

  const Case& of_;
  const Rule& rule_;
  Reading reading_;
  std::map<Key, std::vector<Sighting>> groups_;
};

}  // namespace

std::vector<Said> new_term_says(const Case& of, const Rule& rule) {
  return NewTerms(of, rule).says();
}

}  // namespace tocsin::rules::oracle
