#include "rules/load/monotone.h"

#include <algorithm>

#include "rules/cel/parser.h"

namespace tocsin::rules {

namespace {

using cel::Expr;
using cel::ExprKind;
using cel::Operator;

cel::ExprPtr tree_of(const cel::SourceText& text) {
  Diagnostics ignored;
  return cel::parse(text, ignored);
}

bool is_number(const Expr& expr) {
  return expr.kind == ExprKind::kLiteral &&
         (expr.value.kind() == cel::Kind::kInt || expr.value.kind() == cel::Kind::kDouble ||
          expr.value.kind() == cel::Kind::kUint);
}

bool is_non_negative_number(const Expr& expr) {
  if (!is_number(expr)) return false;
  if (expr.value.kind() == cel::Kind::kInt) return expr.value.integer() >= 0;
  return expr.value.kind() == cel::Kind::kUint || expr.value.real() >= 0;
}

// A value that is never below 0 for any event. `value_is` tells it of e.value.
bool never_negative(const Expr& expr, bool value_is) {
  const std::string name = cel::dotted_name(expr);
  if (name == "e.value") return value_is;
  if (name == "e.confidence" || name == "e.geo_precision") return true;
  if (is_number(expr)) return is_non_negative_number(expr);
  if (expr.kind == ExprKind::kBinary &&
      (expr.op == Operator::kAdd || expr.op == Operator::kMultiply ||
       expr.op == Operator::kDivide)) {
    return never_negative(*expr.args[0], value_is) && never_negative(*expr.args[1], value_is);
  }
  if (expr.kind == ExprKind::kCall && (expr.name == "size" || expr.name == "abs")) return true;
  if (expr.kind == ExprKind::kCall && expr.name == "double" && expr.args.size() == 1) {
    return never_negative(*expr.args[0], value_is);
  }
  if (expr.kind == ExprKind::kTernary) {
    return never_negative(*expr.args[1], value_is) && never_negative(*expr.args[2], value_is);
  }
  return false;
}

// The group's own place and keys never change.
bool is_constant_of_group(const Expr& expr) {
  if (expr.kind == ExprKind::kLiteral) return true;
  const std::string name = cel::dotted_name(expr);
  if (name.starts_with("region.") || name.starts_with("by.")) return true;
  if (expr.kind == ExprKind::kIdent) return false;
  if (expr.args.empty()) return false;
  return std::all_of(expr.args.begin(), expr.args.end(),
                     [](const auto& arg) { return is_constant_of_group(*arg); });
}

// A sum of measures with factors that are not negative.
bool grows(const Expr& expr, const std::vector<std::string>& growing) {
  const std::string name = cel::dotted_name(expr);
  if (!name.empty()) return std::find(growing.begin(), growing.end(), name) != growing.end();
  if (is_number(expr)) return true;
  if (expr.kind == ExprKind::kCall && (expr.name == "double" || expr.name == "int") &&
      expr.args.size() == 1) {
    return grows(*expr.args[0], growing);
  }
  if (expr.kind != ExprKind::kBinary) return false;
  if (expr.op == Operator::kAdd)
    return grows(*expr.args[0], growing) && grows(*expr.args[1], growing);
  if (expr.op == Operator::kMultiply) {
    return (is_non_negative_number(*expr.args[0]) && grows(*expr.args[1], growing)) ||
           (is_non_negative_number(*expr.args[1]) && grows(*expr.args[0], growing));
  }
  return false;
}

// True once, true for all larger measures.
bool stays_true(const Expr& expr, const std::vector<std::string>& growing) {
  if (expr.kind == ExprKind::kAnd || expr.kind == ExprKind::kOr) {
    return std::all_of(expr.args.begin(), expr.args.end(),
                       [&](const auto& arg) { return stays_true(*arg, growing); });
  }
  if (is_constant_of_group(expr)) return true;
  if (expr.kind != ExprKind::kBinary) return false;
  const Expr& left = *expr.args[0];
  const Expr& right = *expr.args[1];
  if (expr.op == Operator::kGreater || expr.op == Operator::kGreaterEqual) {
    return grows(left, growing) && is_number(right);
  }
  if (expr.op == Operator::kLess || expr.op == Operator::kLessEqual) {
    return is_number(left) && grows(right, growing);
  }
  return false;
}

bool condition_stays_true(const cel::Program& program, const std::vector<std::string>& growing) {
  const cel::SourceText text{program.source(), {}};
  const cel::ExprPtr tree = tree_of(text);
  return tree != nullptr && stays_true(*tree, growing);
}

bool values_non_negative(const Catalogue& catalogue, const Rule& rule) {
  if (!rule.indicators) return false;
  return std::all_of(rule.indicators->begin(), rule.indicators->end(),
                     [&](IndicatorId id) { return catalogue.indicator(id).non_negative; });
}

// Names of the measures that more events can only raise.
std::vector<std::string> growing_measures(const RuleScope& scope, const Rule& rule,
                                          const std::vector<Measure>& measures) {
  std::vector<std::string> growing;
  for (const Measure& measure : measures) {
    bool grows_only = measure.aggregate == AggregateKind::kCount ||
                      measure.aggregate == AggregateKind::kDistinct ||
                      measure.aggregate == AggregateKind::kMax;
    if (measure.aggregate == AggregateKind::kSum) {
      const cel::SourceText text{measure.of->source(), {}};
      const cel::ExprPtr tree = tree_of(text);
      grows_only =
          tree != nullptr && never_negative(*tree, values_non_negative(scope.catalogue(), rule));
    }
    if (grows_only) growing.push_back(measure.name);
  }
  return growing;
}

std::optional<std::string> why_not(const RuleScope& scope, const Rule& rule,
                                   const ThresholdDetect& detect) {
  const auto growing = growing_measures(scope, rule, detect.measures);
  if (!condition_stays_true(detect.when, growing)) {
    return "`when` can become false again when more events come";
  }
  for (const LevelSpec& level : rule.levels) {
    if (level.when && !condition_stays_true(*level.when, growing)) {
      return "the level `" + std::string(to_string(level.level)) +
             "` can become false again when more events come";
    }
  }
  return std::nullopt;
}

std::optional<std::string> why_not(const RuleScope& scope, const Rule& rule,
                                   const SurgeDetect& detect) {
  if (shortest(detect.measure.every) * detect.gap < lateness_of(scope.catalogue(), rule)) {
    return "stragglers may still change the baseline: `gap` is shorter than the lateness of its "
           "sources (" +
           format_duration(lateness_of(scope.catalogue(), rule)) + ")";
  }
  if (growing_measures(scope, rule, {detect.measure}).empty()) {
    return "the measure can fall when more events come";
  }
  for (const LevelSpec& level : rule.levels) {
    if (level.when && !condition_stays_true(*level.when, {"k", "score", "surprise", "ratio"})) {
      return "the level `" + std::string(to_string(level.level)) +
             "` can become false again when more events come";
    }
  }
  return std::nullopt;
}

// Steps that came in order did so whatever else comes; what must not come, or ends the waiting, may
// still be on its way.
std::optional<std::string> why_not(const SequenceDetect& detect) {
  for (const SequenceStep& step : detect.steps) {
    if (step.negated) return "what `" + step.name + "` says must not come may still come";
  }
  if (detect.until) return "what `until` waits for may still come";
  if (!detect.strict_order) return "the steps may come in any order";
  return std::nullopt;
}

}  // namespace

Milliseconds lateness_of(const Catalogue& catalogue, const Rule& rule) {
  Milliseconds lateness = rule.lateness;
  for (const SourceId source : feeding_sources(catalogue, rule)) {
    lateness = std::max(lateness, catalogue.source(source).lateness);
  }
  return lateness;
}

std::optional<std::string> why_not_monotone(const RuleScope& scope, const Rule& rule) {
  if (!rule.signals.empty()) {
    return "what `" + signal_variable(rule.signals.front().name) + "` tells may still change";
  }
  if (rule.arming != nullptr) return "what arms or disarms it may still be on its way";
  switch (rule.kind()) {
    case RuleKind::kEvent:
      return std::nullopt;
    case RuleKind::kThreshold:
      return why_not(scope, rule, std::get<ThresholdDetect>(rule.detect));
    case RuleKind::kSurge:
      return why_not(scope, rule, std::get<SurgeDetect>(rule.detect));
    case RuleKind::kSequence:
      return why_not(std::get<SequenceDetect>(rule.detect));
    case RuleKind::kAbsence:
      return "only the watermark can tell that nothing came";
    case RuleKind::kTrend:
      return "the slope may change again when more events come";
    case RuleKind::kIndex:
      return "the index may fall again when more events come";
    case RuleKind::kDivergence:
      return "the sides may change again when more events come";
    case RuleKind::kLayers:
    case RuleKind::kSpillover:
      return "it looks at alerts when all that could change them has come";
    case RuleKind::kNewTerm:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace tocsin::rules
