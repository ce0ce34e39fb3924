#include <fmt/format.h>

#include <boost/json.hpp>
#include <map>
#include <set>

#include "daemon/alert_fields.h"
#include "daemon/pipeline.h"
#include "daemon/told_in_force.h"

// Rules judge the whole journal that others, or other names, were at work on. What the log says of
// alerts is then brought to what these rules hold: the desk is told of each alert that it was not
// told of, and of the end of each that no rule speaks for any more. No event brings that about, so
// the journal says where it happened, and a rebuild does the same there.
namespace tocsin::daemon {
namespace {

namespace json = boost::json;

// The alert as it stood last, and that it is over.
std::string ended(const json::object& last, uint32_t seq, EventTime at) {
  json::object end;
  for (const auto& [key, value] : last) {
    if (key == "ends_at" || key == "retroactive") continue;
    end[key] = value;
    if (key == "starts_at") end["ends_at"] = format_time(at);
  }
  end["seq"] = seq;
  end["action"] = to_string(Action::kResolve);
  end["previous_level"] = last.at("level");
  end["at"] = format_time(at);
  end["provisional"] = false;
  end["condition"] = "rules or catalogue changed: nothing holds this alert any more";
  return json::serialize(end);
}

}  // namespace

Status Pipeline::judge_whole(std::shared_ptr<const rules::Bundle> bundle, rules::Emit emit,
                             JournalSeq to, LoggedAlerts logged, const std::set<std::string>& begin,
                             const CompileBundle& compile, const Progress& progress) {
  const std::set<Hash128> told_before = ids_of(told_);
  told_ = {};
  unrevised_.clear();
  emit_ = emit;
  if (Status status = begin_anew(std::move(bundle)); !status) return status;
  // What these rules say of the past is told where it differs from the log alone.
  const Told* told_again = std::exchange(told_again_, nullptr);
  std::string warning;
  Status status = replay_journal(1, to, Judges::kAlone, compile, progress, warning);
  told_again_ = told_again;
  // Of a journal that is no longer whole this cannot be said again; the log itself is asked later.
  if (!status || (is_replaying_ && !standing_.is_whole())) return status;
  if (status = bring_log_to_rules(logged, begin); !status) return status;
  forget_unlogged(logged, told_before, told_);
  return Status::ok();
}

Status Pipeline::judge_whole_now(const std::set<std::string>& begin, const CompileBundle& compile,
                                 const Progress& progress) {
  Result<LoggedAlerts> logged = read_logged_alerts(store_);
  if (!logged) return logged.error();
  const uint64_t log_before = logged->order;
  Status status =
      judge_whole(bundle_, emit_, store_.last_seq(), std::move(*logged), begin, compile, progress);
  if (!status) return status;
  // Before the journal names it: a rebuild must be able to compile what it meets there.
  const InForce rules = in_force();
  if (status = store_.put_meta(bundle_key(rules.hash), bundle_text_); !status) return status;
  batch().append(
      {.kind = storage::Control::Kind::kActivate,
       .source =
           ActivationRecord{.emit = emit_, .judged_aside = 0, .log_before = log_before}.text(),
       .time = {},
       .bundle = rules.hash});
  return Status::ok();
}

Status Pipeline::judge_whole_again(const WholeJudgement& judgement, const CompileBundle& compile,
                                   const Progress& progress, std::string& warning) {
  const auto stored = stored_bundle(judgement.control.bundle, compile);
  if (!stored) return stored.error();
  if (*stored == nullptr) {
    warning = fmt::format(
        "the rules {} that judge all before record {} cannot be compiled again; other ones judge "
        "what came since",
        judgement.control.bundle, judgement.seq);
    return Status::ok();
  }
  const auto how = ActivationRecord::parse(judgement.control.source, emit_);
  Result<LoggedAlerts> logged = read_logged_alerts(store_, how.log_before.value_or(0));
  if (!logged) return logged.error();
  return judge_whole(*stored, how.emit, judgement.seq - 1, std::move(*logged), {}, compile,
                     progress);
}

Status Pipeline::bring_log_to_rules(LoggedAlerts& logged, const std::set<std::string>& begin) {
  const std::map<Hash128, OpenTold> held = open_told(told_, *bundle_);
  for (const auto& [id, alert] : logged.open) {
    if (held.contains(id)) continue;
    const Result<bool> is_left = leave_unheld(alert, logged, begin);
    if (!is_left) return is_left.error();
    if (*is_left) continue;
    if (Status status = end_in_log(alert, logged); !status) return status;
  }
  for (const auto& [id, alert] : held) {
    if (standing_.names.contains(id)) continue;  // it goes on as one that was left
    const bool is_known = begin.contains(alert.group.rule) || knows_beginning_of(alert);
    const auto found = logged.open.find(id);
    Status status;
    if (found != logged.open.end()) {
      status = bring_level(alert, found->second, is_known, logged);
    } else if (is_known) {
      tell_in_log(alert, logged);
    } else {
      leave_untold(alert, logged);
    }
    if (!status) return status;
  }
  number_as_logged(logged, told_);
  return Status::ok();
}

Status Pipeline::bring_level(const OpenTold& alert, const storage::Store::StoredAlert& last,
                             bool is_known, LoggedAlerts& logged) {
  const Result<AlertFields> fields = read_alert_fields(last.json);
  if (!fields) return fields.error();
  AlertTransition now = alert.told.last;
  if (fields->level == now.level) return Status::ok();
  if (is_known) {
    now.seq = ++logged.last_seq[now.alert];
    now.action = now.level > fields->level ? Action::kEscalate : Action::kDeescalate;
    now.previous = fields->level;
    log(now, last.notify);
  } else {
    standing_.levels[now.alert] = std::exchange(now.level, fields->level);
  }
  told_.note(now, *alert.rule, alert.told.is_recorded_alone);
  return Status::ok();
}

Status Pipeline::end_in_log(const storage::Store::StoredAlert& alert, LoggedAlerts& logged) {
  json::error_code error;
  const json::value last = json::parse(alert.json, error);
  const Result<AlertFields> fields = read_alert_fields(alert.json);
  if (error || !fields) {
    return corrupt("read the alert log: alert " + to_hex(alert.alert) + " is no alert/1 object");
  }
  const uint32_t seq = ++logged.last_seq[alert.alert];
  const EventTime at = std::max(fields->at, engine_->watermark());
  log({.alert = alert.alert,
       .seq = seq,
       .open = false,
       .notify = alert.notify,
       .json = ended(last.as_object(), seq, at)},
      Action::kResolve, fields->level);
  return Status::ok();
}

void Pipeline::tell_in_log(const OpenTold& alert, LoggedAlerts& logged) {
  AlertTransition fire = alert.told.last;
  fire.action = Action::kFire;
  fire.previous = Level::kNone;
  const auto before = logged.last_seq.find(fire.alert);
  fire.seq = before == logged.last_seq.end() ? 0 : before->second + 1;
  logged.last_seq[fire.alert] = fire.seq;
  log(fire, alert.rule->status == RuleStatus::kProduction && !alert.told.is_recorded_alone);
  told_.note(fire, *alert.rule, alert.told.is_recorded_alone);
}

Status Pipeline::follow_log() {
  const Result<LoggedAlerts> logged = read_logged_alerts(store_);
  if (!logged) return logged.error();
  number_as_logged(*logged, told_);
  return Status::ok();
}

}  // namespace tocsin::daemon
