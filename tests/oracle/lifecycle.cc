#include "tests/oracle/lifecycle.h"

#include <algorithm>
#include <optional>

namespace tocsin::rules::oracle {

namespace {

// Looks at everything that was judged, from the time of a turn backwards.
class Life {
 public:
  Life(const Rule& rule, std::span<const Judged> judged) : rule_(rule), judged_(judged) {}

  std::vector<Turn> turns() {
    for (size_t i = 0; i < judged_.size(); ++i) {
      held_.push_back(Held::kNo);
      if (is_open()) {
        go_on(i);
      } else {
        begin(i);
      }
    }
    return std::move(turns_);
  }

 private:
  enum class Held : uint8_t { kNo, kYes, kUnknown };

  bool is_open() const { return !turns_.empty() && turns_.back().action != Action::kResolve; }
  EventTime at(size_t i) const { return judged_[i].at; }
  int level_count() const { return static_cast<int>(rule_.levels.size()); }
  const LevelTruth& truth(size_t i, int level) const {
    return judged_[i].levels[static_cast<size_t>(level)];
  }
  int current() const {
    int found = -1;
    for (int k = 0; k < level_count(); ++k) {
      if (rule_.levels[static_cast<size_t>(k)].level == turns_.back().level) found = k;
    }
    return found;
  }

  // The first of the times without a gap up to `i` at which it was so.
  template <typename Predicate>
  EventTime since(size_t i, Predicate&& is_so) const {
    while (i > 0 && is_so(i - 1)) --i;
    return at(i);
  }
  bool some_enters(size_t i) const {
    return std::any_of(judged_[i].levels.begin(), judged_[i].levels.end(),
                       [](const LevelTruth& level) { return level.enters; });
  }
  bool has_held(size_t i, int level) const {
    if (!truth(i, level).enters) return false;
    const EventTime from = since(i, [&](size_t j) { return truth(j, level).enters; });
    return add(from, rule_.levels[static_cast<size_t>(level)].hold) <= at(i);
  }

  void turn(size_t i, Action action, int level) {
    Turn turn{.place = i,
              .action = action,
              .level = rule_.levels[static_cast<size_t>(level)].level,
              .at = at(i),
              .starts_at = at(i)};
    if (action != Action::kFire) turn.starts_at = turns_.back().starts_at;
    turns_.push_back(turn);
  }

  void begin(size_t i) {
    if (!some_enters(i)) return;
    const EventTime from = since(i, [&](size_t j) { return some_enters(j); });
    if (add(from, rule_.alert.pending) > at(i)) return;
    for (int k = level_count() - 1; k >= 0; --k) {
      if (!has_held(i, k)) continue;
      turn(i, Action::kFire, k);
      held_[i] = Held::kYes;
      return;
    }
  }

  int target(size_t i) const {
    int target = -1;
    for (int k = 0; k < level_count(); ++k) {
      const bool holds = k <= current() ? truth(i, k).stays != Truth::kNo : has_held(i, k);
      if (holds) target = k;
    }
    if (target >= current()) return target;
    if (judged_[i].only_up) return current();
    if (rule_.alert.max_step_down == 0) return target;
    for (size_t t = turns_.size(); t-- > 0 && turns_[t].action != Action::kFire;) {
      if (turns_[t].action != Action::kDeescalate) continue;
      if (add(turns_[t].at, rule_.alert.step_down_every) > at(i)) return current();
      break;
    }
    return std::max(target, current() - static_cast<int>(rule_.alert.max_step_down));
  }

  void go_on(size_t i) {
    const int to = target(i);
    const int from = current();
    if (to < 0) {
      end(i, from);
      return;
    }
    const bool is_known = !judged_[i].only_up && truth(i, to).stays != Truth::kUnknown;
    held_[i] = is_known || to > from ? Held::kYes : Held::kUnknown;
    // Nothing moves what recovers but what is known.
    if (held_[i] == Held::kUnknown && recovering_since(i - 1)) return;
    if (to != from) turn(i, to > from ? Action::kEscalate : Action::kDeescalate, to);
  }

  // When the alert last began to recover; nullopt: it does not.
  std::optional<EventTime> recovering_since(size_t i) const {
    std::optional<EventTime> since;
    for (; i > 0 && held_[i] != Held::kYes; --i) {
      if (held_[i] == Held::kNo) since = at(i);
    }
    return since;
  }

  void end(size_t i, int level) {
    const auto from = recovering_since(i);
    if (add(*from, rule_.alert.keep_firing_for) <= at(i)) turn(i, Action::kResolve, level);
  }

  const Rule& rule_;
  std::span<const Judged> judged_;
  std::vector<Turn> turns_;
  std::vector<Held> held_;
};

constexpr Milliseconds kMoment{1};

// The matches of one episode.
class Episode {
 public:
  Episode(const Rule& rule, std::span<const Match> matches) : rule_(rule), matches_(matches) {}

  // Highest level among the matches [from, to) that are not over at `t`.
  Level level_at(size_t from, size_t to, EventTime t) const {
    Level highest = Level::kNone;
    for (size_t i = from; i < to; ++i) {
      if (over(i) > t) highest = std::max(highest, matches_[i].level);
    }
    return highest;
  }
  // When none of that level is left.
  EventTime level_over(size_t from, size_t to, Level level) const {
    EventTime last = kMinEventTime;
    for (size_t i = from; i < to; ++i) {
      if (matches_[i].level == level) last = std::max(last, over(i));
    }
    return last;
  }

 private:
  EventTime over(size_t i) const {
    return std::max(add(matches_[i].at, rule_.alert.hold), matches_[i].at + kMoment);
  }

  const Rule& rule_;
  std::span<const Match> matches_;
};

}  // namespace

std::vector<Turn> turns_of(const Rule& rule, std::span<const Judged> judged) {
  return Life(rule, judged).turns();
}

std::vector<Turn> turns_of_matches(const Rule& rule, std::span<const Match> matches,
                                   EventTime end) {
  const Episode episode(rule, matches);
  std::vector<Turn> turns;
  size_t first = 0;
  const auto is_open = [&] { return !turns.empty() && turns.back().action != Action::kResolve; };
  const auto turn = [&](Action action, Level level, size_t to, EventTime at) {
    turns.push_back({to - 1, action, level, at, matches[first].starts});
  };
  // What ends before `t`, of the matches before `to`.
  const auto pass = [&](size_t to, EventTime t) {
    while (is_open()) {
      const Level level = turns.back().level;
      const EventTime over = episode.level_over(first, to, level);
      if (over >= t) return;
      const Level left = episode.level_at(first, to, over);
      if (left == Level::kNone) {
        turn(Action::kResolve, level, to, over);
      } else {
        turn(Action::kDeescalate, left, to, over);
      }
    }
  };
  for (size_t i = 0; i < matches.size(); ++i) {
    pass(i, matches[i].joins_at_end ? matches[i].at : matches[i].at + kMoment);
    if (!is_open()) {
      first = i;
      turn(Action::kFire, matches[i].level, i + 1, matches[i].at);
    } else if (matches[i].level > turns.back().level) {
      turn(Action::kEscalate, matches[i].level, i + 1, matches[i].at);
    }
  }
  pass(matches.size(), end + kMoment);
  return turns;
}

size_t first_of_episode(std::span<const Turn> turns, size_t turn) {
  while (turns[turn].action != Action::kFire) --turn;
  return turns[turn].place;
}

}  // namespace tocsin::rules::oracle
