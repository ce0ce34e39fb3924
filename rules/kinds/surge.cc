#include "rules/kinds/surge.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace tocsin::rules {

namespace {

std::string_view name_of(SurgeMethod method) {
  switch (method) {
    case SurgeMethod::kPoisson:
    case SurgeMethod::kNegativeBinomial:
      return "surprise";
    case SurgeMethod::kZScore:
      return "z score";
    case SurgeMethod::kRatio:
      return "ratio";
  }
  return "score";
}

}  // namespace

SurgeDetector::SurgeDetector(Surroundings& around, const Rule& rule, RuleIndex index,
                             Timeline::ClassId time_class)
    : WindowedDetector(around, rule, index, time_class) {
  on_rebind();
}

void SurgeDetector::on_rebind() {
  measures_ = {detect().measure};
  window_panes_ = detect().measure.panes;
  reach_ = window_panes_ * (int64_t{detect().history} + 1) + detect().gap;
  WindowedDetector::on_rebind();
}

uint32_t SurgeDetector::lane_of(SourceId source) const {
  if (!detect().stable_sources || !around_.catalogue->source(source).onboarded) return 0;
  return static_cast<uint32_t>(source) + 1;
}

// A source that was added inside the baseline would look like an escalation.
bool SurgeDetector::counts_lane(uint32_t lane, EventTime tick) const {
  if (lane == 0) return true;
  return *around_.catalogue->source(static_cast<SourceId>(lane - 1)).onboarded <=
         grid().step(tick, -reach_);
}

void SurgeDetector::take_baseline(const WindowGroup& group, EventTime tick) {
  const Measure& measure = measures_.front();
  past_.clear();
  EventTime end = grid().step(tick, -window_panes_ - detect().gap);
  for (uint32_t i = 0; i < detect().history; ++i) {
    const EventTime start = grid().step(end, -window_panes_);
    if (start < group.first_pane) break;
    merged_.clear();
    merge(group, 0, start, end, tick, merged_);
    end = start;
    past_.push_back(merged_.result(measure.aggregate, measure.min_n).value_or(0.0));
  }
  baseline_ = baseline_of(past_, scratch_);
}

// The texts tell the baseline too.
Tlp SurgeDetector::marking_before(const WindowGroup& group, EventTime tick) const {
  const EventTime end = grid().step(tick, -window_panes_ - detect().gap);
  const auto windows = static_cast<int64_t>(past_.size());
  return marking(group, grid().step(end, -window_panes_ * windows), end, tick);
}

bool SurgeDetector::is_unusual() const {
  if (baseline_.n < detect().min_history || k_ < detect().floor || score_ < detect().at_least) {
    return false;
  }
  return !detect().confirm ||
         score_of(*detect().confirm, k_, baseline_, detect().robust) >= detect().confirm_at_least;
}

void SurgeDetector::set_variables() {
  own_variable(0) = cel::Value::of_double(k_);
  own_variable(1) = cel::Value::of_double(score_);
  own_variable(2) = cel::Value::of_double(surprise_);
  own_variable(3) = cel::Value::of_double(ratio_);
  const auto entries = around_.arena.array<cel::Entry>(4);
  const auto set = [&](size_t slot, std::string_view name, double number) {
    entries[slot] = {cel::Value::of_string(name), cel::Value::of_double(number)};
  };
  set(0, "mean", baseline_.mean);
  set(1, "median", baseline_.median);
  set(2, "n", static_cast<double>(baseline_.n));
  set(3, "sd", baseline_.sd);
  own_variable(4) = cel::Value::of_map(entries);
}

void SurgeDetector::set_warming(WindowGroup& group, bool is_warming) {
  if (group.is_warming == is_warming) return;
  group.is_warming = is_warming;
  counters_.warming += is_warming ? 1 : uint64_t{0} - 1;
}

