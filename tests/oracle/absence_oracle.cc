#include <fmt/format.h>

#include <algorithm>

#include "tests/oracle/judge.h"
#include "tests/oracle/kinds.h"
#include "tests/oracle/world.h"

namespace tocsin::rules::oracle {

namespace {

Span times(Span span, int64_t number) {
  return {.exact = span.exact * number, .months = span.months * static_cast<int>(number)};
}

// Reports of one key since it was first heard of, or was forgotten and heard of again; as they are
// taken.
using Stay = std::span<const Seen>;

class AbsenceJudge final : public Judge {
 public:
  AbsenceJudge(const Case& of, const Rule& rule, const Reading& reading, const Key& key,
               bool is_on_roster)
      : Judge(of, rule, reading, key), is_on_roster_(is_on_roster) {}

  // What has been reported up to now.
  void set_reports(Stay reports) { reports_ = reports; }
  bool is_expected() const {
    if (is_on_roster_) return true;
    if (reports_.empty()) return false;
    return !detect().learn || add(first(), *detect().learn) <= last()->event->time;
  }
  EventTime forgotten_at() const {
    if (is_on_roster_ || reports_.empty()) return kMaxEventTime;
    const EventTime newest = last()->event->time;
    if (detect().forget) return add(newest, *detect().forget);
    return detect().learn && !is_expected() ? add(newest, *detect().learn) : kMaxEventTime;
  }
  // The one that was due `number` times `every` after what counts; nullopt: nothing is known yet.
  std::optional<EventTime> deadline(int64_t number) const {
    const auto from = base();
    return from ? std::optional(add(add(*from, times(detect().every, number)), detect().grace))
                : std::nullopt;
  }
  int64_t missed(EventTime at) const {
    int64_t number = 0;
    while (is_expected() && deadline(number + 1) && *deadline(number + 1) <= at) ++number;
    return number;
  }

  void tell(Said& said) const override {
    said.numbers["missed"] = static_cast<double>(missed(said.at));
    const auto due = deadline(std::max<int64_t>(missed(said.at), 1));
    if (due) said.texts["due"] = format_time(*due);
    said.counted = reports_.size();
    said.events.emplace();
    if (reports_.empty()) return;
    said.texts["last"] = format_time(last()->event->time);
    said.events->insert(of_.journal.name_of(last()->seq));
  }

 protected:
  std::optional<bool> look(EventTime at) override {
    variables_.set_int("missed", missed(at));
    is_excused_ = detect().unless && variables_.truth(*detect().unless).value_or(false);
    // What was silent before it was armed has its time again from then on.
    const bool is_too_early = !reading_.is_always_armed() &&
                              add(add(armed_from_at(at), detect().every), detect().grace) > at;
    return missed(at) > 0 && !is_excused_ && !is_too_early;
  }

 public:
  bool is_excused() const { return is_excused_; }

 private:
  const AbsenceDetect& detect() const { return std::get<AbsenceDetect>(rule_.detect); }
  EventTime armed_from_at(EventTime at) const {
    return reading_.armed_from(reading_.armed_by(key_, at));
  }
  EventTime first() const {
    EventTime first = kMaxEventTime;
    for (const Seen& seen : reports_) first = std::min(first, seen.event->time);
    return first;
  }
  const Seen* last() const {
    return &*std::max_element(reports_.begin(), reports_.end(), [](const Seen& a, const Seen& b) {
      return std::tie(a.event->time, a.event->source, a.event->id) <
             std::tie(b.event->time, b.event->source, b.event->id);
    });
  }
  // The report from which so many on are as many as were asked for.
  std::optional<EventTime> base() const {
    if (reports_.empty()) {
      return of_.journal.first_of(senders(of_.catalogue(), rule_.indicators));
    }
    std::vector<EventTime> newest;
    for (const Seen& seen : reports_) newest.push_back(seen.event->time);
    std::sort(newest.begin(), newest.end(), std::greater<>());
    return newest[std::min<size_t>(newest.size(), detect().at_least) - 1];
  }

  bool is_on_roster_;
  bool is_excused_ = false;
  Stay reports_;
};

class Absences {
 public:
  Absences(const Case& of, const Rule& rule) : of_(of), rule_(rule), reading_(of, rule) {}

  std::vector<Said> says() {
    Groups groups = groups_of(of_, rule_);
    for (const std::string& name : detect().roster) groups[{name}];
    for (auto& [key, reports] : groups) {
      const bool is_on_roster = std::find(detect().roster.begin(), detect().roster.end(),
                                          key.front()) != detect().roster.end();
      if (!detect().roster.empty() && !is_on_roster) continue;
      sort_as_taken(reports);
      AbsenceJudge judge(of_, rule_, reading_, key, is_on_roster);
      follow(judge, reports);
    }
    return std::move(all_);
  }

