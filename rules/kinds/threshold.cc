#include "rules/kinds/threshold.h"

#include <algorithm>
#include <bit>

namespace tocsin::rules {

namespace {
bool is_whole(AggregateKind kind) {
  return kind == AggregateKind::kCount || kind == AggregateKind::kDistinct;
}
}  // namespace

ThresholdDetector::ThresholdDetector(Surroundings& around, const Rule& rule, RuleIndex index,
                                     Timeline::ClassId time_class)
    : WindowedDetector(around, rule, index, time_class) {
  on_rebind();
}

void ThresholdDetector::on_rebind() {
  reach_ = 0;
  for (const Measure& measure : measures()) reach_ = std::max<int64_t>(reach_, measure.panes);
  numbers_.resize(measures().size());
  merged_.resize(measures().size());
  WindowedDetector::on_rebind();
}

Verdict ThresholdDetector::judge(WindowGroup& group, EventTime tick) {
  set_common_at(group, tick);
  fingerprint_ = 0;
  const EventTime counts_from = this->counts_from();
  for (size_t i = 0; i < measures().size(); ++i) {
    const Measure& measure = measures()[i];
    merged_[i].clear();
    const EventTime from = grid().step(tick, -int64_t{measure.panes});
    merge(group, i, std::max(from, counts_from), tick, tick, merged_[i]);
    numbers_[i] = merged_[i].result(measure.aggregate, measure.min_n);
    cel::Value& variable = own_variable(i);
    variable = cel::Value();  // undefined: null, with which no comparison has a value
    if (numbers_[i] && is_whole(measure.aggregate)) {
      variable = cel::Value::of_int(static_cast<int64_t>(*numbers_[i]));
    } else if (numbers_[i]) {
      variable = cel::Value::of_double(*numbers_[i]);
    }
    fingerprint_ =
        fingerprint_ * 0x9e3779b97f4a7c15ULL + std::bit_cast<uint64_t>(numbers_[i].value_or(-1.5));
    fingerprint_ ^= merged_[i].n + (fingerprint_ >> 29);
  }
  return judge_levels(truth(detect().when, nullptr));
}

bool ThresholdDetector::names_undefined(const cel::Program& program) const {
  const auto& names = program.analysis().variables;
  for (size_t i = 0; i < measures().size(); ++i) {
    if (!numbers_[i] && names.contains(measures()[i].name)) return true;
  }
  return false;
}

std::vector<Measured> ThresholdDetector::measured() const {
  std::vector<Measured> values;
  for (size_t i = 0; i < measures().size(); ++i) {
    if (!numbers_[i]) continue;
    if (is_whole(measures()[i].aggregate)) {
      values.push_back({measures()[i].name, static_cast<int64_t>(*numbers_[i])});
    } else {
      values.push_back({measures()[i].name, *numbers_[i]});
    }
  }
  return values;
}

std::string ThresholdDetector::condition(const WindowGroup& group, bool is_end) {
  const int index = index_of(rule().levels, group.alert.level);
  const LevelSpec* level = index < 0 ? nullptr : &rule().levels[static_cast<size_t>(index)];
  if (is_end && level != nullptr && level->exit) {
    return cel::explain(*level->exit, nullptr, variables(), around_.arena);
  }
  std::string text = cel::explain(detect().when, nullptr, variables(), around_.arena);
  if (level != nullptr && level->when && level->when->source() != detect().when.source()) {
    text += "; " + std::string(to_string(level->level)) + ": " +
            cel::explain(*level->when, nullptr, variables(), around_.arena);
  }
  return text;
}

}  // namespace tocsin::rules
