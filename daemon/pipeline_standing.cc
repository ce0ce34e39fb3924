#include <boost/json.hpp>
#include <map>

#include "daemon/alert_fields.h"
#include "daemon/pipeline.h"

// After a rebuild by other rules or names than those that were at work: what the log says of open
// alerts is brought to what these rules hold. The desk is told of each alert that it was not told
// of, and of the end of each that no rule speaks for any more.
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

Status Pipeline::bring_log_to_rules() {
  std::map<Hash128, rules::ToldAlert> held;
  told_.for_each_group([&](const rules::GroupName& group) {
    for (const rules::ToldAlert* told : told_.of(group)) {
      if (told->is_open()) held.emplace(told->last.alert, *told);
    }
  });
  std::map<Hash128, storage::Store::StoredAlert> logged;
  Status status =
      store_.read_alerts({.open_only = true, .limit = SIZE_MAX}, [&](const auto& alert) {
        logged.emplace(alert.alert, alert);
        return true;
      });
  if (!status) return status;
  for (const auto& [id, alert] : logged) {
    if (held.contains(id)) continue;
    if (status = end_in_log(alert); !status) return status;
  }
  for (const auto& [id, told] : held) {
    const auto found = logged.find(id);
    if (found == logged.end()) {
      if (status = tell_in_log(told); !status) return status;
      continue;
    }
    const Result<AlertFields> fields = read_alert_fields(found->second.json);
    if (!fields) return fields.error();
    if (found->second.seq <= told.last.seq && fields->level == told.last.level) continue;
    AlertTransition now = told.last;
    now.seq = std::max(now.seq, found->second.seq);
    if (fields->level != now.level) {
      now.action = now.level > fields->level ? Action::kEscalate : Action::kDeescalate;
      now.previous = fields->level;
      ++now.seq;
      log(now, found->second.notify);
    }
    told_.note(now, bundle_->raised_by(now.rule), told.is_recorded_alone);
  }
  return Status::ok();
}

Status Pipeline::end_in_log(const storage::Store::StoredAlert& alert) {
  json::error_code error;
  const json::value last = json::parse(alert.json, error);
  const Result<AlertFields> fields = read_alert_fields(alert.json);
  if (error || !fields) {
    return corrupt("read the alert log: alert " + to_hex(alert.alert) + " is no alert/1 object");
  }
  const EventTime at = std::max(fields->at, engine_->watermark());
  batch().put_alert({.alert = alert.alert,
                     .seq = alert.seq + 1,
                     .open = false,
                     .notify = alert.notify,
                     .json = ended(last.as_object(), alert.seq + 1, at)});
  ++counts_.transitions[{Action::kResolve, fields->level}];
  ++transitions_total_;
  return Status::ok();
}

Status Pipeline::tell_in_log(const rules::ToldAlert& told) {
  const rules::Rule& rule = bundle_->raised_by(told.last.rule);
  AlertTransition fire = told.last;
  fire.action = Action::kFire;
  fire.previous = Level::kNone;
  const auto before = store_.find_alerts(to_hex(fire.alert), 1);
  if (!before) return before.error();
  if (!before->empty()) fire.seq = std::max(fire.seq, before->front().seq + 1);
  log(fire, rule.status == RuleStatus::kProduction && !told.is_recorded_alone);
  told_.note(fire, rule, told.is_recorded_alone);
  return Status::ok();
}

}  // namespace tocsin::daemon
