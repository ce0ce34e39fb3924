#include "rules/kinds/divergence.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace tocsin::rules {

namespace {
constexpr size_t kMostPanes = 500;
constexpr size_t kNewest = 4;  // listed of each series
}  // namespace

DivergenceDetector::DivergenceDetector(Surroundings& around, const Rule& rule, RuleIndex index,
                                       Timeline::ClassId time_class)
    : TickedDetector(around, rule, index, time_class) {
  on_rebind();
}

void DivergenceDetector::on_rebind() {
  grid_ = PaneGrid(detect().pane, rule().zone);
  changes_.resize(detect().parts.size());
}

void DivergenceDetector::on_event(const Event& event, JournalSeq) {
  const bool is_part =
      std::any_of(detect().parts.begin(), detect().parts.end(),
                  [&](const DivergencePart& part) { return signals().counts(part.signal, event); });
  if (!is_part || !keyer_.hash(event)) return;
  DivergenceGroup* group = group_of(event);
  if (group == nullptr) return;
  ++counters_.selected;
  const EventTime now = watermark();
  if (event.time < now) ++counters_.late;
  const EventTime next = now == kMinEventTime ? kMinEventTime : grid_.next_tick(now);
  schedule_by(*group, std::max(grid_.next_tick(event.time), next));
}

// Theil-Sen's slope over the window against the noise of the steps.
std::optional<double> DivergenceDetector::change_of(const DivergencePart& part,
                                                    DivergenceGroup& group, EventTime tick) {
  points_.clear();
  EventTime start = grid_.step(tick, -int64_t{detect().panes});
  for (uint32_t i = 0; i < detect().panes; ++i) {
    const EventTime end = grid_.step(start, 1);
    if (const auto value = signals().value_over(part.signal, group, start, end)) {
      points_.push_back({static_cast<double>(i), value->value});
    }
    start = end;
  }
  has_data_ = has_data_ || !points_.empty();
  if (points_.size() < detect().min_points) return std::nullopt;
  const double change = change_in_noise(points_, detect().panes, part.noise, scratch_);
  return part.is_falling ? -change : change;
}

std::optional<double> DivergenceDetector::side(bool is_better) {
  double all = 0, weights = 0, weighted = 0;
  for (size_t i = 0; i < changes_.size(); ++i) {
    const DivergencePart& part = detect().parts[i];
    if (part.is_better != is_better) continue;
    all += part.weight;
    if (!changes_[i]) continue;
    weights += part.weight;
    weighted += part.weight * *changes_[i];
  }
  const double coverage = all > 0 ? weights / all : 0;
  coverage_ = std::min(coverage_, coverage);
  if (weights <= 0 || coverage < detect().coverage) return std::nullopt;
  return weighted / weights;
}

void DivergenceDetector::set_variables() {
  own_variable(0) = is_known_ ? cel::Value::of_double(better_) : cel::Value();
  own_variable(1) = is_known_ ? cel::Value::of_double(worse_) : cel::Value();
  own_variable(2) = cel::Value::of_double(coverage_);
  std::vector<cel::Entry> known;
  for (size_t i = 0; i < changes_.size(); ++i) {
    if (!changes_[i]) continue;
    known.push_back(
        {cel::Value::of_string(detect().parts[i].name), cel::Value::of_double(*changes_[i])});
  }
  std::sort(known.begin(), known.end(),
            [](const cel::Entry& a, const cel::Entry& b) { return a.key.text() < b.key.text(); });
  const auto entries = around_.arena.array<cel::Entry>(known.size());
  std::copy(known.begin(), known.end(), entries.begin());
  own_variable(3) = cel::Value::of_map(entries);
}

Verdict DivergenceDetector::judge(DivergenceGroup& group, EventTime tick) {
  set_common_at(group, tick);
  has_data_ = false;
  for (size_t i = 0; i < changes_.size(); ++i) {
    changes_[i] = change_of(detect().parts[i], group, tick);
  }
  coverage_ = 1;
  const auto better = side(true);
  const auto worse = side(false);
  is_known_ = better && worse;
  better_ = better.value_or(0);
  worse_ = worse.value_or(0);
  set_variables();
  fingerprint_ = std::bit_cast<uint64_t>(better_) * 31 + std::bit_cast<uint64_t>(worse_);
  return judge_levels(is_known_ ? truth(detect().when, nullptr) : std::nullopt);
}

void DivergenceDetector::on_due(DivergenceGroup& group, EventTime tick) {
  touch(group);
  decide(group, tick);
  if (!has_data_ && group.alert.is_idle() && group.alert.calm_at() <= tick) {
    remove(group);
  } else {
    schedule(group, grid_.step(tick, 1));
  }
}

Finding DivergenceDetector::find_at(DivergenceGroup& group, EventTime tick, bool is_end) {
  Finding finding;
  finding.condition = fmt::format("data for {:.0f} % of the weights of a side, {:.0f} % are needed",
                                  coverage_ * 100, detect().coverage * 100);
  if (is_known_) {
    finding.values = {{"better", better_}, {"worse", worse_}};
    finding.condition = cel::explain(detect().when, nullptr, variables(), around_.arena) +
                        level_condition(group, is_end);
  }
  finding.values.push_back({"coverage", coverage_});
  const SignalValue window{0, grid_.step(tick, -int64_t{detect().panes}), tick};
  for (size_t i = 0; i < changes_.size(); ++i) {
    const DivergencePart& part = detect().parts[i];
    if (changes_[i]) finding.values.push_back({"change." + part.name, *changes_[i]});
    std::vector<EvidenceItem> items;
    signals().collect(part.signal, group, window, kMostPanes, items);
    // The newest tell where it has come to.
    std::sort(items.begin(), items.end(), [](const EvidenceItem& a, const EvidenceItem& b) {
      return std::tie(b.time, b.source, b.id_hash) < std::tie(a.time, a.source, a.id_hash);
    });
    items.resize(std::min(items.size(), kNewest));
    for (const EvidenceItem& item : items) {
      if (finding.evidence.size() >= rule().alert.max_evidence) break;
      finding.evidence.add(item.seq, part.name, item.tlp);
    }
    finding.events_counted += items.size();
  }
  return finding;
}

}  // namespace tocsin::rules
