#include "rules/load/detect.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

constexpr int64_t kMaxPanes = 20'000;

AggregateKind parse_aggregate(const std::string& word) {
  if (word == "sum") return AggregateKind::kSum;
  if (word == "mean") return AggregateKind::kMean;
  if (word == "min") return AggregateKind::kMin;
  if (word == "max") return AggregateKind::kMax;
  if (word == "distinct") return AggregateKind::kDistinct;
  return AggregateKind::kCount;
}

// `of` may read optional fields freely: an event without them is left out of the measure.
cel::Environment value_environment(RuleScope& scope) {
  cel::Environment environment = scope.event_environment();
  if (!scope.select()) return environment;
  const cel::Analysis& analysis = scope.select()->analysis();
  environment.indicators = analysis.indicators.value_or(std::vector<IndicatorId>{});
  environment.proven = analysis.proven;
  for (const char* field : {"e.value", "e.time_end", "e.lat", "e.lon"}) {
    environment.proven.insert(field);
  }
  for (const IndicatorId id : environment.indicators) {
    for (const AttrDeclaration& attr : scope.catalogue().indicator(id).attrs) {
      environment.proven.insert("e.attrs." + attr.name);
    }
  }
  return environment;
}

bool check_windows(RuleScope& scope, const yaml::Node& node, const Measure& measure) {
  if (measure.window.count() <= 0 || measure.every.count() <= 0) return false;  // told already
  const Place& place = node.find("window")->place;
  if (measure.window % measure.every != Milliseconds{0}) {
    scope.error("T0350", place, "`window` is not a multiple of `every`",
                "windows are made of panes as long as `every`");
    return false;
  }
  if (measure.window / measure.every > kMaxPanes) {
    scope.error("T0350", place, "`window` has more than 20,000 panes of `every`",
                "make `every` longer");
    return false;
  }
  return true;
}

}  // namespace

std::optional<Measure> compile_measure(RuleScope& scope, const yaml::Node& node,
                                       const std::string& name) {
  Measure measure;
  measure.name = name;
  const std::string aggregate = text_at(node, "agg").value_or("count");
  measure.aggregate = parse_aggregate(aggregate);
  measure.window = exact_at(node, "window").value_or(Milliseconds{0});
  measure.every = exact_at(node, "every").value_or(Milliseconds{0});
  measure.min_n = static_cast<uint32_t>(int_at(node, "min_n").value_or(1));
  bool good = check_windows(scope, node, measure);

  const yaml::Node* of = node.find("of");
  if (measure.aggregate == AggregateKind::kCount) {
    if (of != nullptr) {
      scope.error(
          "T0351", of->place, "a count has no `of`",
          "it counts events; `agg: distinct` counts different values, `agg: sum` adds them");
      good = false;
    }
  } else if (of == nullptr) {
    scope.error("T0351", node.place, "`agg: " + aggregate + "` needs `of`",
                "what to take it of: `of: e.value`");
    good = false;
  } else {
    const bool distinct = measure.aggregate == AggregateKind::kDistinct;
    measure.of = distinct ? scope.scalar(*of, "`of`", value_environment(scope))
                          : scope.number(*of, "`of`", value_environment(scope));
    good = good && measure.of.has_value();
  }
  if (node.find("min_n") != nullptr && measure.aggregate != AggregateKind::kMean) {
    scope.error("T0351", node.find("min_n")->place, "`min_n` is of `agg: mean` only");
    good = false;
  }
  if (!good) return std::nullopt;
  return measure;
}

}  // namespace tocsin::rules
