#include "rules/authoring/rule_programs.h"

namespace tocsin::rules {

namespace {

using Programs = std::vector<NamedProgram>;

void add(Programs& out, std::string name, const std::optional<cel::Program>& program) {
  if (program) out.push_back({std::move(name), &*program});
}

void add_steps(Programs& out, const SequenceDetect& sequence) {
  for (const SequenceStep& step : sequence.steps) {
    const std::string key = step.negated ? "`not`" : "`select`";
    out.push_back({key + " of the step `" + step.name + "`", &step.select});
  }
  add(out, "`until`", sequence.until);
}

void add_detect(Programs& out, const Detect& detect) {
  if (const auto* threshold = std::get_if<ThresholdDetect>(&detect)) {
    out.push_back({"`when`", &threshold->when});
    for (const Measure& measure : threshold->measures) add(out, "`of`", measure.of);
  } else if (const auto* surge = std::get_if<SurgeDetect>(&detect)) {
    add(out, "`of`", surge->measure.of);
  } else if (const auto* trend = std::get_if<TrendDetect>(&detect)) {
    add(out, "`of`", trend->series.of);
  } else if (const auto* absence = std::get_if<AbsenceDetect>(&detect)) {
    add(out, "`unless`", absence->unless);
  } else if (const auto* divergence = std::get_if<DivergenceDetect>(&detect)) {
    out.push_back({"`when`", &divergence->when});
  } else if (const auto* spillover = std::get_if<SpilloverDetect>(&detect)) {
    add(out, "`and_own`", spillover->own);
  }
}

}  // namespace

std::vector<NamedProgram> event_conditions(const Rule& rule) {
  Programs programs;
  add(programs, "`select`", rule.select);
  if (const auto* sequence = std::get_if<SequenceDetect>(&rule.detect)) {
    add_steps(programs, *sequence);
  } else if (const auto* index = std::get_if<IndexDetect>(&rule.detect)) {
    for (const IndexPart& part : index->parts) {
      add(programs, "`events` of `" + part.name + "`", part.events);
    }
  }
  return programs;
}

std::vector<NamedProgram> all_programs(const Rule& rule) {
  Programs programs = event_conditions(rule);
  if (rule.arming != nullptr) {
    programs.push_back({"`by` of `armed`", &rule.arming->arms});
    add(programs, "`disarm`", rule.arming->disarms);
  }
  add_detect(programs, rule.detect);
  for (const LevelSpec& level : rule.levels) {
    const std::string of = " of `" + std::string(to_string(level.level)) + "`";
    add(programs, "`when`" + of, level.when);
    add(programs, "`exit`" + of, level.exit);
  }
  return programs;
}

}  // namespace tocsin::rules
