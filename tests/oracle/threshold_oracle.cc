#include "tests/oracle/judge.h"
#include "tests/oracle/kinds.h"
#include "tests/oracle/world.h"

namespace tocsin::rules::oracle {

namespace {

bool is_whole(AggregateKind kind) {
  return kind == AggregateKind::kCount || kind == AggregateKind::kDistinct;
}

class ThresholdJudge final : public Judge {
 public:
  ThresholdJudge(const Case& of, const Rule& rule, const Reading& reading, const Ticks& ticks,
                 const Key& key, const std::vector<Seen>& events)
      : Judge(of, rule, reading, key), ticks_(ticks), events_(events) {}

  void tell(Said& said) const override {
    for (size_t i = 0; i < measures().size(); ++i) {
      if (numbers_[i]) said.numbers[measures()[i].name] = *numbers_[i];
    }
    tell_events(widest_, said);
  }

 protected:
  std::optional<bool> look(EventTime at) override {
    const size_t place = ticks_.from(at);
    numbers_.clear();
    size_t most = 0;
    for (const Measure& measure : measures()) {
      const auto events = window(place, measure.panes);
      const auto number = amount_of(measure, events).number;
      numbers_.push_back(number);
      if (measure.panes > most) widest_ = events;
      most = std::max<size_t>(most, measure.panes);
      if (!number) continue;
      if (is_whole(measure.aggregate)) {
        variables_.set_int(measure.name, static_cast<int64_t>(*number));
      } else {
        variables_.set(measure.name, *number);
      }
    }
    return variables_.truth(detect().when);
  }

 private:
  const ThresholdDetect& detect() const { return std::get<ThresholdDetect>(rule_.detect); }
  const std::vector<Measure>& measures() const { return detect().measures; }

  // In whole panes, also where it begins with what armed the rule.
  std::vector<Seen> window(size_t place, size_t panes) const {
    size_t first = place - panes;
    while (first < place && ticks_[first] < armed_from()) ++first;
    return between(events_, ticks_[first], ticks_[place], ticks_[place]);
  }

  const Ticks& ticks_;
  const std::vector<Seen>& events_;
  std::vector<std::optional<double>> numbers_;
  std::vector<Seen> widest_;
};

}  // namespace

std::vector<Said> threshold_says(const Case& of, const Rule& rule) {
  const auto& detect = std::get<ThresholdDetect>(rule.detect);
  const Ticks ticks(detect.measures.front().every, rule.zone, kStart, of.end);
  const Reading reading(of, rule);
  std::vector<Said> all;
  for (const auto& [key, events] : groups_of(of, rule)) {
    ThresholdJudge judge(of, rule, reading, ticks, key, events);
    for (Said& said : said_at_ticks(judge, ticks, first_tick(ticks, events), ticks.size() - 1)) {
      all.push_back(std::move(said));
    }
  }
  return all;
}

}  // namespace tocsin::rules::oracle
