#include "rules/kinds/spillover.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

namespace tocsin::rules {

SpilloverDetector::SpilloverDetector(Surroundings& around, const Rule& rule, RuleIndex index,
                                     Timeline::ClassId time_class)
    : OverAlertsDetector(around, rule, index, time_class) {
  on_rebind();
}

void SpilloverDetector::take_neighbours(RegionId country) {
  neighbours_.clear();
  std::set<RegionId> seen = {country};
  std::vector<RegionId> edge = {country};
  for (uint32_t hops = 1; hops <= detect().hops; ++hops) {
    std::vector<RegionId> next;
    for (const RegionId from : edge) {
      for (const RegionId to : around_.catalogue->neighbours(from)) {
        if (!seen.insert(to).second) continue;
        next.push_back(to);
        neighbours_.push_back({to, hops});
      }
    }
    edge = std::move(next);
  }
}

void SpilloverDetector::on_alert(const BoardEntry& entry, EventTime at) {
  const Catalogue& catalogue = *around_.catalogue;
  take_neighbours(catalogue.region(entry.region).country);
  for (const Neighbour& neighbour : neighbours_) {
    if (level_of_groups() == RegionLevel::kCountry) {
      wake(neighbour.country, at);
      continue;
    }
    for (size_t i = 0; i < catalogue.regions().size(); ++i) {
      const Region& region = catalogue.regions()[i];
      if (region.country == neighbour.country && region.level == level_of_groups()) {
        wake(static_cast<RegionId>(i), at);
      }
    }
  }
}

double SpilloverDetector::score_of(const Neighbour& neighbour, EventTime tick) {
  double highest = 0;
  Counted best;
  for (const BoardEntry* entry : around_.board.of_country(neighbour.country)) {
    look_beyond(*entry, tick, tick);
    const BoardEntry::Change* change = entry->before(tick);
    if (change == nullptr || !selects(*entry, change->level)) continue;
    const cel::Outcome outcome = detect().score.run(nullptr, alert(), around_.arena);
    const auto score = outcome.ok() ? number_of(outcome.value) : std::nullopt;
    if (!score) {
      ++counters_.evaluation_errors;
    } else if (*score > highest) {
      highest = *score;
      best = {.entry = entry, .change = change, .from = change->at, .to = tick};
    }
  }
  if (best.entry != nullptr) counted_.push_back(best);
  return highest;
}

void SpilloverDetector::set_words(std::string_view language) {
  const auto items = around_.arena.array<cel::Value>(pressing_.size());
  for (size_t i = 0; i < pressing_.size(); ++i) {
    const auto entries = around_.arena.array<cel::Entry>(2);
    const Catalogue& catalogue = *around_.catalogue;
    entries[0] = {cel::Value::of_string("id"),
                  cel::Value::of_string(catalogue.region(pressing_[i]).id)};
    entries[1] = {cel::Value::of_string("name"),
                  cel::Value::of_string(catalogue.region_name(pressing_[i], language))};
    items[i] = cel::Value::of_map(entries);
  }
  own_variable(1) = cel::Value::of_list(items);
}

std::string SpilloverDetector::pressing_ids() const {
  std::vector<std::string_view> ids;
  for (const RegionId country : pressing_) ids.push_back(around_.catalogue->region(country).id);
  return fmt::format("{}", fmt::join(ids, ", "));
}

Verdict SpilloverDetector::judge(PlaceGroup& group, EventTime tick) {
  set_common_at(group, tick);
  counted_.clear();
  pressing_.clear();
  pressure_ = 0;
  begin_looking();
  std::vector<std::pair<double, RegionId>> shares;
  if (group.region) take_neighbours(around_.catalogue->region(*group.region).country);
  for (const Neighbour& neighbour : neighbours_) {
    const double share =
        score_of(neighbour, tick) * std::pow(detect().hop_decay, neighbour.hops - 1);
    if (share <= 0) continue;
    pressure_ += share;
    shares.emplace_back(share, neighbour.country);
  }
  std::stable_sort(shares.begin(), shares.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (const auto& [share, country] : shares) pressing_.push_back(country);
  own_variable(0) = cel::Value::of_double(pressure_);
  set_words("en");
  fingerprint_ = std::bit_cast<uint64_t>(pressure_);
  if (pressure_ < detect().pressure) return judge_levels(false);
  return judge_levels(detect().own ? truth(*detect().own, nullptr) : true);
}

Finding SpilloverDetector::find_at(PlaceGroup& group, EventTime, bool is_end) {
  Finding finding;
  finding.condition = fmt::format("pressure {:.2f} (>= {:g}) from {}", pressure_, detect().pressure,
                                  pressing_.empty() ? "nowhere" : pressing_ids());
  if (detect().own) {
    finding.condition += " && " + cel::explain(*detect().own, nullptr, variables(), around_.arena);
  }
  finding.condition += level_condition(group, is_end);
  finding.values = {{"pressure", pressure_}, {"neighbours", pressing_ids()}};
  add_alerts(counted_, finding);
  return finding;
}

}  // namespace tocsin::rules
