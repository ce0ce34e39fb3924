#include <cmath>

#include "tests/oracle/judge.h"
#include "tests/oracle/kinds.h"
#include "tests/oracle/numbers.h"
#include "tests/oracle/world.h"

namespace tocsin::rules::oracle {

namespace {

double ratio(double k, const std::vector<double>& x) { return (k + 1) / (mean(x) + 1); }

double z_score(double k, const std::vector<double>& x, bool is_robust) {
  const double centre = is_robust ? median(x) : mean(x);
  const double spread = is_robust ? 1.4826 * median_deviation(x) : std::sqrt(sample_variance(x));
  return (k - centre) / std::max(spread, 0.5);
}

double score_by(SurgeMethod method, double k, const std::vector<double>& x, bool is_robust) {
  switch (method) {
    case SurgeMethod::kPoisson:
      return poisson_surprise(k, x);
    case SurgeMethod::kNegativeBinomial:
      return negative_binomial_surprise(k, x);
    case SurgeMethod::kZScore:
      return z_score(k, x, is_robust);
    case SurgeMethod::kRatio:
      return ratio(k, x);
  }
  return 0;
}

class SurgeJudge final : public Judge {
 public:
  SurgeJudge(const Case& of, const Rule& rule, const Reading& reading, const Ticks& ticks,
             const Key& key, const std::vector<Seen>& events)
      : Judge(of, rule, reading, key), ticks_(ticks), events_(events) {}

  void tell(Said& said) const override {
    said.numbers = {{"k", k_},
                    {"score", score_},
                    {"surprise", surprise_},
                    {"ratio", ratio(k_, past_)},
                    {"baseline.mean", mean(past_)},
                    {"baseline.sd", std::sqrt(sample_variance(past_))},
                    {"baseline.median", median(past_)},
                    {"baseline.n", static_cast<double>(past_.size())}};
    // How likely a part of an event is, no table tells.
    if (k_ != std::floor(k_)) said.unchecked.insert("surprise");
    tell_events(current_, said);
  }

 protected:
  std::optional<bool> look(EventTime at) override {
    const size_t place = ticks_.from(at);
    const size_t panes = detect().measure.panes;
    current_ = window(place, place, panes);
    k_ = amount_of(detect().measure, current_).number.value_or(0);
    take_past(place);
    score_ = surprise_ = 0;
    const bool is_warming = past_.size() < detect().min_history;
    if (!is_warming) {
      const bool is_poisson = detect().method == SurgeMethod::kPoisson;
      score_ = score_by(detect().method, k_, past_, detect().robust);
      surprise_ = is_poisson ? score_ : negative_binomial_surprise(k_, past_);
    }
    variables_.set("k", k_);
    variables_.set("score", score_);
    variables_.set("surprise", surprise_);
    variables_.set("ratio", ratio(k_, past_));
    if (is_warming || k_ < detect().floor || score_ < detect().at_least) return false;
    return !detect().confirm ||
           score_by(*detect().confirm, k_, past_, detect().robust) >= detect().confirm_at_least;
  }

 private:
  const SurgeDetect& detect() const { return std::get<SurgeDetect>(rule_.detect); }

  // Panes from the oldest that is looked at to the tick.
  size_t reach() const {
    return size_t{detect().measure.panes} * (detect().history + 1) + detect().gap;
  }

  // The window that ends at `end`, as of the tick at `now`: without what sources tell that came
  // inside of all that is looked at.
  std::vector<Seen> window(size_t now, size_t end, size_t panes) const {
    const EventTime oldest = ticks_[now - reach()];
    std::vector<Seen> found;
    for (const Seen& seen : between(events_, ticks_[end - panes], ticks_[end], ticks_[now])) {
      const auto& onboarded = of_.catalogue().source(seen.event->source).onboarded;
      if (detect().stable_sources && onboarded && *onboarded > oldest) continue;
      found.push_back(seen);
    }
    return found;
  }

  void take_past(size_t now) {
    const size_t panes = detect().measure.panes;
    const size_t begin = first_pane_of(events_, ticks_, now, reach());
    past_.clear();
    for (size_t i = 0; i < detect().history; ++i) {
      const size_t end = now - panes - detect().gap - i * panes;
      if (end < panes + begin) break;
      past_.push_back(amount_of(detect().measure, window(now, end, panes)).number.value_or(0));
    }
  }

  const Ticks& ticks_;
  const std::vector<Seen>& events_;
  std::vector<Seen> current_;
  std::vector<double> past_;
  double k_ = 0;
  double score_ = 0;
  double surprise_ = 0;
};

}  // namespace

std::vector<Said> surge_says(const Case& of, const Rule& rule) {
  const Ticks ticks(std::get<SurgeDetect>(rule.detect).measure.every, rule.zone, kStart, of.end);
  const Reading reading(of, rule);
  std::vector<Said> all;
  for (const auto& [key, events] : groups_of(of, rule)) {
    SurgeJudge judge(of, rule, reading, ticks, key, events);
    for (Said& said : said_at_ticks(judge, ticks, first_tick(ticks, events), ticks.size() - 1)) {
      all.push_back(std::move(said));
    }
  }
  return all;
}

}  // namespace tocsin::rules::oracle