 private:
  const AbsenceDetect& detect() const { return std::get<AbsenceDetect>(rule_.detect); }
  bool reads_others() const { return !rule_.signals.empty() || rule_.arming != nullptr; }

  // From one report that is enough to the next, or to when the key is forgotten.
  void follow(AbsenceJudge& judge, const std::vector<Seen>& reports) {
    size_t first = 0;  // of the stay
    EventTime from = kMinEventTime;
    judged_.clear();
    told_.clear();
    silent_from_ = 0;
    for (size_t i = 0; i <= reports.size(); ++i) {
      const EventTime next = i < reports.size() ? reports[i].taken() : of_.end + Milliseconds{1};
      Stay stay(reports.begin() + static_cast<std::ptrdiff_t>(first), i - first);
      judge.set_reports(stay);
      const EventTime gone = judge.forgotten_at();
      judge_between(judge, stay, from, std::min(next, gone - Milliseconds{1}));
      if (gone <= next && gone <= of_.end) {
        close(stay, gone, Ending::kGone);
        first = i;
      }
      if (i == reports.size() || next >= of_.end) break;
      stay = Stay(reports.begin() + static_cast<std::ptrdiff_t>(first), i + 1 - first);
      judge.set_reports(stay);
      if (judge.missed(next) > 0) {
        judge_at(judge, stay, next);
      } else {
        close(stay, next, Ending::kReported);
      }
      from = next;
    }
    tell_all(judge);
  }

  // All times in (from, to] at which more are missed, or what they were before runs out.
  void judge_between(AbsenceJudge& judge, Stay stay, EventTime from, EventTime to) {
    to = std::min(to, of_.end);
    std::set<EventTime> times;
    std::set<EventTime> deadlines;
    for (int64_t n = 1; judge.is_expected() && judge.deadline(n) && *judge.deadline(n) <= to; ++n) {
      deadlines.insert(*judge.deadline(n));
    }
    const auto add_time = [&](EventTime t) {
      if (t > from && t <= to && !deadlines.empty() && t >= *deadlines.begin()) times.insert(t);
    };
    std::set<EventTime> starts = deadlines;
    for (size_t i = silent_from_; i < judged_.size(); ++i) starts.insert(judged_[i].at);
    for (const EventTime t : starts) {
      add_time(t);
      add_time(tocsin::add(t, rule_.alert.pending));
      add_time(tocsin::add(t, rule_.alert.keep_firing_for));
      for (const LevelSpec& level : rule_.levels) add_time(tocsin::add(t, level.hold));
    }
    for (EventTime day = kStart; reads_others() && day <= to; day += kDay) add_time(day);
    // In order, with the times at which what flaps is calm.
    while (true) {
      const auto calm = calm_after(rule_, judged_);
      const bool is_calm_next =
          calm && *calm > from && *calm <= to && (times.empty() || *calm < *times.begin());
      if (!is_calm_next && times.empty()) return;
      const EventTime next = is_calm_next ? *calm : *times.begin();
      times.erase(next);
      if (judge.missed(next) > 0) {
        judge_at(judge, stay, next);
      } else {
        close(stay, next, Ending::kReported);
      }
      from = next;
    }
  }

  void judge_at(AbsenceJudge& judge, Stay stay, EventTime at) {
    Judged judged = judge.judged_at(at);
    judged.only_up = judge.is_excused();
    judged_.push_back(judged);
    told_.push_back(stay);
  }

  // Enough has been reported, or nothing is expected any more: what is open ends at once.
  void close(Stay stay, EventTime at, Ending ending) {
    judged_.push_back(
        {.at = at, .levels = std::vector<LevelTruth>(rule_.levels.size()), .ending = ending});
    told_.push_back(stay);
    silent_from_ = judged_.size();
  }

  void tell_all(AbsenceJudge& judge) {
    for (const Turn& turn : turns_of(rule_, judged_)) {
      Said said;
      said.group = judge.key();
      said.action = turn.action;
      said.level = turn.level;
      said.at = turn.at;
      said.starts_at = turn.starts_at;
      tell(judge, told_[turn.place], said);
    }
  }

  void tell(AbsenceJudge& judge, Stay stay, Said said) {
    judge.set_reports(stay);
    said.numbers.clear();
    said.texts.clear();
    judge.tell(said);
    all_.push_back(std::move(said));
  }

  const Case& of_;
  const Rule& rule_;
  Reading reading_;
  std::vector<Judged> judged_;
  std::vector<Stay> told_;  // reports by then
  size_t silent_from_ = 0;  // in judged_: what came after the last report that was enough
  std::vector<Said> all_;
};

}  // namespace

std::vector<Said> absence_says(const Case& of, const Rule& rule) {
  return Absences(of, rule).says();
}

}  // namespace tocsin::rules::oracle
