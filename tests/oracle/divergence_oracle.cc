#include "tests/oracle/judge.h"
#include "tests/oracle/kinds.h"
#include "tests/oracle/numbers.h"
#include "tests/oracle/world.h"

namespace tocsin::rules::oracle {

namespace {

class DivergenceJudge final : public Judge {
 public:
  DivergenceJudge(const Case& of, const Rule& rule, const Reading& reading, const Ticks& ticks,
                  const Key& key)
      : Judge(of, rule, reading, key), ticks_(ticks) {}

  void tell(Said& said) const override {
    said.numbers["coverage"] = std::min(better_.coverage, worse_.coverage);
    if (is_known()) {
      said.numbers["better"] = *better_.value;
      said.numbers["worse"] = *worse_.value;
    }
    for (size_t i = 0; i < parts().size(); ++i) {
      if (changes_[i]) said.numbers["change." + parts()[i].name] = *changes_[i];
    }
  }

 protected:
  std::optional<bool> look(EventTime at) override {
    changes_.clear();
    for (const DivergencePart& part : parts()) changes_.push_back(change_of(part, ticks_.from(at)));
    better_ = side(true);
    worse_ = side(false);
    variables_.set("coverage", std::min(better_.coverage, worse_.coverage));
    if (!is_known()) return std::nullopt;
    variables_.set("better", *better_.value);
    variables_.set("worse", *worse_.value);
    return variables_.truth(detect().when);
  }

 private:
  struct Side {
    double coverage = 0;
    std::optional<double> value;
  };

  const DivergenceDetect& detect() const { return std::get<DivergenceDetect>(rule_.detect); }
  const std::vector<DivergencePart>& parts() const { return detect().parts; }
  bool is_known() const { return better_.value && worse_.value; }

  std::optional<double> change_of(const DivergencePart& part, size_t now) const {
    std::vector<Point> points;
    for (size_t i = 0; i < detect().panes; ++i) {
      const size_t pane = now - detect().panes + i;
      const auto figure =
          reading_.figure(part.signal, key_, ticks_[pane], ticks_[pane + 1], ticks_[now]);
      if (figure) points.emplace_back(static_cast<double>(i), *figure);
    }
    if (points.size() < detect().min_points) return std::nullopt;
    const double change = change_in_noise(points, detect().panes, part.noise);
    return part.is_falling ? -change : change;
  }

  Side side(bool is_better) const {
    double all = 0, weights = 0, sum = 0;
    for (size_t i = 0; i < parts().size(); ++i) {
      if (parts()[i].is_better != is_better) continue;
      all += parts()[i].weight;
      if (!changes_[i]) continue;
      weights += parts()[i].weight;
      sum += parts()[i].weight * *changes_[i];
    }
    Side side{.coverage = weights / all, .value = std::nullopt};
    if (weights > 0 && side.coverage >= detect().coverage) side.value = sum / weights;
    return side;
  }

  const Ticks& ticks_;
  std::vector<std::optional<double>> changes_;
  Side better_;
  Side worse_;
};

}  // namespace

std::vector<Said> divergence_says(const Case& of, const Rule& rule) {
  const auto& detect = std::get<DivergenceDetect>(rule.detect);
  const Ticks ticks(detect.pane, rule.zone, kStart, of.end);
  const Reading reading(of, rule);
  Groups groups;
  for (const Seen& seen : of.journal.seen_by(rule)) {
    const auto key = key_of(of.catalogue(), rule, *seen.event);
    const bool is_part = std::any_of(
        detect.parts.begin(), detect.parts.end(),
        [&](const DivergencePart& part) { return reading.is_counted(part.signal, *seen.event); });
    if (key && is_part) groups[*key].push_back(seen);
  }
  std::vector<Said> all;
  for (const auto& [key, events] : groups) {
    DivergenceJudge judge(of, rule, reading, ticks, key);
    for (Said& said : said_at_ticks(judge, ticks, first_tick(ticks, events), ticks.size() - 1)) {
      all.push_back(std::move(said));
    }
  }
  return all;
}

}  // namespace tocsin::rules::oracle
