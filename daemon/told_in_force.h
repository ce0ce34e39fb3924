#pragma once

#include <functional>
#include <map>
#include <set>
#include <string_view>

#include "daemon/logged_alerts.h"
#include "rules/model/hash.h"
#include "rules/rule.h"
#include "rules/told_alerts.h"

// What was told, as the rules in force number it, and against what the log has of it.
namespace tocsin::daemon {

// An alert that is told as open.
struct OpenTold {
  rules::GroupName group;
  const rules::Rule* rule = nullptr;  // of the bundle
  rules::ToldAlert told;
};
// Those of rules that the bundle has, and `is_wanted` says yes to (null: to all).
std::map<Hash128, OpenTold> open_told(const rules::ToldAlerts& told, const rules::Bundle& bundle,
                                      const std::function<bool(Hash128)>& is_wanted = {});

// By the name that outlives reloads; nullptr: it has gone.
const rules::Rule* rule_of(const rules::Bundle& bundle, std::string_view identity);
// Rule and region of a transition of that group.
void number_by(const rules::Bundle& bundle, const rules::Rule& rule, const rules::GroupName& group,
               AlertTransition& transition);

// All that something is known of but the number.
std::set<Hash128> ids_of(const rules::ToldAlerts& told);
// What comes next of each alert follows on what the log has of it.
void number_as_logged(const LoggedAlerts& logged, rules::ToldAlerts& told);
// Forgets what is over and was never told. Where the log has nothing of what was `told_before`,
// retention has dropped that since.
void forget_unlogged(const LoggedAlerts& logged, const std::set<Hash128>& told_before,
                     rules::ToldAlerts& told);

}  // namespace tocsin::daemon
