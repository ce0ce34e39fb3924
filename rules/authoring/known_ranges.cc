#include "rules/authoring/known_ranges.h"

#include <algorithm>

#include "rules/cel/printer.h"
#include "rules/statistics.h"

namespace tocsin::rules {

namespace {

constexpr std::string_view kAttrPrefix = "e.attrs.";

bool values_are_non_negative(const Catalogue& catalogue, const Rule& rule) {
  return rule.indicators &&
         std::all_of(rule.indicators->begin(), rule.indicators->end(),
                     [&](IndicatorId id) { return catalogue.indicator(id).non_negative; });
}

// How many different values an attr can have; nullopt when the catalogue does not close it.
std::optional<size_t> values_of_attr(const Catalogue& catalogue, const Rule& rule,
                                     std::string_view name) {
  std::set<std::string> values;
  for (const IndicatorId id : *rule.indicators) {
    for (const AttrDeclaration& attr : catalogue.indicator(id).attrs) {
      if (attr.name != name) continue;
      if (attr.type == AttrType::kBool) {
        values.insert({"false", "true"});
      } else if (attr.values.empty()) {
        return std::nullopt;
      }
      values.insert(attr.values.begin(), attr.values.end());
    }
  }
  return values.size();
}

std::optional<size_t> most_distinct(const Catalogue& catalogue, const Rule& rule,
                                    const Measure& measure) {
  if (!rule.indicators) return std::nullopt;
  const std::string of = cel::print(measure.of->tree());
  if (of == "e.source") return own_sources(catalogue, rule).size();
  if (of == "e.indicator") return rule.indicators->size();
  if (!of.starts_with(kAttrPrefix)) return std::nullopt;
  return values_of_attr(catalogue, rule, std::string_view(of).substr(kAttrPrefix.size()));
}

KnownRange range_of(const Catalogue& catalogue, const Rule& rule, const Measure& measure) {
  KnownRange range;
  switch (measure.aggregate) {
    case AggregateKind::kCount:
      range.least = 0;
      break;
    case AggregateKind::kDistinct: {
      range.least = 0;
      const auto most = most_distinct(catalogue, rule, measure);
      if (most) range.most = static_cast<double>(*most);
      break;
    }
    case AggregateKind::kSum:
    case AggregateKind::kMean:
    case AggregateKind::kMin:
    case AggregateKind::kMax:
      if (cel::print(measure.of->tree()) == "e.value" && values_are_non_negative(catalogue, rule)) {
        range.least = 0;
      }
      break;
  }
  return range;
}

}  // namespace

KnownRanges ranges_of_event(const Catalogue& catalogue, const Rule& rule) {
  KnownRanges ranges;
  ranges["e.confidence"] = {.least = 0, .most = 1};
  if (values_are_non_negative(catalogue, rule)) ranges["e.value"].least = 0;
  return ranges;
}

KnownRanges ranges_of_variables(const Catalogue& catalogue, const Rule& rule) {
  KnownRanges ranges;
  ranges["level_rank"] = {.least = 0, .most = static_cast<double>(Level::kEmergency)};
  if (const auto* threshold = std::get_if<ThresholdDetect>(&rule.detect)) {
    for (const Measure& measure : threshold->measures) {
      ranges[measure.name] = range_of(catalogue, rule, measure);
    }
  } else if (const auto* surge = std::get_if<SurgeDetect>(&rule.detect)) {
    ranges["k"] = range_of(catalogue, rule, surge->measure);
  } else if (const auto* trend = std::get_if<TrendDetect>(&rule.detect)) {
    ranges["p"] = {.least = 0, .most = 1};
    ranges["n"] = {.least = 0, .most = static_cast<double>(trend->series.panes)};
  } else if (std::holds_alternative<AbsenceDetect>(rule.detect)) {
    ranges["missed"].least = 0;
  } else if (std::holds_alternative<IndexDetect>(rule.detect)) {
    for (const char* name : {"index", "risk", "relief"}) ranges[name] = {.least = 0, .most = 100};
    ranges["coverage"] = {.least = 0, .most = 1};
  } else if (std::holds_alternative<DivergenceDetect>(rule.detect)) {
    for (const char* name : {"better", "worse"}) {
      ranges[name] = {.least = -kMostNoise, .most = kMostNoise};
    }
  } else if (std::holds_alternative<LayersDetect>(rule.detect)) {
    ranges["distinct"].least = 0;
  } else if (std::holds_alternative<SpilloverDetect>(rule.detect)) {
    ranges["pressure"].least = 0;
  }
  return ranges;
}

KnownRanges ranges_of_kind(const Rule& rule) {
  KnownRanges ranges;
  if (const auto* surge = std::get_if<SurgeDetect>(&rule.detect)) {
    ranges["score"].least = surge->at_least;
  } else if (const auto* trend = std::get_if<TrendDetect>(&rule.detect)) {
    (trend->is_falling ? ranges["slope"].most : ranges["slope"].least) = trend->slope;
  } else if (const auto* spillover = std::get_if<SpilloverDetect>(&rule.detect)) {
    ranges["pressure"].least = spillover->pressure;
  }
  return ranges;
}

}  // namespace tocsin::rules
