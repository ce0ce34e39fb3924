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

void add_own_variables(const LayersDetect&, std::vector<cel::Variable>& variables) {
  variables.push_back({"distinct", Tag::kDouble});
  variables.push_back({"drivers", Type::list(Tag::kString)});
  variables.push_back({"alerts", Tag::kInt});
}

void add_own_variables(const SpilloverDetect&, std::vector<cel::Variable>& variables) {
  variables.push_back({"pressure", Tag::kDouble});
  variables.push_back({"neighbours", Type::list(Type::map(Tag::kString, Tag::kString))});
}

void add_own_variables(const EventDetect&, std::vector<cel::Variable>&) {}

void add_own_variables(const NewTermDetect&, std::vector<cel::Variable>& variables) {
  variables.push_back({"term", Type::list(Tag::kString)});
  variables.push_back({"new_to", Tag::kString});
  variables.push_back({"terms", Tag::kInt});
  variables.push_back({"history", Type::map(Tag::kString, Tag::kTimestamp)});
}

}  // namespace

std::vector<const Rule*> watchers_of(const Bundle& bundle) {
  std::vector<const Rule*> all;
  for (const Rule& rule : bundle.rules) all.push_back(&rule);
  for (const Signal& signal : bundle.signals) all.push_back(&signal.rule);
  for (const Rule& rule : bundle.rules) {
    if (rule.arming != nullptr) all.push_back(&rule.arming->rule);
  }
  return all;
}

std::vector<const cel::Program*> group_conditions(const Rule& rule) {
  std::vector<const cel::Program*> programs;
  const auto add = [&](const std::optional<cel::Program>& program) {
    if (program) programs.push_back(&*program);
  };
  for (const LevelSpec& level : rule.levels) {
    add(level.when);
    add(level.exit);
  }
  if (const auto* threshold = std::get_if<ThresholdDetect>(&rule.detect)) {
    programs.push_back(&threshold->when);
  } else if (const auto* absence = std::get_if<AbsenceDetect>(&rule.detect)) {
    add(absence->unless);
  } else if (const auto* sequence = std::get_if<SequenceDetect>(&rule.detect)) {
    for (const SequenceStep& step : sequence->steps) programs.push_back(&step.select);
    add(sequence->until);
  } else if (const auto* divergence = std::get_if<DivergenceDetect>(&rule.detect)) {
    programs.push_back(&divergence->when);
  } else if (const auto* spillover = std::get_if<SpilloverDetect>(&rule.detect)) {
    add(spillover->own);
  }
  return programs;
}

bool is_of_matches(RuleKind kind) {
  return kind == RuleKind::kEvent || kind == RuleKind::kSequence || kind == RuleKind::kNewTerm;
}

bool sees_event(RuleKind kind) { return kind == RuleKind::kEvent || kind == RuleKind::kNewTerm; }

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
    case RuleKind::kLayers:
      return "layers";
    case RuleKind::kSpillover:
      return "spillover";
    case RuleKind::kNewTerm:
      return "new_term";
  }
  return "?";
}

bool has_select(RuleKind kind) {
  switch (kind) {
    case RuleKind::kSequence:
    case RuleKind::kIndex:
    case RuleKind::kDivergence:
    case RuleKind::kLayers:
    case RuleKind::kSpillover:
      return false;
    default:
      return true;
  }
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

std::vector<cel::Variable> alert_variables() {
  std::vector<cel::Variable> variables;
  for (const char* name : {"a.rule", "a.package", "a.driver", "a.stage", "a.region"}) {
    variables.push_back({name, Tag::kString});
  }
  variables.push_back({"a.level", Tag::kInt});
  variables.push_back({"a.level_rank", Tag::kInt});
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

namespace {

std::vector<SourceId> sources_of(const Catalogue& catalogue,
                                 const std::optional<std::vector<IndicatorId>>& indicators) {
  std::vector<SourceId> sources;
  for (size_t i = 0; !indicators && i < catalogue.sources().size(); ++i) {
    sources.push_back(static_cast<SourceId>(i));
  }
  for (const IndicatorId indicator : indicators.value_or(std::vector<IndicatorId>{})) {
    const auto& of = catalogue.sources_of(indicator);
    sources.insert(sources.end(), of.begin(), of.end());
  }
  std::sort(sources.begin(), sources.end());
  sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
  return sources;
}

}  // namespace

std::vector<SourceId> own_sources(const Catalogue& catalogue, const Rule& rule) {
  return sources_of(catalogue, rule.indicators);
}

std::vector<SourceId> feeding_sources(const Catalogue& catalogue, const Rule& rule) {
  std::vector<SourceId> sources = sources_of(catalogue, rule.indicators);
  const std::vector<SourceId> read = sources_of(catalogue, rule.read_indicators);
  std::vector<SourceId> all;
  std::set_union(sources.begin(), sources.end(), read.begin(), read.end(), std::back_inserter(all));
  return all;
}

}  // namespace tocsin::rules
