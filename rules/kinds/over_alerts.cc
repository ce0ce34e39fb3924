#include "rules/kinds/over_alerts.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace tocsin::rules {

void OverAlertsDetector::on_due(PlaceGroup& group, EventTime tick) {
  touch(group);
  decide(group, tick);
  if (!has_alerts_ && group.alert.is_idle() && group.alert.calm_at() <= tick) {
    // What is on the board ahead of the tick finds it as new, whenever that came to be there.
    const std::optional<RegionId> region = group.region;
    remove(group);
    if (region && upcoming_ != kNever) wake(*region, upcoming_);
  } else {
    schedule(group, grid_.step(tick, 1));
  }
}

void OverAlertsDetector::begin_looking() {
  has_alerts_ = false;
  upcoming_ = kNever;
}

void OverAlertsDetector::look_beyond(const BoardEntry& entry, EventTime from, EventTime tick) {
  const BoardEntry::Change* last = entry.before(tick);
  if (last != nullptr && (last->level != Level::kNone || last->at >= from)) has_alerts_ = true;
  const auto next = std::find_if(entry.changes.begin(), entry.changes.end(),
                                 [=](const auto& change) { return change.at >= tick; });
  if (next != entry.changes.end()) upcoming_ = std::min(upcoming_, next->at);
}

void OverAlertsDetector::wake(RegionId region, EventTime at) {
  PlaceGroup* group = group_for({around_.catalogue->region(region).id}, at);
  if (group == nullptr) return;
  // Ticks up to there are judged; later ones may be, though their time has come.
  const EventTime passed = around_.timeline->passed(time_class());
  const EventTime next = passed == kMinEventTime ? kMinEventTime : grid_.next_tick(passed);
  schedule_by(*group, std::max(grid_.next_tick(at), next));
}

void OverAlertsDetector::look_at(const BoardEntry& entry, Level level) {
  const auto text = [](std::string_view t) { return cel::Value::of_string(t); };
  const auto rank = cel::Value::of_int(static_cast<int64_t>(level));
  const std::string_view rule = entry.rule;
  alert_ = {text(rule),
            text(rule.substr(0, rule.find('/'))),
            text(to_string(entry.driver)),
            text(to_string(entry.stage)),
            text(around_.catalogue->region(entry.region).id),
            rank,
            rank};
}

bool OverAlertsDetector::selects(const BoardEntry& entry, Level level) {
  if (level == Level::kNone) return false;
  if (alerts().production_only && entry.status != RuleStatus::kProduction) return false;
  look_at(entry, level);
  const cel::Outcome outcome = alerts().condition.run(nullptr, alert_, around_.arena);
  if (outcome.ok() && outcome.value.kind() == cel::Kind::kBool) return outcome.value.boolean();
  ++counters_.evaluation_errors;
  return false;
}

void OverAlertsDetector::add_alerts(const std::vector<Counted>& counted, Finding& finding) const {
  std::set<JournalSeq> known;
  std::set<std::string> names;
  for (const Counted& item : counted) {
    finding.tlp = std::max(finding.tlp, item.change->tlp);
    names.insert(fmt::format("{} {} {}", item.entry->rule,
                             around_.catalogue->region(item.entry->region).id,
                             to_hex(item.entry->alert).substr(0, 8)));
  }
  // The first event of each alert, then the second of each.
  for (size_t rank = 0; finding.evidence.size() < rule().alert.max_evidence; ++rank) {
    bool has_more = false;
    for (const Counted& item : counted) {
      if (rank >= item.change->evidence.size()) continue;
      has_more = true;
      const JournalSeq seq = item.change->evidence[rank].seq;
      if (finding.evidence.size() >= rule().alert.max_evidence || !known.insert(seq).second) {
        continue;
      }
      finding.evidence.add(seq, item.entry->rule, item.change->tlp);
    }
    if (!has_more) break;
  }
  finding.events_counted = known.size();
  finding.values.push_back({"alerts", fmt::format("{}", fmt::join(names, ", "))});
}

}  // namespace tocsin::rules
