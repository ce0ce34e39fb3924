#include "rules/kinds/layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "rules/model/hash.h"

namespace tocsin::rules {

namespace {
// What is true of the whole country is true of its parts, but not about them.
constexpr double kWeightOfCountry = 0.5;

// The sum of the greatest weight of each key, while layers come and go. Halves add up exactly.
class Heaviest {
 public:
  void add(std::string_view key, double weight) {
    change(key, [weight](std::multiset<double>& weights) { weights.insert(weight); });
  }
  // One that was added.
  void remove(std::string_view key, double weight) {
    change(key, [weight](std::multiset<double>& weights) { weights.erase(weights.find(weight)); });
  }
  double sum() const { return sum_; }

 private:
  template <typename Change>
  void change(std::string_view key, Change&& with) {
    std::multiset<double>& weights = weights_[key];
    const auto greatest = [&weights] { return weights.empty() ? 0.0 : *weights.rbegin(); };
    sum_ -= greatest();
    with(weights);
    sum_ += greatest();
  }

  std::map<std::string_view, std::multiset<double>> weights_;
  double sum_ = 0;
};

}  // namespace

LayersDetector::LayersDetector(Surroundings& around, const Rule& rule, RuleIndex index,
                               Timeline::ClassId time_class)
    : OverAlertsDetector(around, rule, index, time_class) {
  on_rebind();
}

void LayersDetector::on_alert(const BoardEntry& entry, EventTime at) {
  // One on the country alone makes no layers of its provinces.
  const auto place = around_.catalogue->lift(entry.region, level_of_groups());
  if (place) wake(*place, at);
}

double LayersDetector::weight_of(RegionId region, RegionId place) const {
  if (region == place) return 1;
  if (!detect().roll_up) return 0;
  const Catalogue& catalogue = *around_.catalogue;
  if (catalogue.lift(region, catalogue.region(place).level) == place) return 1;
  const bool is_around = catalogue.lift(place, catalogue.region(region).level) == region;
  return is_around ? kWeightOfCountry : 0;
}

void LayersDetector::take_layers(const PlaceGroup& group, EventTime tick) {
  layers_.clear();
  begin_looking();
  if (!group.region) return;
  const EventTime from = subtract(tick, detect().window);
  const RegionId country = around_.catalogue->region(*group.region).country;
  for (const BoardEntry* entry : around_.board.of_country(country)) {
    const double weight = weight_of(entry->region, *group.region);
    if (weight == 0) continue;
    look_beyond(*entry, from, tick);
    for (size_t i = 0; i < entry->changes.size() && entry->changes[i].at < tick; ++i) {
      const BoardEntry::Change& change = entry->changes[i];
      const EventTime end = i + 1 < entry->changes.size() ? entry->changes[i + 1].at : tick;
      if (end <= std::max(change.at, from) || !selects(*entry, change.level)) continue;
      const cel::Outcome key = detect().distinct.run(nullptr, alert(), around_.arena);
      if (!key.ok() || key.value.kind() != cel::Kind::kString) {
        ++counters_.evaluation_errors;
        continue;
      }
      Layer layer;
      layer.entry = entry;
      layer.change = &change;
      layer.from = std::max(change.at, from);
      layer.to = std::min(end, tick);
      layer.key = key.value.text();
      layer.weight = weight;
      layers_.push_back(std::move(layer));
    }
  }
}

// Of all layers, the weights of the heaviest of each key.
double LayersDetector::distinct_in_all() const {
  Heaviest heaviest;
  for (const Layer& layer : layers_) heaviest.add(layer.key, layer.weight);
  return heaviest.sum();
}

// The most that were there at once for `overlap` in all.
double LayersDetector::distinct_together(Milliseconds overlap) const {
  struct Edge {
    EventTime at{};
    bool is_end = false;
    const Layer* layer = nullptr;
  };
  std::vector<Edge> edges;
  for (const Layer& layer : layers_) {
    edges.push_back({layer.from, false, &layer});
    edges.push_back({layer.to, true, &layer});
  }
  std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) { return a.at < b.at; });
  std::map<double, Milliseconds, std::greater<>> lasting;
  Heaviest heaviest;
  for (size_t i = 0; i < edges.size(); ++i) {
    if (i > 0) lasting[heaviest.sum()] += edges[i].at - edges[i - 1].at;
    if (edges[i].is_end) {
      heaviest.remove(edges[i].layer->key, edges[i].layer->weight);
    } else {
      heaviest.add(edges[i].layer->key, edges[i].layer->weight);
    }
  }
  Milliseconds sum{0};
  for (const auto& [distinct, length] : lasting) {
    sum += length;
    if (sum >= overlap) return distinct;
  }
  return 0;
}

Verdict LayersDetector::judge(PlaceGroup& group, EventTime tick) {
  set_common_at(group, tick);
  take_layers(group, tick);
  const EventTime from = subtract(tick, detect().window);
  distinct_ = detect().min_overlap.is_zero()
                  ? distinct_in_all()
                  : distinct_together(add(from, detect().min_overlap) - from);
  std::set<std::string_view> keys;
  std::set<const BoardEntry*> entries;
  for (const Layer& layer : layers_) {
    keys.insert(layer.key);
    entries.insert(layer.entry);
  }
  keys_.assign(keys.begin(), keys.end());
  const auto texts = around_.arena.array<cel::Value>(keys_.size());
  for (size_t i = 0; i < keys_.size(); ++i) texts[i] = cel::Value::of_string(keys_[i]);
  own_variable(0) = cel::Value::of_double(distinct_);
  own_variable(1) = cel::Value::of_list(texts);
  own_variable(2) = cel::Value::of_int(static_cast<int64_t>(entries.size()));
  fingerprint_ = hash128(fmt::format("{} {}", distinct_, fmt::join(keys_, " "))).low;
  return judge_levels(distinct_ > 0);
}

Finding LayersDetector::find_at(PlaceGroup& group, EventTime tick, bool is_end) {
  Finding finding;
  finding.condition =
      fmt::format("{} at once{}", fmt::join(keys_, ", "), level_condition(group, is_end));
  finding.values = {{"distinct", distinct_},
                    {"drivers", fmt::format("{}", fmt::join(keys_, ", "))}};
  (void)tick;
  add_alerts({layers_.begin(), layers_.end()}, finding);
  return finding;
}

}  // namespace tocsin::rules
