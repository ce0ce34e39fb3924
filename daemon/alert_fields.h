#pragma once

#include <map>
#include <string>
#include <string_view>

#include "rules/model/alert.h"
#include "rules/model/result.h"
#include "rules/model/time.h"
#include "rules/model/vocabulary.h"

namespace tocsin::daemon {

// What the API, sinks and commands look at in an alert/1 text.
struct AlertFields {
  std::string id;
  uint32_t seq = 0;
  Action action = Action::kFire;
  std::string rule;  // empty when withheld (tlp_policy.h)
  std::string ruleset;
  RuleStatus status = RuleStatus::kProduction;  // of the rule; not told when withheld
  std::optional<Driver> driver;                 // nullopt when withheld
  Level level = Level::kNone;
  Level previous = Level::kNone;
  std::map<std::string, std::string> group;
  std::string region;
  std::string country;
  std::map<std::string, std::string> region_name;  // by language
  EventTime starts_at{};
  std::optional<EventTime> ends_at;
  EventTime at{};
  bool provisional = false;
  bool stale = false;
  bool error = false;
  std::optional<EventTime> flapping_since;
  Tlp tlp = Tlp::kRed;                         // the strictest when a text says nothing
  std::map<std::string, std::string> title;    // by language
  std::map<std::string, std::string> summary;  // by language
  std::string condition;
  std::string response;
  uint64_t events_counted = 0;

  bool is_end() const { return action == Action::kResolve || action == Action::kWithdraw; }
};

// kInvalid when `json` is not one alert/1 object.
Result<AlertFields> read_alert_fields(std::string_view json);

}  // namespace tocsin::daemon
