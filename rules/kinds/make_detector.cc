#include "rules/detector.h"
#include "rules/kinds/absence.h"
#include "rules/kinds/divergence.h"
#include "rules/kinds/event.h"
#include "rules/kinds/index.h"
#include "rules/kinds/layers.h"
#include "rules/kinds/new_term.h"
#include "rules/kinds/sequence.h"
#include "rules/kinds/spillover.h"
#include "rules/kinds/surge.h"
#include "rules/kinds/threshold.h"
#include "rules/kinds/trend.h"

namespace tocsin::rules {

std::unique_ptr<Detector> make_detector(Surroundings& around, const Rule& rule, RuleIndex index,
                                        Timeline::ClassId time_class) {
  switch (rule.kind()) {
    case RuleKind::kEvent:
      return std::make_unique<EventDetector>(around, rule, index, time_class);
    case RuleKind::kThreshold:
      return std::make_unique<ThresholdDetector>(around, rule, index, time_class);
    case RuleKind::kSurge:
      return std::make_unique<SurgeDetector>(around, rule, index, time_class);
    case RuleKind::kSequence:
      return std::make_unique<SequenceDetector>(around, rule, index, time_class);
    case RuleKind::kAbsence:
      return std::make_unique<AbsenceDetector>(around, rule, index, time_class);
    case RuleKind::kTrend:
      return std::make_unique<TrendDetector>(around, rule, index, time_class);
    case RuleKind::kIndex:
      return std::make_unique<IndexDetector>(around, rule, index, time_class);
    case RuleKind::kDivergence:
      return std::make_unique<DivergenceDetector>(around, rule, index, time_class);
    case RuleKind::kLayers:
      return std::make_unique<LayersDetector>(around, rule, index, time_class);
    case RuleKind::kSpillover:
      return std::make_unique<SpilloverDetector>(around, rule, index, time_class);
    case RuleKind::kNewTerm:
      return std::make_unique<NewTermDetector>(around, rule, index, time_class);
  }
  return nullptr;
}

}  // namespace tocsin::rules
