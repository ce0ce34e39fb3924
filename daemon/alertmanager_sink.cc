#include "daemon/alertmanager_sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "daemon/http_client.h"
#include "daemon/secret_file.h"
#include "daemon/webhook_sink.h"
#include "rules/model/json_text.h"

namespace tocsin::daemon {
namespace {

// An alert that is not sent again ends after so many intervals: a few may be missed.
constexpr int kIntervalsAhead = 4;
constexpr std::chrono::minutes kTellEndFor{15};
constexpr size_t kAlertsPerPost = 500;

void append(std::string& to, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  if (to.back() != '{') to += ',';
  append_json_string(to, name);
  to += ':';
  append_json_string(to, value);
}

// Labels of Prometheus are [a-zA-Z_][a-zA-Z0-9_]*.
std::string label_name(std::string_view key) {
  std::string name;
  for (const char c : key) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += plain ? c : '_';
  }
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) name.insert(0, "_");
  return name;
}

bool is_taken(std::string_view name) {
  return name == "alertname" || name == "package" || name == "driver" || name == "region" ||
         name == "country" || name == "level";
}

std::string labels_of(const AlertFields& fields, Level level) {
  std::string to = "{";
  append(to, "alertname", fields.rule.empty() ? "withheld" : fields.rule);
  // Nothing else tells two withheld alerts apart.
  if (fields.rule.empty()) append(to, "alert_id", fields.id);
  append(to, "package", fields.ruleset);
  if (fields.driver) append(to, "driver", to_string(*fields.driver));
  append(to, "region", fields.region);
  append(to, "country", fields.country);
  append(to, "level", to_string(level));
  for (const auto& [key, value] : fields.group) {
    const std::string name = label_name(key);
    if (!is_taken(name)) {
      append(to, name, value);
    } else if (name != "region" || value != fields.region) {
      append(to, "group_" + name, value);
    }
  }
  return to + "}";
}

std::string annotations_of(const AlertFields& fields) {
  std::string to = "{";
  append(to, "alert_id", fields.id);
  append(to, "seq", std::to_string(fields.seq));
  for (const auto& [language, text] : fields.title) {
    append(to, language == "en" ? "title" : "title_" + language, text);
  }
  for (const auto& [language, text] : fields.summary) {
    append(to, language == "en" ? "summary" : "summary_" + language, text);
  }
  for (const auto& [language, text] : fields.region_name) {
    append(to, language == "en" ? "region_name" : "region_name_" + language, text);
  }
  append(to, "condition", fields.condition);
  append(to, "response", fields.response);
  append(to, "provisional", fields.provisional ? "true" : "");
  append(to, "stale", fields.stale ? "true" : "");
  append(to, "error", fields.error ? "true" : "");
  append(to, "flapping_since", fields.flapping_since ? format_time(*fields.flapping_since) : "");
  return to + "}";
}

std::string watchdog_labels(const std::string& instance) {
  std::string to = "{";
  append(to, "alertname", "TocsinWatchdog");
  append(to, "sender", "tocsin");
  append(to, "instance", instance);
  append(to, "severity", "none");
  return to + "}";
}

std::string watchdog_annotations() {
  std::string to = "{";
  append(to, "summary", "Always firing, so that silence is noticed");
  append(to, "description",
         "When it ends, tocsin does not reach this Alertmanager any more: nobody is warned.");
  return to + "}";
}

}  // namespace

AlertmanagerSink::AlertmanagerSink(Options options, LevelsOf levels_of, Clock clock)
    : options_(std::move(options)),
      levels_of_(std::move(levels_of)),
      clock_(std::move(clock)),
      watchdog_({.labels = watchdog_labels(options_.instance),
                 .annotations = watchdog_annotations(),
                 .alert = {},
                 .seq = 0,
                 .starts_at = clock_(),
                 .ends_at = {},
                 .forget_after = {}}) {}

void AlertmanagerSink::follow(Source source) {
  source_ = std::move(source);
  loaded_ = false;
  for (auto& [labels, instance] : instances_) instance.seq = 0;  // it may be an older store
}

Status AlertmanagerSink::load() {
  if (loaded_ || !source_.open_alerts) return Status::ok();
  const auto alerts = source_.open_alerts();
  if (!alerts) return alerts.error();
  const WallTime now = clock_();
  std::set<Hash128> open;
  for (const Notification& alert : *alerts) {
    const auto fields = read_alert_fields(alert.json);
    if (!fields) continue;
    take(alert, *fields, now);
    open.insert(alert.alert);
  }
  for (auto& [labels, instance] : instances_) {
    if (!instance.ends_at && !open.contains(instance.alert)) end(instance, now, now);
  }
  loaded_ = true;
  return Status::ok();
}

std::vector<Level> AlertmanagerSink::levels_up_to(const std::string& rule, Level level) const {
  std::vector<Level> levels = levels_of_(rule);
  std::erase_if(levels, [&](Level each) { return each >= level; });
  levels.push_back(level);
  return levels;
}

