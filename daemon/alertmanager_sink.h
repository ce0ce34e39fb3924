#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/alert_fields.h"
#include "daemon/notification_sink.h"
#include "rules/model/hash.h"
#include "rules/model/time.h"

namespace tocsin::daemon {

// Mirrors what fires into Alertmanager (API v2).
//
// Alertmanager is no queue: it forgets, and what is not sent again ends by itself. So everything
// that fires is sent every `resend_interval` with an end four intervals ahead, and what has ended
// is sent for a quarter of an hour with its true end. A level is an alert of its own, and lower
// levels of the rule stay while a higher one fires: a change of level never looks like an end.
// Labels are identity alone (alertname, package, driver, region, country, level, group keys);
// everything that changes is an annotation. Whatever an alert had here and has no more is ended: a
// higher level after a step down, its full labels once its content is withheld, all at its end.
//
// Beside them one alert always fires, `TocsinWatchdog`, with the label sender="tocsin" (that of
// Prometheus has another way here): when it ends, nobody is warned of anything any more.
// Thread-safety: one thread.
class AlertmanagerSink final : public NotificationSink {
 public:
  struct Options {
    std::string name;
    std::vector<std::string> urls;  // every member of the cluster; one that answers is enough
    std::string token_file{};       // bearer token for all of them, read anew each time
    std::chrono::milliseconds timeout{10'000};
    std::chrono::milliseconds resend_interval{60'000};
    std::string instance{};  // label of the watchdog: which tocsin
  };
  // The levels that a rule has, lowest first; empty when it is not known (any more). Any thread.
  using LevelsOf = std::function<std::vector<Level>(const std::string& rule)>;
  using Clock = std::function<WallTime()>;
  // Transitions of alerts that fire, as this sink may see them: what it begins with.
  using OpenAlerts = std::function<Result<std::vector<Notification>>()>;

  AlertmanagerSink(Options options, LevelsOf levels_of, OpenAlerts open_alerts, Clock clock);

  const std::string& name() const override { return options_.name; }
  Status deliver(const std::vector<Notification>& notifications) override;
  Result<bool> tick() override;

 private:
  // The alert of one label set: the newest episode that has it.
  struct Instance {
    std::string labels;       // JSON
    std::string annotations;  // JSON
    Hash128 alert;            // the episode
    EventTime starts_at{};
    std::optional<EventTime> ends_at;      // of what has ended
    std::optional<WallTime> forget_after;  // of what has ended
  };

  Status load();
  void take(const Notification& notification, const AlertFields& fields, WallTime now);
  std::vector<Level> levels_up_to(const std::string& rule, Level level) const;
  std::vector<std::string> all_instances(WallTime now) const;
  std::string json_of(const Instance& instance, WallTime now) const;
  Status send(WallTime now);
  Status post(const std::string& body);
  void forget(WallTime now);

  const Options options_;
  const LevelsOf levels_of_;
  const OpenAlerts open_alerts_;
  const Clock clock_;
  bool loaded_ = false;
  std::map<std::string, Instance> instances_;  // by labels
  Instance watchdog_;
  WallTime last_sent_{};
};

}  // namespace tocsin::daemon