// From the panes, not from the group's mark, which is of the last tick it was judged at.
bool SurgeDetector::is_warming(const WindowGroup* group) {
  if (group == nullptr || group->first_pane == kNever) return true;
  const EventTime now = watermark();
  if (now == kMinEventTime) return true;
  const EventTime end = grid().step(grid().start_of(now), -window_panes_ - detect().gap);
  return end < grid().step(group->first_pane, window_panes_ * detect().min_history);
}

void SurgeDetector::read_group(ByteReader& from, WindowGroup& group) {
  WindowedDetector::read_group(from, group);
  if (group.is_warming) ++counters_.warming;
}

Verdict SurgeDetector::judge(WindowGroup& group, EventTime tick) {
  set_common_at(group, tick);
  const Measure& measure = measures_.front();
  merged_.clear();
  merge(group, 0, grid().step(tick, -window_panes_), tick, tick, merged_);
  k_ = merged_.result(measure.aggregate, measure.min_n).value_or(0.0);
  take_baseline(group, tick);
  const bool is_warming = baseline_.n < detect().min_history;
  set_warming(group, is_warming);
  // Below the floor no score can open an alert; an open one needs it for its way down.
  const bool is_needed = !is_warming && (k_ >= detect().floor || group.alert.is_open());
  score_ = is_needed ? score_of(detect().method, k_, baseline_, detect().robust) : 0.0;
  surprise_ = 0.0;
  if (is_needed && detect().method == SurgeMethod::kPoisson) {
    surprise_ = score_;
  } else if (is_needed) {
    surprise_ = negative_binomial_surprise(k_, baseline_);
  }
  ratio_ = ratio_of(k_, baseline_);
  set_variables();
  fingerprint_ =
      std::bit_cast<uint64_t>(k_) * 0x9e3779b97f4a7c15ULL ^ std::bit_cast<uint64_t>(baseline_.mean);
  return judge_levels(is_unusual());
}

// Above the floor the baseline may turn the judgement at any tick; below it only k can, also when
// the baseline has come to begin after a source did.
EventTime SurgeDetector::next_change(const WindowGroup& group, EventTime tick) const {
  EventTime next = WindowedDetector::next_change(group, tick);
  for (const Pane& pane : group.panes.panes()) {
    if (!detect().stable_sources || counts_lane(pane.lane, tick)) continue;
    const auto& source = around_.catalogue->source(static_cast<SourceId>(pane.lane - 1));
    next = std::min(next, grid().step(grid().tick_from(*source.onboarded), reach_));
  }
  Accumulator now;
  merge(group, 0, grid().step(tick, -window_panes_), tick, tick, now);
  const double k = now.result(measures_.front().aggregate, measures_.front().min_n).value_or(0.0);
  return k >= detect().floor && now.n > 0 ? grid().step(tick, 1) : next;
}

std::vector<Measured> SurgeDetector::measured() const {
  return {{"k", k_},
          {"score", score_},
          {"surprise", surprise_},
          {"ratio", ratio_},
          {"baseline.mean", baseline_.mean},
          {"baseline.sd", baseline_.sd},
          {"baseline.median", baseline_.median},
          {"baseline.n", static_cast<int64_t>(baseline_.n)}};
}

std::string SurgeDetector::condition(const WindowGroup& group, bool is_end) {
  const int index = index_of(rule().levels, group.alert.level);
  const LevelSpec* level = index < 0 ? nullptr : &rule().levels[static_cast<size_t>(index)];
  std::string text =
      fmt::format("{} {:.2f} {} {:.2f}; {:g} in the window, usually {:.2f} (n = {})",
                  name_of(detect().method), score_, score_ >= detect().at_least ? ">=" : "<",
                  detect().at_least, k_, baseline_.mean, baseline_.n);
  const auto& program = level == nullptr        ? std::optional<cel::Program>()
                        : is_end && level->exit ? level->exit
                                                : level->when;
  if (program) {
    text += fmt::format("; {}: {}", to_string(level->level),
                        cel::explain(*program, nullptr, variables(), around_.arena));
  }
  return text;
}

}  // namespace tocsin::rules
