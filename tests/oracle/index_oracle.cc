#include <cmath>

#include "tests/oracle/judge.h"
#include "tests/oracle/kinds.h"
#include "tests/oracle/world.h"

namespace tocsin::rules::oracle {

namespace {

constexpr double kGone = 1e-6;  // of a scale: nothing

// An event as a part of the index counts it.
struct PartEvent {
  Seen seen;
  size_t part = 0;
  double value = 0;
};

double scaled(const Scale& scale, double x) {
  const double s = scale.is_log ? std::log(1 + std::max(x, 0.0) / scale.unit) /
                                      std::log(1 + scale.full / scale.unit)
                                : (x - scale.from) / (scale.to - scale.from);
  return std::min(std::max(s, 0.0), 1.0);
}

class IndexJudge final : public Judge {
 public:
  IndexJudge(const Case& of, const Rule& rule, const Reading& reading, const Key& key,
             const std::vector<PartEvent>& events)
      : Judge(of, rule, reading, key), events_(events) {}

  void tell(Said& said) const override {
    said.numbers["coverage"] = coverage_;
    said.counted = 0;
    for (const PartEvent& event : events_) {
      const auto gone = gone_.lower_bound(said.at);  // of the ticks before, the last is next to it
      const bool is_old = gone != gone_.begin() && event.seen.counts_at(*std::prev(gone));
      *said.counted += event.seen.counts_at(said.at) && !is_old ? 1 : 0;
    }
    if (!is_known()) return;
    said.numbers["index"] = index_;
    said.numbers["risk"] = risk_;
    said.numbers["relief"] = relief_;
    for (size_t i = 0; i < parts().size(); ++i) {
      if (parts()[i].is_protective || !scaled_[i]) continue;
      double all = 0;
      for (size_t j = 0; j < parts().size(); ++j) {
        if (!parts()[j].is_protective) all += parts()[j].weight * scaled_[j].value_or(0);
      }
      const double share = all == 0 ? 0 : parts()[i].weight * *scaled_[i] / all;
      said.numbers["points." + parts()[i].name] = risk_ * share;
    }
  }

 protected:
  std::optional<bool> look(EventTime at) override {
    scaled_.clear();
    bool is_gone = true;
    for (size_t i = 0; i < parts().size(); ++i) {
      const auto value = value_of(i, at);
      scaled_.push_back(value ? std::optional(scaled(parts()[i].scale, *value)) : std::nullopt);
      const Scale& scale = parts()[i].scale;
      const double nothing = kGone * (scale.is_log ? scale.unit : std::abs(scale.to - scale.from));
      is_gone = is_gone && (parts()[i].events ? std::abs(*value) <= nothing : !value);
    }
    if (is_gone) gone_.insert(at);
    combine();
    variables_.set("coverage", coverage_);
    if (!is_known()) return std::nullopt;
    variables_.set("index", index_);
    variables_.set("risk", risk_);
    variables_.set("relief", relief_);
    return true;
  }

 private:
  const IndexDetect& detect() const { return std::get<IndexDetect>(rule_.detect); }
  const std::vector<IndexPart>& parts() const { return detect().parts; }
  bool is_known() const { return coverage_ > 0 && coverage_ >= detect().coverage; }

  std::optional<double> value_of(size_t i, EventTime at) const {
    if (!parts()[i].events) return reading_.signal(parts()[i].signal, key_, at, at);
    double sum = 0;
    for (const PartEvent& event : events_) {
      if (event.part != i || !event.seen.counts_at(at)) continue;
      const auto age = static_cast<double>((at - event.seen.event->time).count());
      sum += event.value * std::pow(2, -age / static_cast<double>(parts()[i].half_life.count()));
    }
    return sum;
  }

  // Σws and Σw of the risk parts that have a value, or of the protective ones.
  std::pair<double, double> weighted(bool is_protective) const {
    double weighted = 0, weights = 0;
    for (size_t i = 0; i < parts().size(); ++i) {
      if (parts()[i].is_protective != is_protective || !scaled_[i]) continue;
      weighted += parts()[i].weight * *scaled_[i];
      weights += parts()[i].weight;
    }
    return {weighted, weights};
  }

  double combined() const {
    const auto [sum, weights] = weighted(false);
    if (weights == 0) return 0;
    if (detect().combine == Combine::kWeightedMean) return sum / weights;
    double product = 1;
    for (size_t i = 0; i < parts().size(); ++i) {
      if (parts()[i].is_protective || !scaled_[i]) continue;
      product *= detect().combine == Combine::kNoisyOr
                     ? 1 - parts()[i].weight * *scaled_[i]
                     : std::pow(*scaled_[i], parts()[i].weight / weights);
    }
    return detect().combine == Combine::kNoisyOr ? 1 - product : product;
  }

  void combine() {
    double all = 0;
    bool is_critical = false;
    for (size_t i = 0; i < parts().size(); ++i) {
      if (!parts()[i].is_protective) all += parts()[i].weight;
      const bool is_high = parts()[i].critical && scaled_[i] && *scaled_[i] >= *parts()[i].critical;
      is_critical = is_critical || is_high;
    }
    coverage_ = weighted(false).second / all;
    risk_ = 100 * combined();
    const auto [shielded, shields] = weighted(true);
    const double protection = shields > 0 ? shielded / shields : 0;
    relief_ = is_critical ? 0 : risk_ * detect().max_relief * protection;
    index_ = risk_ - relief_;
  }

  const std::vector<PartEvent>& events_;
  std::vector<std::optional<double>> scaled_;
  double coverage_ = 0;
  double risk_ = 0;
  double relief_ = 0;
  double index_ = 0;
  std::set<EventTime> gone_;  // ticks at which nothing was left: the group began anew
};

}  // namespace

std::vector<Said> index_says(const Case& of, const Rule& rule) {
  const auto& detect = std::get<IndexDetect>(rule.detect);
  const Ticks ticks(detect.every, rule.zone, kStart, of.end);
  const Reading reading(of, rule);
  Groups groups;  // what shows that there is something to judge
  std::map<Key, std::vector<PartEvent>> parts;
  for (const Seen& seen : of.journal.seen_by(rule)) {
    const auto key = key_of(of.catalogue(), rule, *seen.event);
    if (!key) continue;
    for (size_t i = 0; i < detect.parts.size(); ++i) {
      const IndexPart& part = detect.parts[i];
      if (!part.events) {
        if (reading.is_counted(part.signal, *seen.event)) groups[*key].push_back(seen);
        continue;
      }
      if (!is_true_of(*part.events, *seen.event)) continue;
      groups[*key].push_back(seen);
      const auto value = part.of ? number_of(*part.of, *seen.event) : std::optional(1.0);
      if (value) parts[*key].push_back({seen, i, *value});
    }
  }
  std::vector<Said> all;
  for (const auto& [key, events] : groups) {
    IndexJudge judge(of, rule, reading, key, parts[key]);
    for (Said& said : said_at_ticks(judge, ticks, first_tick(ticks, events), ticks.size() - 1)) {
      all.push_back(std::move(said));
    }
  }
  return all;
}

}  // namespace tocsin::rules::oracle
