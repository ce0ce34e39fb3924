#include "tests/oracle/kinds.h"

namespace tocsin::rules::oracle {

namespace {

std::vector<Said> rule_says(const Case& of, const Rule& rule, const std::vector<Said>& alerts) {
  switch (rule.kind()) {
    case RuleKind::kEvent:
      return event_says(of, rule);
    case RuleKind::kThreshold:
      return threshold_says(of, rule);
    case RuleKind::kSurge:
      return surge_says(of, rule);
    case RuleKind::kSequence:
      return sequence_says(of, rule);
    case RuleKind::kAbsence:
      return absence_says(of, rule);
    case RuleKind::kTrend:
      return trend_says(of, rule);
    case RuleKind::kIndex:
      return index_says(of, rule);
    case RuleKind::kDivergence:
      return divergence_says(of, rule);
    case RuleKind::kLayers:
      return layers_says(of, rule, alerts);
    case RuleKind::kSpillover:
      return spillover_says(of, rule, alerts);
    case RuleKind::kNewTerm:
      return new_term_says(of, rule);
  }
  return {};
}

}  // namespace

std::vector<Said> oracle_says(const Case& of) {
  std::vector<Said> all;
  const auto add = [&](RuleIndex index, const std::vector<Said>& alerts) {
    for (Said& said : rule_says(of, of.bundle.rules[index], alerts)) {
      said.rule = index;
      all.push_back(std::move(said));
    }
  };
  const auto is_above = [&](RuleIndex i) {
    const RuleKind kind = of.bundle.rules[i].kind();
    return kind == RuleKind::kLayers || kind == RuleKind::kSpillover;
  };
  for (RuleIndex i = 0; i < of.bundle.rules.size(); ++i) {
    if (!is_above(i)) add(i, {});
  }
  const std::vector<Said> alerts = all;
  for (RuleIndex i = 0; i < of.bundle.rules.size(); ++i) {
    if (is_above(i)) add(i, alerts);
  }
  sort_by_group(all);
  return all;
}

}  // namespace tocsin::rules::oracle