void AlertmanagerSink::end(Instance& instance, EventTime at, WallTime now) {
  instance.ends_at = at;
  instance.forget_after = now + kTellEndFor;
}

void AlertmanagerSink::take(const Notification& notification, const AlertFields& fields,
                            WallTime now) {
  const bool is_behind = std::any_of(instances_.begin(), instances_.end(), [&](const auto& each) {
    return each.second.alert == notification.alert && each.second.seq > notification.seq;
  });
  if (is_behind) return;  // the store told what came of it
  const std::string annotations = annotations_of(fields);
  std::set<std::string> present;
  if (!fields.is_end()) {
    for (const Level level : levels_up_to(fields.rule, fields.level)) {
      const std::string labels = labels_of(fields, level);
      present.insert(labels);
      instances_[labels] = {.labels = labels,
                            .annotations = annotations,
                            .alert = notification.alert,
                            .seq = notification.seq,
                            .starts_at = fields.starts_at,
                            .ends_at = {},
                            .forget_after = {}};
    }
  }
  for (auto& [labels, instance] : instances_) {
    if (instance.alert != notification.alert || instance.ends_at || present.contains(labels)) {
      continue;
    }
    // A text that is withheld does not take the place of one that was told.
    if (!fields.rule.empty()) instance.annotations = annotations;
    instance.seq = notification.seq;
    end(instance, fields.ends_at.value_or(fields.at), now);
  }
}

Status AlertmanagerSink::deliver(const std::vector<Notification>& notifications) {
  if (Status status = load(); !status) return status;
  const WallTime now = clock_();
  for (const Notification& notification : notifications) {
    const auto fields = read_alert_fields(notification.json);
    if (!fields) return fields.error();
    take(notification, *fields, now);
  }
  const Result<bool> sent = send(now);
  return sent ? Status::ok() : sent.error();
}

Result<bool> AlertmanagerSink::tick() {
  const WallTime now = clock_();
  // A clock that was set back must not end what fires.
  const bool is_due = now < last_sent_ || now - last_sent_ >= options_.resend_interval;
  const bool all_is_well_again = is_judging() && !sent_watchdog_;
  if (!is_due && !all_is_well_again) return false;
  const Status loaded = load();
  forget(now);
  Result<bool> sent = send(now);  // what is known, also where the store cannot be read
  if (!loaded) return loaded.error();
  return sent;
}

void AlertmanagerSink::forget(WallTime now) {
  std::erase_if(instances_, [&](const auto& each) {
    return each.second.forget_after && *each.second.forget_after < now;
  });
}

std::string AlertmanagerSink::json_of(const Instance& instance, WallTime now) const {
  EventTime ends_at = instance.ends_at.value_or(now + kIntervalsAhead * options_.resend_interval);
  // Alertmanager refuses an end before the start; event time may be ahead of the clock.
  ends_at = std::max(ends_at, instance.starts_at + Milliseconds(1));
  return fmt::format(R"({{"labels":{},"annotations":{},"startsAt":"{}","endsAt":"{}"}})",
                     instance.labels, instance.annotations, format_time(instance.starts_at),
                     format_time(ends_at));
}

std::vector<std::string> AlertmanagerSink::all_instances(WallTime now, bool is_judging) const {
  std::vector<std::string> all;
  if (is_judging) all.push_back(json_of(watchdog_, now));
  for (const auto& [labels, instance] : instances_) all.push_back(json_of(instance, now));
  return all;
}

Result<bool> AlertmanagerSink::send(WallTime now) {
  const bool is_judging = this->is_judging();
  const std::vector<std::string> all = all_instances(now, is_judging);
  for (size_t begin = 0; begin < all.size(); begin += kAlertsPerPost) {
    std::string body = "[";
    for (size_t i = begin; i < std::min(all.size(), begin + kAlertsPerPost); ++i) {
      if (body.size() > 1) body += ',';
      body += all[i];
    }
    body += ']';
    if (Status status = post(body); !status) return status.error();
  }
  last_sent_ = now;
  sent_watchdog_ = is_judging;
  return !all.empty();
}

Status AlertmanagerSink::post(const std::string& body) {
  HttpCall call{.method = "POST",
                .url = {},
                .headers = {{"Content-Type", "application/json"}},
                .body = body,
                .timeout = options_.timeout};
  if (!options_.token_file.empty()) {
    const auto token = read_secret(options_.token_file);
    if (!token) return token.error();
    call.headers.emplace_back("Authorization", "Bearer " + *token);
  }
  Status last = unavailable("no address of Alertmanager is configured");
  bool taken = false;
  for (const std::string& url : options_.urls) {
    if (hurries_) return unavailable("told to hurry");
    call.url = (url.ends_with('/') ? url.substr(0, url.size() - 1) : url) + "/api/v2/alerts";
    const auto answer = call_http(call);
    Status status = answer ? judge_answer(answer->status, address_of(url), answer->body)
                           : Status(unavailable(answer.error().message));
    taken = taken || status.has_value();
    if (!status) last = std::move(status);
  }
  return taken ? Status::ok() : last;
}

}  // namespace tocsin::daemon
