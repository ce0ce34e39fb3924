#include "tests/oracle/lifecycle.h"

#include <algorithm>
#include <optional>

namespace tocsin::rules::oracle {

namespace {

constexpr Milliseconds kDayLong = std::chrono::hours(24);
constexpr Milliseconds kMoment{1};
constexpr size_t kBearable = 4;  // swings in a day

// Looks at everything that was judged, from the time of a turn backwards.
//
// `own_` are the turns that there would be if nothing were held for flapping; `told_` are those
// that there are. They part where the alert has swung too often and meet again when it is calm.
class Life {
 public:
  Life(const Rule& rule, std::span<const Judged> judged) : rule_(rule), judged_(judged) {
    for (size_t i = 0; i < judged_.size(); ++i) {
      held_.push_back(Held::kNo);
      live(i);
    }
  }

  std::vector<Turn> told() { return std::move(told_); }
  std::optional<EventTime> calm_after() const {
    return is_flapping_ ? std::optional(at(swings_.back().place) + kDayLong) : std::nullopt;
  }

 private:
  // A fire, a return from recovering, an escalation after a de-escalation.
  struct Swing {
    size_t place = 0;
    size_t own = 0;  // the first of own_ that it is or that came after it
  };

  void live(size_t i) {
    const size_t own_before = own_.size();
    const bool was_recovering = is_open() && recovering_since(i - 1);
    if (is_open()) {
      go_on(i);
    } else {
      begin(i);
    }
    if (swings(i, own_before, was_recovering)) swings_.push_back({i, own_before});
    if (is_flapping_) {
      hold(i);
    } else {
      tell_own(own_before);
      is_flapping_ = rule_.alert.holds_flapping && is_open() && swings_in_a_day(i) > kBearable;
    }
  }

  bool swings(size_t i, size_t own_before, bool was_recovering) const {
    if (was_recovering && is_open() && held_[i] == Held::kYes) return true;
    if (own_.size() == own_before) return false;
    if (own_.back().action == Action::kFire) return true;
    if (own_.back().action != Action::kEscalate) return false;
    const size_t from = swings_.empty() ? base_own_ : std::max(base_own_, swings_.back().own);
    for (size_t k = from; k < own_before; ++k) {
      if (own_[k].action == Action::kDeescalate) return true;
    }
    return false;
  }

  size_t swings_in_a_day(size_t i) const {
    return static_cast<size_t>(
        std::count_if(swings_.begin(), swings_.end(),
                      [&](const Swing& swing) { return at(swing.place) > at(i) - kDayLong; }));
  }

  void hold(size_t i) {
    const Level held = told_.back().level;
    const bool has_risen = is_open() && own_.back().level > held;
    if (has_risen) tell(i, Action::kEscalate, own_.back().level);
    if (judged_[i].ending == Ending::kGone) {
      is_flapping_ = false;
      tell(i, Action::kResolve, held);
      return;
    }
    if (swings_in_a_day(i) > 0 || judged_[i].only_up) return;
    is_flapping_ = false;
    swings_.clear();
    base_ = i;
    base_own_ = own_.size();
    own_.push_back({i, Action::kFire, told_.back().level, at(i), at(i)});
    if (has_risen) return;
    held_[i] = Held::kNo;
    go_on(i);
    tell_own(base_own_ + 1);
  }

  void tell_own(size_t from) {
    for (size_t k = from; k < own_.size(); ++k) tell(own_[k].place, own_[k].action, own_[k].level);
  }
  void tell(size_t i, Action action, Level level) {
    const EventTime starts = action == Action::kFire ? at(i) : told_.back().starts_at;
    told_.push_back({i, action, level, at(i), starts});
  }

  enum class Held : uint8_t { kNo, kYes, kUnknown };

  bool is_open() const { return !own_.empty() && own_.back().action != Action::kResolve; }
  EventTime at(size_t i) const { return judged_[i].at; }
  int level_count() const { return static_cast<int>(rule_.levels.size()); }
  const LevelTruth& truth(size_t i, int level) const {
    return judged_[i].levels[static_cast<size_t>(level)];
  }
  int current() const {
    int found = -1;
    for (int k = 0; k < level_count(); ++k) {
      if (rule_.levels[static_cast<size_t>(k)].level == own_.back().level) found = k;
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
    own_.push_back({i, action, rule_.levels[static_cast<size_t>(level)].level, at(i), at(i)});
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
    for (size_t t = own_.size(); t-- > 0 && own_[t].action != Action::kFire;) {
      if (own_[t].action != Action::kDeescalate) continue;
      if (add(own_[t].at, rule_.alert.step_down_every) > at(i)) return current();
      break;
    }
    return std::max(target, current() - static_cast<int>(rule_.alert.max_step_down));
  }

  void go_on(size_t i) {
    const int from = current();
    if (judged_[i].ending != Ending::kNone) {
      turn(i, Action::kResolve, from);
      return;
    }
    const int to = target(i);
    if (to < 0) {
      end(i, from);
      return;
    }
    const bool is_known = !judged_[i].only_up && truth(i, to).stays != Truth::kUnknown;
    held_[i] = is_known || to > from ? Held::kYes : Held::kUnknown;
    // Nothing moves what recovers but what is known.
    if (held_[i] == Held::kUnknown && i > base_ && recovering_since(i - 1)) return;
    if (to != from) turn(i, to > from ? Action::kEscalate : Action::kDeescalate, to);
  }

  // When the alert last began to recover; nullopt: it does not.
  std::optional<EventTime> recovering_since(size_t i) const {
    std::optional<EventTime> since;
    for (; i > 0 && held_[i] != Held::kYes; --i) {
      if (held_[i] == Held::kNo) since = at(i);
      if (i == base_) break;
    }
    return since;
  }

  void end(size_t i, int level) {
    const auto from = recovering_since(i);
    if (add(*from, rule_.alert.keep_firing_for) <= at(i)) turn(i, Action::kResolve, level);
  }

  const Rule& rule_;
  std::span<const Judged> judged_;
  std::vector<Turn> own_;
  std::vector<Turn> told_;
  std::vector<Held> held_;
  std::vector<Swing> swings_;  // since it was last calm
  bool is_flapping_ = false;
  size_t base_ = 0;  // where it was last found calm, and went on from the level that it had
  size_t base_own_ = 0;
};

// The life of an alert over matches, with `own_` and `told_` as above.
class MatchLife {
 public:
  MatchLife(const Rule& rule, std::span<const Match> matches) : rule_(rule), matches_(matches) {}

