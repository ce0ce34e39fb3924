#include "rules/rule.h"

#include <algorithm>
#include <cmath>

namespace tocsin::rules {

namespace {

using cel::Type;
using Tag = cel::Type::Tag;

void add_own_variables(const ThresholdDetect& detect, std::vector<cel::Variable>& variables) {
  for (const Measure& measure : detect.measures) {
    const bool whole =
        measure.aggregate == AggregateKind::kCount || measure.aggregate == AggregateKind::kDistinct;
    variables.push_back({measure.name, whole ? Tag::kInt : Tag::kDouble});
  }
}

void add_own_variables(const SurgeDetect&, std::vector<cel::Variable>& variables) {
  for (const char* name : {"k", "score", "surprise", "ratio"}) {
    variables.push_back({name, Tag::kDouble});
  }
  variables.push_back({"baseline", Type::map(Tag::kString, Tag::kDouble)});
}

void add_own_variables(const SequenceDetect& detect, std::vector<cel::Variable>& variables) {
  for (const SequenceStep& step : detect.steps) {
    if (!step.negated) variables.push_back({step.name, Tag::kDyn});
  }
}

void add_own_variables(const AbsenceDetect&, std::vector<cel::Variable>& variables) {
  variables.push_back({"missed", Tag::kInt});
  variables.push_back({"last", Tag::kDyn});
  variables.push_back({"due", Tag::kTimestamp});
}

void add_own_variables(const TrendDetect&, std::vector<cel::Variable>& variables) {
  for (const char* name : {"slope", "p", "first", "last"}) {
    variables.push_back({name, Tag::kDouble});
  }
  variables.push_back({"n", Tag::kInt});
}

void add_own_variables(const IndexDetect&, std::vector<cel::Variable>& variables) {
  for (const char* name : {"index", "risk", "relief", "coverage"}) {
    variables.push_back({name, Tag::kDouble});
  }
  variables.push_back({"parts", Type::map(Tag::kString, Tag::kDouble)});
  variables.push_back({"top", Type::list(Type::map(Tag::kString, Tag::kDyn))});
}

void add_own_variables(const DivergenceDetect&, std::vector<cel::Variable>& variables) {
  for (const char* name : {"better", "worse", "coverage"}) {
    variables.push_back({name, Tag::kDouble});
  }
  variables.push_back({"parts", Type::map(Tag::kString, Tag::kDouble)});
}

void add_own_variables(const EventDetect&, std::vector<cel::Variable>&) {}

}  // namespace

std::string_view to_string(RuleKind kind) {
  switch (kind) {
    case RuleKind::kEvent:
      return "event";
    case RuleKind::kThreshold:
      return "threshold";
    case RuleKind::kSurge:
      return "surge";
    case RuleKind::kSequence:
      return "sequence";
    case RuleKind::kAbsence:
      return "absence";
    case RuleKind::kTrend:
      return "trend";
    case RuleKind::kIndex:
      return "index";
    case RuleKind::kDivergence:
      return "divergence";
  }
  return "?";
}

std::vector<cel::Variable> variables_of(RuleKind, const Detect& detect) {
  std::vector<cel::Variable> variables = {
      {"region", Type::map(Tag::kString, Tag::kString)},
      {"by", Type::map(Tag::kString, Tag::kString)},
      {"level", Tag::kString},
      {"level_rank", Tag::kInt},
      {"rule", Tag::kString},
      {"at", Tag::kTimestamp},
      {"starts_at", Tag::kTimestamp},
  };
  std::visit([&](const auto& kind) { add_own_variables(kind, variables); }, detect);
  return variables;
}

double Scale::of(double x) const {
  const double s = is_log ? std::log1p(std::max(x, 0.0) / unit) / std::log1p(full / unit)
                          : (x - from) / (to - from);
  return std::clamp(s, 0.0, 1.0);
}

std::string signal_variable(std::string_view name) {
  return "signal(\"" + std::string(name) + "\")";
}

std::vector<SourceId> feeding_sources(const Catalogue& catalogue, const Rule& rule) {
  std::vector<SourceId> sources;
  if (!rule.indicators || !rule.read_indicators) {
    for (size_t i = 0; i < catalogue.sources().size(); ++i) {
      sources.push_back(static_cast<SourceId>(i));
    }
    return sources;
  }
  for (const auto* indicators : {&*rule.indicators, &*rule.read_indicators}) {
    for (const IndicatorId indicator : *indicators) {
      const auto& of = catalogue.sources_of(indicator);
      sources.insert(sources.end(), of.begin(), of.end());
    }
  }
  std::sort(sources.begin(), sources.end());
  sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
  return sources;
}

}  // namespace tocsin::rules
