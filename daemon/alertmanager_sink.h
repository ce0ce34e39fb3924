#pragma once

#include <atomic>
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
// Beside them one alert fires while events are judged, `TocsinWatchdog`, with the label
// sender="tocsin" (that of Prometheus has another way here): when it ends, nobody is warned of
// anything any more. A store that is away, or is still recovered, is no end of what fires: that is
// sent again on and on, without the watchdog.
// Thread-safety: one thread at a time.
class AlertmanagerSink : public NotificationSink {
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
  // What it needs of an opening of the store.
  struct Source {
    // Transitions of alerts that fire, as this sink may see them: what it begins with.
    std::function<Result<std::vector<Notification>>()> open_alerts{};
    // Whether events are judged, so that all is well.
    std::function<bool()> is_judging{};
  };

  AlertmanagerSink(Options options, LevelsOf levels_of, Clock clock);

  // Beside what it knows from before, from now on this; until then, and after leave(), there is no
  // store. `source` is asked until leave() by deliver() and tick() alone.
  void follow(Source source);
  void leave() { source_ = {}; }
  // From any thread: while it is told to, an attempt under way ends with its next request, as one
  // that could not reach Alertmanager.
  void hurry(bool on) { hurries_ = on; }

  const std::string& name() const override { return options_.name; }
  Status deliver(const std::vector<Notification>& notifications) override;
  Result<bool> tick() override;

 private:
  // The alert of one label set: the newest episode that has it.
  struct Instance {
    std::string labels;       // JSON
    std::string annotations;  // JSON
    Hash128 alert;            // the episode
    uint32_t seq = 0;         // of its transition
    EventTime starts_at{};
    std::optional<EventTime> ends_at;      // of what has ended
    std::optional<WallTime> forget_after;  // of what has ended
  };

  // What is open in the store fires, and nothing else; what is in the outbox is behind that.
  Status load();
  bool is_judging() const { return source_.is_judging && source_.is_judging(); }
  static void end(Instance& instance, EventTime at, WallTime now);
  void take(const Notification& notification, const AlertFields& fields, WallTime now);
  std::vector<Level> levels_up_to(const std::string& rule, Level level) const;
  std::vector<std::string> all_instances(WallTime now, bool is_judging) const;
  std::string json_of(const Instance& instance, WallTime now) const;
  // True when there was something to send.
  Result<bool> send(WallTime now);
  Status post(const std::string& body);
  void forget(WallTime now);

  const Options options_;
  const LevelsOf levels_of_;
  const Clock clock_;
  Source source_;
  std::atomic<bool> hurries_{false};
  bool loaded_ = false;                        // what `source_` begins with
  std::map<std::string, Instance> instances_;  // by labels
  Instance watchdog_;
  WallTime last_sent_{};
  bool sent_watchdog_ = false;  // the last time
};

}  // namespace tocsin::daemon
