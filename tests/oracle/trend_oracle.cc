#include "tests/oracle/judge.h"
#include "tests/oracle/kinds.h"
#include "tests/oracle/numbers.h"
#include "tests/oracle/world.h"

namespace tocsin::rules::oracle {

namespace {

class TrendJudge final : public Judge {
 public:
  TrendJudge(const Case& of, const Rule& rule, const Reading& reading, const Ticks& ticks,
             const Key& key, const std::vector<Seen>& events)
      : Judge(of, rule, reading, key), ticks_(ticks), events_(events) {}

  void tell(Said& said) const override {
    said.numbers["n"] = static_cast<double>(points_.size());
    if (is_known()) {
      said.numbers["slope"] = slope_;
      said.numbers["p"] = p_;
      said.numbers["first"] = points_.front().second;
      said.numbers["last"] = points_.back().second;
    }
    tell_events(window_, said);
  }

 protected:
  std::optional<bool> look(EventTime at) override {
    const size_t place = ticks_.from(at);
    window_ = between(events_, ticks_[place - detect().series.panes], at, at);
    take_points(place);
    variables_.set_int("n", static_cast<int64_t>(points_.size()));
    if (!is_known()) return std::nullopt;
    const double a_pane = detect().least_squares ? least_squares(points_) : theil_sen(points_);
    slope_ = a_pane * detect().panes_per_unit;
    p_ = mann_kendall(points_);
    variables_.set("slope", slope_);
    variables_.set("p", p_);
    variables_.set("first", points_.front().second);
    variables_.set("last", points_.back().second);
    if (detect().p && p_ > *detect().p) return false;
    return detect().is_falling ? slope_ <= detect().slope : slope_ >= detect().slope;
  }

 private:
  const TrendDetect& detect() const { return std::get<TrendDetect>(rule_.detect); }
  bool is_known() const { return points_.size() >= detect().min_points; }

  // The value of one pane. What adds up is 0 where nothing came, once the group was heard of.
  std::optional<double> value_of(size_t pane, size_t now) const {
    const auto events = between(events_, ticks_[pane], ticks_[pane + 1], ticks_[now]);
    const Amount amount = amount_of(detect().series, events);
    if (amount.values > 0) return amount.number;
    const AggregateKind kind = detect().series.aggregate;
    const bool adds_up = kind == AggregateKind::kCount || kind == AggregateKind::kSum ||
                         kind == AggregateKind::kDistinct;
    const bool is_heard_of = pane >= first_pane_of(events_, ticks_, now, detect().series.panes);
    return adds_up && is_heard_of ? std::optional(0.0) : std::nullopt;
  }

  void take_points(size_t now) {
    points_.clear();
    const size_t panes = detect().series.panes;
    for (size_t i = 0; i < panes; ++i) {
      auto value = value_of(now - panes + i, now);
      if (!value && detect().hold && !points_.empty()) value = points_.back().second;
      if (value) points_.emplace_back(static_cast<double>(i), *value);
    }
  }

  const Ticks& ticks_;
  const std::vector<Seen>& events_;
  std::vector<Seen> window_;
  std::vector<Point> points_;
  double slope_ = 0;
  double p_ = 1;
};

}  // namespace

std::vector<Said> trend_says(const Case& of, const Rule& rule) {
  const Ticks ticks(std::get<TrendDetect>(rule.detect).series.every, rule.zone, kStart, of.end);
  const Reading reading(of, rule);
  std::vector<Said> all;
  for (const auto& [key, events] : groups_of(of, rule)) {
    TrendJudge judge(of, rule, reading, ticks, key, events);
    for (Said& said : said_at_ticks(judge, ticks, first_tick(ticks, events), ticks.size() - 1)) {
      all.push_back(std::move(said));
    }
  }
  return all;
}

}  // namespace tocsin::rules::oracle
