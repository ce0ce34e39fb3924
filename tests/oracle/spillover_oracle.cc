#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "tests/oracle/judge.h"
#include "tests/oracle/kinds.h"
#include "tests/oracle/over_alerts.h"
#include "tests/oracle/world.h"

namespace tocsin::rules::oracle {

namespace {

// Fewest borders between two countries; nullopt: more than `most`.
std::optional<uint32_t> hops_between(const Catalogue& catalogue, RegionId from, RegionId to,
                                     uint32_t most) {
  if (from == to) return 0;
  if (most == 0) return std::nullopt;
  std::optional<uint32_t> fewest;
  for (const RegionId next : catalogue.neighbours(from)) {
    const auto hops = hops_between(catalogue, next, to, most - 1);
    if (hops && (!fewest || *hops + 1 < *fewest)) fewest = *hops + 1;
  }
  return fewest;
}

class SpilloverJudge final : public Judge {
 public:
  SpilloverJudge(const Case& of, const Rule& rule, const Reading& reading, RegionId place,
                 const std::vector<Stretch>& stretches)
      : Judge(of, rule, reading, {of.catalogue().region(place).id}),
        country_(of.catalogue().region(place).country) {
    for (const Stretch& stretch : stretches) {
      if (is_selected(of, detect().alerts, stretch)) stretches_.push_back(stretch);
    }
  }

  void tell(Said& said) const override {
    said.numbers["pressure"] = pressure_;
    said.texts["neighbours"] = fmt::format("{}", fmt::join(pressing_, ", "));
    said.unchecked.insert("alerts");
  }

 protected:
  std::optional<bool> look(EventTime at) override {
    std::vector<std::pair<double, std::string>> shares;
    for (const RegionId other : places_of(of_.catalogue(), RegionLevel::kCountry)) {
      const auto hops = hops_between(of_.catalogue(), country_, other, detect().hops);
      if (!hops || *hops == 0) continue;
      const double share = score_of(other, at) * std::pow(detect().hop_decay, *hops - 1.0);
      if (share > 0) shares.emplace_back(-share, of_.catalogue().region(other).id);
    }
    std::sort(shares.begin(), shares.end());
    pressure_ = 0;
    pressing_.clear();
    for (const auto& [share, id] : shares) {
      pressure_ -= share;
      pressing_.push_back(id);
    }
    variables_.set("pressure", pressure_);
    variables_.set_texts("neighbours", pressing_);
    if (pressure_ < detect().pressure) return false;
    return detect().own ? variables_.truth(*detect().own) : true;
  }

 private:
  const SpilloverDetect& detect() const { return std::get<SpilloverDetect>(rule_.detect); }

  // The highest of the country's alerts as they stood before `at`.
  double score_of(RegionId country, EventTime at) const {
    double highest = 0;
    for (const Stretch& stretch : stretches_) {
      const bool stands = stretch.from < at && stretch.to >= at;
      if (!stands || of_.catalogue().region(stretch.region).country != country) continue;
      highest = std::max(highest, number_of(of_, detect().score, stretch).value_or(0));
    }
    return highest;
  }

  RegionId country_;
  std::vector<Stretch> stretches_;
  std::vector<std::string> pressing_;
  double pressure_ = 0;
};

}  // namespace

std::vector<Said> spillover_says(const Case& of, const Rule& rule,
                                 const std::vector<Said>& alerts) {
  const Ticks ticks(std::get<SpilloverDetect>(rule.detect).every, rule.zone, kStart, of.end);
  const Reading reading(of, rule);
  const std::vector<Stretch> stretches = stretches_of(of, alerts);
  std::vector<Said> all;
  for (const RegionId place : places_of(of.catalogue(), rule.by.front().level)) {
    SpilloverJudge judge(of, rule, reading, place, stretches);
    for (Said& said : said_at_ticks(judge, ticks, ticks.from(kStart), ticks.size() - 1)) {
      all.push_back(std::move(said));
    }
  }
  return all;
}

}  // namespace tocsin::rules::oracle
