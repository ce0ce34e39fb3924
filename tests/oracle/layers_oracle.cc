#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "tests/oracle/judge.h"
#include "tests/oracle/kinds.h"
#include "tests/oracle/over_alerts.h"
#include "tests/oracle/world.h"

namespace tocsin::rules::oracle {

namespace {

// A stretch as one place counts it.
struct Layer {
  Stretch stretch;
  std::string key;
  double weight = 1;
};

class LayersJudge final : public Judge {
 public:
  LayersJudge(const Case& of, const Rule& rule, const Reading& reading, RegionId place,
              const std::vector<Stretch>& stretches)
      : Judge(of, rule, reading, {of.catalogue().region(place).id}) {
    for (const Stretch& stretch : stretches) {
      const double weight = weight_of(stretch.region, place);
      if (weight == 0 || !is_selected(of, detect().alerts, stretch)) continue;
      if (const auto key = text_of(of, detect().distinct, stretch)) {
        layers_.push_back({stretch, *key, weight});
      }
    }
  }

  void tell(Said& said) const override {
    said.numbers["distinct"] = distinct_;
    said.texts["drivers"] = fmt::format("{}", fmt::join(keys_, ", "));
    said.unchecked.insert("alerts");
  }

 protected:
  std::optional<bool> look(EventTime at) override {
    const EventTime from = subtract(at, detect().window);
    keys_.clear();
    std::set<size_t> alerts;
    for (const Layer& layer : layers_) {
      if (!is_there(layer, from, at)) continue;
      keys_.insert(layer.key);
      alerts.insert(layer.stretch.alert);
    }
    distinct_ = detect().min_overlap.is_zero() ? sum_in(from, at) : sum_together(from, at);
    variables_.set("distinct", distinct_);
    variables_.set_texts("drivers", {keys_.begin(), keys_.end()});
    variables_.set_int("alerts", static_cast<int64_t>(alerts.size()));
    return true;
  }

 private:
  const LayersDetect& detect() const { return std::get<LayersDetect>(rule_.detect); }

  // The place's own and those of its parts count whole, those of what it is a part of by half.
  double weight_of(RegionId region, RegionId place) const {
    const Catalogue& catalogue = of_.catalogue();
    if (region == place) return 1;
    if (!detect().roll_up) return 0;
    if (lifted(catalogue, region, catalogue.region(place).level) == place) return 1;
    return lifted(catalogue, place, catalogue.region(region).level) == region ? 0.5 : 0;
  }

  static bool is_there(const Layer& layer, EventTime from, EventTime to) {
    return layer.stretch.from < to && layer.stretch.to > from;
  }

  // The heaviest of each key, of those there at some time in [from, to).
  double sum_in(EventTime from, EventTime to) const {
    std::map<std::string, double> heaviest;
    for (const Layer& layer : layers_) {
      if (!is_there(layer, from, to)) continue;
      heaviest[layer.key] = std::max(heaviest[layer.key], layer.weight);
    }
    double sum = 0;
    for (const auto& [key, weight] : heaviest) sum += weight;
    return sum;
  }

  // The greatest sum that was there, or more, for `min_overlap` in all.
  double sum_together(EventTime from, EventTime to) const {
    std::set<EventTime> edges = {from, to};
    for (const Layer& layer : layers_) {
      edges.insert(std::clamp(layer.stretch.from, from, to));
      edges.insert(std::clamp(layer.stretch.to, from, to));
    }
    const std::vector<EventTime> at(edges.begin(), edges.end());
    std::set<double> sums;
    for (size_t i = 1; i < at.size(); ++i) sums.insert(sum_in(at[i - 1], at[i]));
    double greatest = 0;
    for (const double sum : sums) {
      Milliseconds together{0};
      for (size_t i = 1; i < at.size(); ++i) {
        if (sum_in(at[i - 1], at[i]) >= sum) together += at[i] - at[i - 1];
      }
      if (add(from, detect().min_overlap) <= from + together) greatest = std::max(greatest, sum);
    }
    return greatest;
  }

  std::vector<Layer> layers_;
  std::set<std::string> keys_;
  double distinct_ = 0;
};

}  // namespace

std::vector<Said> layers_says(const Case& of, const Rule& rule, const std::vector<Said>& alerts) {
  const Ticks ticks(std::get<LayersDetect>(rule.detect).every, rule.zone, kStart, of.end);
  const Reading reading(of, rule);
  const std::vector<Stretch> stretches = stretches_of(of, alerts);
  std::vector<Said> all;
  for (const RegionId place : places_of(of.catalogue(), rule.by.front().level)) {
    LayersJudge judge(of, rule, reading, place, stretches);
    for (Said& said : said_at_ticks(judge, ticks, ticks.from(kStart), ticks.size() - 1)) {
      all.push_back(std::move(said));
    }
  }
  return all;
}

}  // namespace tocsin::rules::oracle
