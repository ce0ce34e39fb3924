#include <algorithm>

#include "daemon/alert_fields.h"
#include "daemon/pipeline.h"
#include "daemon/told_in_force.h"
#include "rules/look_back.h"

// Alerts from before the journal reaches back, after state was rebuilt from what is left of it: the
// log knows better than the rules, until these have been told for as long as they look back.
namespace tocsin::daemon {
namespace {

constexpr std::string_view kUnheld =
    "state was rebuilt from what retention has left: since then nothing holds this alert";

// As it was told last; without values and evidence, which the text alone has.
AlertTransition transition_of(const storage::Store::StoredAlert& alert, const AlertFields& fields,
                              const rules::Rule& rule) {
  AlertTransition last;
  last.alert = alert.alert;
  last.seq = alert.seq;
  last.action = fields.action;
  last.level = fields.level;
  last.previous = fields.previous;
  for (const rules::GroupKey& key : rule.by) {
    const auto value = fields.group.find(key.name);
    if (value != fields.group.end()) last.group.emplace_back(*value);
  }
  last.starts_at = fields.starts_at;
  last.at = last.watermark = fields.at;
  last.ends_at = fields.ends_at;
  last.tlp = fields.tlp;
  last.title = fields.title;
  last.summary = fields.summary;
  last.condition = fields.condition;
  last.flapping_since = fields.flapping_since;
  last.events_counted = fields.events_counted;
  return last;
}

bool is_recorded_alone(const storage::Store::StoredAlert& alert, const rules::Rule& rule) {
  return rule.status == RuleStatus::kProduction && !alert.notify;
}

}  // namespace

bool Pipeline::knows_beginning_of(const OpenTold& alert) const {
  if (standing_.is_whole() || alert.rule == &bundle_->overflow) return true;
  return alert.told.last.starts_at >= known_from(*alert.rule, standing_.told_from);
}

// It has seen all that it looks back to, has looked at it once, and has waited as it is told to.
EventTime Pipeline::knows_by(const rules::Rule& rule) const {
  const EventTime known = known_from(rule, standing_.told_from);
  if (known == kMinEventTime || known == kMaxEventTime) return known;
  const rules::AlertPolicy& policy = rule.alert;
  Milliseconds waits = longest(rules::look_back(rule).tick) + longest(policy.pending) +
                       longest(policy.keep_firing_for) + longest(policy.hold);
  for (const rules::LevelSpec& level : rule.levels) waits = std::max(waits, longest(level.hold));
  return known + waits;
}

// Whoever is silent stays so until it is heard; a level with `exit`, or that flaps, is held while
// anything is counted of the group.
bool Pipeline::may_go_on(const OpenTold& alert) const {
  const bool has_group = engine_->has_group(alert.told.last.rule, alert.group.key);
  if (alert.rule->kind() == rules::RuleKind::kAbsence) return !has_group;
  return has_group && rules::holds_itself(alert.told.last, *alert.rule);
}

Result<bool> Pipeline::leave_unheld(const storage::Store::StoredAlert& last,
                                    const LoggedAlerts& logged,
                                    const std::set<std::string>& begin) {
  const Result<AlertFields> fields = read_alert_fields(last.json);
  if (!fields) return fields.error();
  const auto rule = std::find_if(bundle_->rules.begin(), bundle_->rules.end(),
                                 [&](const rules::Rule& one) { return one.id == fields->rule; });
  if (rule == bundle_->rules.end() || begin.contains(rule->identity)) return false;
  OpenTold alert{{}, &*rule, {.last = transition_of(last, *fields, *rule)}};
  if (alert.told.last.group.size() != rule->by.size() || knows_beginning_of(alert)) return false;
  alert.group = rules::group_of(alert.told.last, *rule);
  number_by(*bundle_, *rule, alert.group, alert.told.last);
  // The same alert, with another beginning, since the first of its events are gone.
  Hash128 by;
  for (const rules::ToldAlert* told : told_.of(alert.group)) {
    if (told->is_open() && !logged.open.contains(told->last.alert)) by = told->last.alert;
  }
  if (by == Hash128()) {
    standing_.unheld.insert(last.alert);
  } else {
    standing_.names[by] = last.alert;
    told_.drop(alert.group, by);
  }
  told_.note(alert.told.last, *rule, is_recorded_alone(last, *rule));
  return true;
}

void Pipeline::leave_untold(const OpenTold& alert, const LoggedAlerts& logged) {
  const Hash128 id = alert.told.last.alert;
  if (standing_.names.contains(id)) return;
  const auto before = logged.last_seq.find(id);
  standing_.untold[id] = before == logged.last_seq.end() ? 0 : before->second + 1;
}

void Pipeline::go_on_with_standing() {
  rules::Engine::Transitions told;
  for (AlertTransition& transition : transitions_) {
    const rules::Rule& rule = bundle_->raised_by(transition.rule);
    if (transition.retroactive) {
      standing_.revised(transition.alert);
    } else {
      if (transition.action == Action::kFire) take_up(transition, rule, told);
      rename_as_told(transition, rule);
    }
    told.push_back(std::move(transition));
  }
  transitions_ = std::move(told);
}

void Pipeline::take_up(const AlertTransition& fire, const rules::Rule& rule,
                       rules::Engine::Transitions& ends) {
  if (standing_.unheld.empty()) return;
  const rules::GroupName group = rules::group_of(fire, rule);
  for (const rules::ToldAlert* left : told_.of(group)) {
    if (!standing_.unheld.contains(left->last.alert)) continue;
    const OpenTold alert{group, &rule, *left};
    // Later, the rule would have held it all along.
    if (fire.at > knows_by(rule) && !rules::holds_itself(left->last, rule)) {
      end_unheld(alert, knows_by(rule), kUnheld, ends);
    } else {
      standing_.unheld.erase(left->last.alert);
      standing_.names[fire.alert] = left->last.alert;
    }
  }
}

void Pipeline::rename_as_told(AlertTransition& transition, const rules::Rule& rule) {
  const auto name = standing_.names.find(transition.alert);
  if (name == standing_.names.end()) return;
  transition.alert = name->second;
  if (const rules::ToldAlert* told = told_.find(transition, rule)) {
    transition.starts_at = told->last.starts_at;
    transition.at = std::max(transition.at, told->last.at);
    transition.tlp = std::max(transition.tlp, told->last.tlp);
  }
  if (!transition.ends_at) return;
  transition.ends_at = transition.at;
  standing_.names.erase(name);
}

bool Pipeline::fit_to_told(AlertTransition& transition, const rules::ToldAlert* told,
                           const rules::Rule& rule) {
  const auto untold = standing_.untold.find(transition.alert);
  if (untold != standing_.untold.end()) {
    const bool is_news = transition.action == Action::kEscalate || transition.at >= knows_by(rule);
    if (transition.ends_at) {
      told_.drop(rules::group_of(transition, rule), transition.alert);
      if (untold->second != 0) told_.note_number(transition.alert, untold->second - 1);
      standing_.untold.erase(untold);
      return false;
    }
    if (!is_news) {
      told_.note(transition, rule, /*is_recorded_alone=*/false);
      return false;
    }
    transition.action = Action::kFire;
    transition.previous = Level::kNone;
    transition.seq = untold->second;
    standing_.untold.erase(untold);
    return true;
  }
  // The engine may have had it at another level than it was told at: at a lower one as long as some
  // of what counts is missing.
  if (transition.ends_at) standing_.levels.erase(transition.alert);
  if (told == nullptr || !told->is_open() || transition.ends_at || transition.retroactive) {
    return true;
  }
  const Level before = told->last.level;
  const bool is_whole = told->last.starts_at >= known_from(rule, standing_.told_from);
  const Level decided = transition.level;
  if (!is_whole && transition.at < knows_by(rule)) transition.level = std::max(decided, before);
  standing_.levels.erase(transition.alert);
  if (transition.level != decided) standing_.levels[transition.alert] = decided;
  transition.previous = before;
  transition.action = transition.level > before   ? Action::kEscalate
                      : transition.level < before ? Action::kDeescalate
                                                  : Action::kUpdate;
  return true;
}

void Pipeline::settle_standing() {
  if (standing_.is_whole()) return;
  const EventTime now = engine_->watermark();
  if (standing_.told_from == kMaxEventTime && now != kMinEventTime) standing_.told_from = now;
  if (standing_.unheld.empty() && standing_.untold.empty() && standing_.levels.empty()) return;
  const auto stands = [this](Hash128 alert) { return standing_.has(alert); };
  for (const auto& [id, alert] : open_told(told_, *bundle_, stands)) {
    const EventTime known = knows_by(*alert.rule);
    if (engine_->rule_watermark(alert.told.last.rule) <= known) continue;
    const bool is_unheld = standing_.unheld.contains(id);
    if (is_unheld && !may_go_on(alert)) end_unheld(alert, known, kUnheld, transitions_);
    if (is_unheld) continue;
    transitions_.push_back(alert.told.last);
    AlertTransition& held = transitions_.back();
    held.action = Action::kUpdate;  // it becomes what it is against what was told
    const auto level = standing_.levels.find(id);
    if (level != standing_.levels.end()) held.level = level->second;
    held.at = held.watermark = std::max(held.at, known);
    held.retroactive = held.provisional = false;
    held.cause = {};
  }
  log_transitions();
}

void Pipeline::end_standing_of(const rules::Bundle& next, const std::set<std::string>& begin) {
  if (standing_.unheld.empty()) return;
  std::set<std::string_view> stay;
  for (const rules::Rule& rule : next.rules) stay.insert(rule.identity);
  const auto is_unheld = [this](Hash128 alert) { return standing_.unheld.contains(alert); };
  for (const auto& [id, alert] : open_told(told_, *bundle_, is_unheld)) {
    const bool is_gone = !stay.contains(alert.group.rule);
    if (!is_gone && !begin.contains(alert.group.rule)) continue;
    end_unheld(alert, engine_->watermark(), is_gone ? "rule removed" : "rule changed",
               transitions_);
  }
}

void Pipeline::end_unheld(const OpenTold& alert, EventTime at, std::string_view why,
                          rules::Engine::Transitions& out) {
  AlertTransition end = alert.told.last;
  number_by(*bundle_, *alert.rule, alert.group, end);
  end.action = Action::kResolve;
  end.previous = end.level;
  end.at = std::max(end.at, at);
  end.ends_at = end.watermark = end.at;
  end.retroactive = end.provisional = false;
  end.condition = why;
  standing_.unheld.erase(end.alert);
  out.push_back(std::move(end));
}

}  // namespace tocsin::daemon
