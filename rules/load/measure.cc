#include "rules/load/detect.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

constexpr int64_t kMaxPanes = 20'000;

// nullopt: no such word, which the check of the shape has told.
std::optional<AggregateKind> parse_aggregate(const std::string& word) {
  if (word == "sum") return AggregateKind::kSum;
  if (word == "mean") return AggregateKind::kMean;
  if (word == "min") return AggregateKind::kMin;
  if (word == "max") return AggregateKind::kMax;
  if (word == "distinct") return AggregateKind::kDistinct;
  if (word == "count") return AggregateKind::kCount;
  return std::nullopt;
}

bool read_window(RuleScope& scope, const yaml::Node& node, Measure& measure) {
  const Span window = span_at(node, "window").value_or(Span{});
  measure.every = span_at(node, "every").value_or(Span{});
  if (window.is_zero() || measure.every.is_zero()) return false;  // told already
  const Place& place = node.find("window")->place;
  const auto panes = panes_in(window, measure.every);
  if (!panes || *panes == 0) {
    const bool is_mixed = window.is_calendar() != measure.every.is_calendar();
    scope.error("T0350", place, "`window` is not a multiple of `every`",
                is_mixed ? "both in months (1mo, 1q, 1y), or both exact (12h, 7d)"
                         : "windows are made of panes as long as `every`");
    return false;
  }
  if (*panes > kMaxPanes) {
    scope.error("T0350", place, "`window` has more than 20,000 panes of `every`",
                "make `every` longer");
    return false;
  }
  measure.panes = static_cast<uint32_t>(*panes);
  return true;
}

}  // namespace

cel::Environment value_environment(RuleScope& scope) {
  return scope.select() ? value_environment(scope, *scope.select()) : scope.event_environment();
}

cel::Environment value_environment(RuleScope& scope, const cel::Program& select) {
  cel::Environment environment = scope.event_environment();
  const cel::Analysis& analysis = select.analysis();
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

bool compile_value(RuleScope& scope, const yaml::Node& node, Measure& measure) {
  const std::string aggregate = text_at(node, "agg").value_or("count");
  const auto kind = parse_aggregate(aggregate);
  if (!kind) return false;
  measure.aggregate = *kind;
  measure.min_n = static_cast<uint32_t>(int_at(node, "min_n").value_or(1));
  bool good = true;
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
  return good;
}

std::optional<Measure> compile_measure(RuleScope& scope, const yaml::Node& node,
                                       const std::string& name) {
  Measure measure;
  measure.name = name;
  const bool has_window = read_window(scope, node, measure);
  if (!compile_value(scope, node, measure) || !has_window) return std::nullopt;
  return measure;
}

}  // namespace tocsin::rules
