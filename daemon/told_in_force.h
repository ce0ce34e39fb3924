#pragma once

#include <map>
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
// Those of rules that the bundle has.
std::map<Hash128, OpenTold> open_told(const rules::ToldAlerts& told, const rules::Bundle& bundle);

// By the name that outlives reloads; nullptr: it has gone.
const rules::Rule* rule_of(const rules::Bundle& bundle, std::string_view identity);
// Rule and region of a transition of that group.
void number_by(const rules::Bundle& bundle, const rules::Rule& rule, const rules::GroupName& group,
               AlertTransition& transition);

// What comes next of each alert follows on what the log has of it.
void number_as_logged(const LoggedAlerts& logged, const rules::Bundle& bundle,
                      rules::ToldAlerts& told);
// Forgets what is over and was never told.
void forget_unlogged(const LoggedAlerts& logged, rules::ToldAlerts& told);

}  // namespace tocsin::daemon
