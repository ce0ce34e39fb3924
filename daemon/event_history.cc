#include "daemon/event_history.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>
#include <map>

#include "daemon/event_json.h"
#include "rules/model/json_text.h"

namespace tocsin::daemon {
namespace {

namespace json = boost::json;
using storage::Store;

std::string day_of(WallTime time) {
  return format_time(std::chrono::floor<std::chrono::days>(time));
}

// What the event was to a transition: its role in the evidence, or "cause"; "" when it is not
// named.
std::string role_in(std::string_view text, std::string_view source, std::string_view id) {
  json::error_code error;
  const json::value alert = json::parse(text, error);
  if (error || !alert.is_object()) return {};
  const auto text_at = [](const json::value& event, std::string_view key) -> std::string_view {
    const json::value* value = event.is_object() ? event.as_object().if_contains(key) : nullptr;
    return value != nullptr && value->is_string() ? std::string_view(value->as_string())
                                                  : std::string_view();
  };
  const auto is_it = [&](const json::value& event) {
    return text_at(event, "source") == source && text_at(event, "id") == id;
  };
  const json::value* cause = alert.as_object().if_contains("cause");
  if (cause != nullptr && is_it(*cause)) return "cause";
  const json::value* evidence = alert.as_object().if_contains("evidence");
  if (evidence == nullptr || !evidence->is_array()) return {};
  for (const json::value& event : evidence->as_array()) {
    if (is_it(event)) return std::string(text_at(event, "role"));
  }
  return {};
}

Status read_revisions(const Store& store, const Catalogue& catalogue, Hash128 key, Tlp ceiling,
                      EventHistory& history) {
  const Status status = store.read_revisions(key, [&](const Store::JournalRecord& record) {
    EventHistory::Revision revision;
    revision.record = record.seq;
    revision.committed = record.committed;
    if (const Event* event = record.event) {
      revision.rev = event->rev;
      revision.op = event->op;
      revision.tlp = event->tlp;
      revision.is_withheld = event->tlp > ceiling;
      if (!revision.is_withheld) {
        revision.json = write_event(*event, catalogue);
        revision.time = event->time;
        revision.region = catalogue.region(event->region).id;
        revision.value = event->value;
      }
    } else if (record.erased != nullptr) {
      revision.is_erased = true;
      revision.op = record.erased->op;
      revision.tlp = record.erased->tlp;
      revision.time = record.erased->day;
    } else {
      revision.is_unknown = true;
    }
    history.revisions.push_back(std::move(revision));
    return true;
  });
  if (!status || history.revisions.empty()) return status;
  EventHistory::Revision& last = history.revisions.back();
  history.is_retracted = last.op == Operation::kRetract;
  last.counts = !history.is_retracted;
  return status;
}

Status read_alerts(const Store& store, std::string_view source, std::string_view id, Tlp ceiling,
                   EventHistory& history) {
  // Most alerts do not name it: the text alone says so, without being parsed.
  std::string named = "\"id\":";
  append_json_string(named, id);
  std::map<Hash128, size_t> places;
  Status problem;
  Status status = store.read_alert_log(0, [&](const Store::StoredAlert& alert) {
    if (alert.json.find(named) == std::string::npos) return true;
    const std::string role = role_in(alert.json, source, id);
    if (role.empty()) return true;
    const auto fields = read_alert_fields(alert.json);
    if (!fields || fields->tlp > ceiling) return true;
    const auto [place, is_new] = places.try_emplace(alert.alert, history.alerts.size());
    if (is_new) history.alerts.push_back({.alert = alert.alert, .last = {}, .named = {}});
    history.alerts[place->second].named.emplace_back(alert.seq, role);
    return true;
  });
  if (!status) return status;
  for (EventHistory::FedAlert& fed : history.alerts) {
    const auto transitions = store.read_alert(fed.alert);
    if (!transitions) return transitions.error();
    const auto last = read_alert_fields(transitions->back());
    if (!last) return last.error();
    fed.is_open = !last->is_end();
    fed.last = *last;
  }
  return problem;
}

}  // namespace

Result<EventHistory> read_event_history(const Store& store, const Catalogue& catalogue,
                                        std::string_view source, std::string_view id, Tlp ceiling) {
  EventHistory history;
  if (Status status = read_revisions(store, catalogue, event_key(source, id), ceiling, history);
      !status) {
    return status.error();
  }
  if (Status status = read_alerts(store, source, id, ceiling, history); !status) {
    return status.error();
  }
  return history;
}

std::string write_event_history(const EventHistory& history, std::string_view source,
                                std::string_view id) {
  std::string to = "{\"source\":";
  append_json_string(to, source);
  to += ",\"id\":";
  append_json_string(to, id);
  to += fmt::format(",\"retracted\":{},\"revisions\":[", history.is_retracted);
  for (const EventHistory::Revision& revision : history.revisions) {
    if (to.back() != '[') to += ',';
    to += fmt::format(
        R"({{"record":{},"committed":"{}","counts":{})", revision.record,
        revision.is_withheld ? day_of(revision.committed) : format_time(revision.committed),
        revision.counts);
    if (revision.is_withheld) {
      to += fmt::format(R"(,"withheld":true,"tlp":"{}")", to_string(revision.tlp));
    } else if (revision.is_erased) {
      to += fmt::format(R"(,"erased":true,"op":"{}","day":"{}","tlp":"{}")", to_string(revision.op),
                        format_date(revision.time), to_string(revision.tlp));
    } else if (revision.is_unknown) {
      to += R"(,"unknown_name":true)";
    } else {
      to += ",\"event\":" + revision.json;
    }
    to += '}';
  }
  to += "],\"alerts\":[";
  for (const EventHistory::FedAlert& fed : history.alerts) {
    if (to.back() != '[') to += ',';
    to += fmt::format(R"({{"id":"{}","open":{},"rule":)", to_hex(fed.alert), fed.is_open);
    append_json_string(to, fed.last.rule);
    to += fmt::format(R"(,"action":"{}","level":"{}","starts_at":"{}","named":[)",
                      to_string(fed.last.action), to_string(fed.last.level),
                      format_time(fed.last.starts_at));
    for (const auto& [seq, role] : fed.named) {
      if (to.back() != '[') to += ',';
      to += fmt::format("{{\"seq\":{},\"role\":", seq);
      append_json_string(to, role);
      to += '}';
    }
    to += "]}";
  }
  return to + "]}";
}

}  // namespace tocsin::daemon
