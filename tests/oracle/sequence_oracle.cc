#include <algorithm>

#include "tests/oracle/kinds.h"
#include "tests/oracle/lifecycle.h"
#include "tests/oracle/sequence_run.h"

namespace tocsin::rules::oracle {

namespace {

// One group of a sequence.
class Sequences {
 public:
  Sequences(const Case& of, const Rule& rule, const Reading& reading, const Key& key,
            const std::vector<Seen>& events)
      : of_(of),
        rule_(rule),
        reading_(reading),
        key_(key),
        events_(events),
        finder_(of, rule, reading, key, events) {}

  std::vector<Said> says() {
    find_runs();
    std::vector<const Run*> complete;
    for (const Run& run : runs_) {
      if (run.is_complete && run.over.at <= last_moment(run)) complete.push_back(&run);
    }
    std::stable_sort(complete.begin(), complete.end(),
                     [](const Run* a, const Run* b) { return a->over < b->over; });
    std::vector<Match> matches;
    std::vector<const Run*> matched;
    for (const Run* run : complete) {
      const Level level = level_of(*run);
      if (level == Level::kNone) continue;
      const bool is_of_wait = run->over.place == 0;
      matches.push_back({run->over.at, run->over.at, level, is_of_wait});
      matched.push_back(run);
    }
    return said_of(matches, matched);
  }

 private:
  const SequenceDetect& detect() const { return std::get<SequenceDetect>(rule_.detect); }
  EventTime start(const Run& run) const { return events_[run.taken.front().second].event->time; }
  EventTime last_step(const Run& run) const { return events_[run.taken.back().second].event->time; }
  // A wait is over at its time, an event is taken a moment after its own.
  EventTime last_moment(const Run& run) const {
    return run.over.place == 0 ? of_.end : of_.end - Milliseconds{1};
  }

  // Each event begins a run if it may: not when it completes another one, nor when too many are
  // open, of which the oldest go on.
  void find_runs() {
    for (size_t i = 0; i < events_.size(); ++i) {
      const Moment now{events_[i].event->time, i + 1};
      drop_shared(now);
      const bool completes = std::any_of(runs_.begin(), runs_.end(), [&](const Run& run) {
        return run.is_complete && run.over == now;
      });
      if (completes && detect().skip_past_last) continue;
      const auto open =
          std::count_if(runs_.begin(), runs_.end(), [&](const Run& run) { return run.over > now; });
      if (open >= detect().max_open) continue;
      if (auto run = finder_.follow_from(i)) runs_.push_back(std::move(*run));
    }
    drop_shared({kMaxEventTime, 0});
  }

  // Runs that are complete up to `now` share no event with others: those begun up to the last
  // event of the first one complete are gone with it.
  void drop_shared(Moment now) {
    if (!detect().skip_past_last) return;
    while (true) {
      Run* first = nullptr;
      for (Run& run : runs_) {
        if (!run.is_complete || run.over > now || settled_.contains(start_place(run))) continue;
        if (first == nullptr || run.over < first->over) first = &run;
      }
      if (first == nullptr) return;
      settled_.insert(start_place(*first));
      for (Run& run : runs_) {
        if (&run == first || run.over < first->over || settled_.contains(start_place(run)))
          continue;
        if (start(run) > last_step(*first)) continue;
        run.is_complete = false;
        run.over = first->over;
      }
    }
  }
  static size_t start_place(const Run& run) { return run.taken.front().second; }

  Level level_of(const Run& run) const {
    Variables variables(rule_);
    finder_.fill(variables, run);
    reading_.fill(variables, key_, run.over.at);
    Level level = Level::kNone;
    for (const LevelSpec& spec : rule_.levels) {
      if (!spec.when || variables.truth(*spec.when).value_or(false)) level = spec.level;
    }
    return level;
  }

  std::vector<Said> said_of(const std::vector<Match>& matches,
                            const std::vector<const Run*>& matched) const {
    std::vector<Said> all;
    const auto turns = turns_of_matches(rule_, matches, of_.end);
    for (size_t t = 0; t < turns.size(); ++t) {
      Said& said = all.emplace_back();
      said.group = key_;
      said.action = turns[t].action;
      said.level = turns[t].level;
      said.at = turns[t].at;
      said.starts_at = turns[t].starts_at;
      said.events.emplace();
      for (const auto& [step, event] : matched[turns[t].place]->taken) {
        said.texts[detect().steps[step].name] = format_time(events_[event].event->time);
        said.events->insert(of_.journal.name_of(events_[event].seq));
      }
      said.counted = 0;
      for (size_t i = first_of_episode(turns, t); i <= turns[t].place; ++i) {
        *said.counted += matched[i]->taken.size();
      }
    }
    return all;
  }

  const Case& of_;
  const Rule& rule_;
  const Reading& reading_;
  const Key& key_;
  const std::vector<Seen>& events_;
  RunFinder finder_;
  std::vector<Run> runs_;
  std::set<size_t> settled_;  // first events of complete runs that stand
};

}  // namespace

std::vector<Said> sequence_says(const Case& of, const Rule& rule) {
  const Reading reading(of, rule);
  std::vector<Said> all;
  for (auto& [key, events] : groups_of(of, rule)) {
    // What comes late has been judged without.
    std::erase_if(events, [](const Seen& seen) { return seen.is_late(); });
    for (Said& said : Sequences(of, rule, reading, key, events).says()) {
      all.push_back(std::move(said));
    }
  }
  return all;
}

}  // namespace tocsin::rules::oracle