  std::vector<Turn> turns(EventTime end) {
    for (size_t i = 0; i < matches_.size(); ++i) {
      pass(i, matches_[i].joins_at_end ? matches_[i].at : matches_[i].at + kMoment);
      take(i);
    }
    pass(matches_.size(), end + kMoment);
    return std::move(told_);
  }

 private:
  static bool is_open(const std::vector<Turn>& turns) {
    return !turns.empty() && turns.back().action != Action::kResolve;
  }
  EventTime over(size_t i) const {
    return std::max(add(matches_[i].at, rule_.alert.hold), matches_[i].at + kMoment);
  }
  // Highest level among the matches before `to` that are not over at `t`.
  Level level_at(size_t to, EventTime t) const {
    Level highest = Level::kNone;
    for (size_t i = first_; i < to; ++i) {
      if (over(i) > t) highest = std::max(highest, matches_[i].level);
    }
    return highest;
  }
  // When none of that level is left.
  EventTime level_over(size_t to, Level level) const {
    EventTime last = kMinEventTime;
    for (size_t i = first_; i < to; ++i) {
      if (matches_[i].level == level) last = std::max(last, over(i));
    }
    return last;
  }

  void own(size_t to, Action action, Level level, EventTime at) {
    own_.push_back({to - 1, action, level, at, at});
    if (!is_flapping_) tell(to, action, level, at);
  }
  void tell(size_t to, Action action, Level level, EventTime at) {
    told_.push_back({to - 1, action, level, at, matches_[first_].starts});
  }

  void take(size_t i) {
    const Match& match = matches_[i];
    const bool was_open = is_open(own_);
    if (was_open && match.level <= own_.back().level) return;
    const bool swings = !was_open || own_.back().action == Action::kDeescalate;
    if (!is_open(told_)) first_ = i;
    if (is_flapping_ && match.level > told_.back().level) {
      tell(i + 1, Action::kEscalate, match.level, match.at);
    }
    own(i + 1, was_open ? Action::kEscalate : Action::kFire, match.level, match.at);
    if (!swings) return;
    swings_.push_back(match.at);
    const auto young = std::count_if(swings_.begin(), swings_.end(),
                                     [&](EventTime swing) { return swing > match.at - kDayLong; });
    is_flapping_ =
        is_flapping_ || (rule_.alert.holds_flapping && static_cast<size_t>(young) > kBearable);
  }

  // What ends before `t`, of the matches before `to`.
  void pass(size_t to, EventTime t) {
    while (is_open(told_)) {
      const EventTime over = is_open(own_) ? level_over(to, own_.back().level) : kMaxEventTime;
      const EventTime calm = is_flapping_ ? swings_.back() + kDayLong : kMaxEventTime;
      const EventTime next = std::min(over, calm);
      if (next >= t) return;
      if (over == next) go_down(to, own_.back().level, over);
      if (calm != next) continue;
      is_flapping_ = false;
      swings_.clear();
      const Level held = told_.back().level;
      own_.push_back({to - 1, Action::kFire, held, calm, calm});
      if (level_at(to, calm) < held) go_down(to, held, calm);
    }
  }
  void go_down(size_t to, Level from, EventTime at) {
    const Level left = level_at(to, at);
    if (left == Level::kNone) {
      own(to, Action::kResolve, from, at);
    } else {
      own(to, Action::kDeescalate, left, at);
    }
  }

  const Rule& rule_;
  std::span<const Match> matches_;
  size_t first_ = 0;  // of the episode that is told
  std::vector<Turn> own_;
  std::vector<Turn> told_;
  std::vector<EventTime> swings_;  // since it was last calm
  bool is_flapping_ = false;
};

}  // namespace

std::vector<Turn> turns_of(const Rule& rule, std::span<const Judged> judged) {
  return Life(rule, judged).told();
}

std::optional<EventTime> calm_after(const Rule& rule, std::span<const Judged> judged) {
  return Life(rule, judged).calm_after();
}

std::vector<Turn> turns_of_matches(const Rule& rule, std::span<const Match> matches,
                                   EventTime end) {
  return MatchLife(rule, matches).turns(end);
}

size_t first_of_episode(std::span<const Turn> turns, size_t turn) {
  while (turns[turn].action != Action::kFire) --turn;
  return turns[turn].place;
}

}  // namespace tocsin::rules::oracle
