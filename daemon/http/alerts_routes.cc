// GET /v1/alerts and /v1/alerts/{id}.
#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "daemon/alert_fields.h"
#include "daemon/http/api.h"
#include "daemon/http/parameters.h"
#include "daemon/tlp_policy.h"
#include "rules/model/hash.h"

namespace tocsin::daemon::http {
namespace {

constexpr uint64_t kDefaultLimit = 100;
constexpr uint64_t kMaxLimit = 1000;

// What `GET /v1/alerts` was asked for.
struct Filter {
  bool open_only = true;
  Level min_level = Level::kInfo;
  std::string rule;
  std::optional<Driver> driver;
  std::string country;
  uint64_t limit = kDefaultLimit;
  uint64_t before = UINT64_MAX;

  bool takes(const AlertFields& fields, bool withheld) const {
    if (fields.level < min_level) return false;
    // A filter must not tell what a withheld alert is about.
    if (withheld) return rule.empty() && !driver && country.empty();
    return (rule.empty() || rule == fields.rule) && (!driver || driver == fields.driver) &&
           (country.empty() || country == fields.country);
  }
};

Filter read_filter(Parameters& parameters) {
  Filter filter;
  filter.open_only = parameters.word("state", {"open", "all"}).value_or("open") == "open";
  if (const auto level = parameters.text("level")) {
    const auto parsed = parse_enum<Level>(*level);
    if (parsed) filter.min_level = *parsed;
    if (!parsed) parameters.refuse("level", "one of info, watch, warning, alert, emergency");
  }
  if (const auto driver = parameters.text("driver")) {
    filter.driver = parse_enum<Driver>(*driver);
    if (!filter.driver) parameters.refuse("driver", "a driver of the catalogue, as in rule files");
  }
  filter.rule = parameters.text("rule").value_or("");
  filter.country = parameters.text("country").value_or("");
  filter.limit = parameters.number("limit", 1, kMaxLimit).value_or(kDefaultLimit);
  filter.before = parameters.number("before", 0, UINT64_MAX).value_or(UINT64_MAX);
  parameters.refuse_unknown();
  return filter;
}

// The same question, further back.
std::string next_page(const Request& request, uint64_t before) {
  std::string path = request.path + "?";
  for (const auto& [name, value] : request.query) {
    if (name != "before") path += fmt::format("{}={}&", name, percent_encode(value));
  }
  return path + fmt::format("before={}", before);
}

}  // namespace

void Api::get_alerts(Request& request, std::string_view, const Respond& respond) {
  Parameters parameters(request.query);
  const Filter filter = read_filter(parameters);
  if (auto refusal = parameters.refusal()) return respond(std::move(*refusal));

  Response response;
  std::string& to = response.body;
  to = "{\"alerts\":[";
  uint64_t taken = 0;
  uint64_t last_order = 0;
  bool more = false;
  Status unread;
  const storage::Store::AlertQuery query{
      .open_only = filter.open_only, .limit = SIZE_MAX, .before = filter.before};
  Status status =
      backend_.store().read_alerts(query, [&](const storage::Store::StoredAlert& alert) {
        const auto fields = read_alert_fields(alert.json);
        if (!fields || !filter.takes(*fields, tlp_.withholds(*fields))) return true;
        if (taken == filter.limit) {
          more = true;
          return false;
        }
        const auto shown = tlp_.limit(alert.json, *fields);
        if (!shown) {
          unread = shown.error();
          return false;
        }
        if (to.back() != '[') to += ',';
        to += *shown;
        last_order = alert.order;
        ++taken;
        return true;
      });
  if (status) status = std::move(unread);
  if (!status) return respond(problem(503, "read alerts: " + status.error().message));
  to += ']';
  if (more) {
    const std::string next = next_page(request, last_order);
    to += fmt::format(",\"next\":\"{}\"", next);
    response.headers.emplace_back("Link", fmt::format("<{}>; rel=\"next\"", next));
  }
  to += "}\n";
  respond(std::move(response));
}

void Api::get_alert(Request&, std::string_view id, const Respond& respond) {
  Hash128 alert;
  if (!from_hex(id, alert)) return respond(problem(404, "an alert's id has 32 hexadecimal digits"));
  const auto transitions = tlp_.read_alert(alert);
  if (!transitions) {
    const bool absent = transitions.error().code == ErrorCode::kNotFound;
    return respond(absent ? problem(404, fmt::format("there is no alert {}", id))
                          : problem(503, "read the alert: " + transitions.error().message));
  }
  Response response;
  response.body = fmt::format("{{\"id\":\"{}\",\"transitions\":[", to_hex(alert));
  for (const std::string& json : *transitions) {
    if (response.body.back() != '[') response.body += ',';
    response.body += json;
  }
  response.body += "]}\n";
  respond(std::move(response));
}

}  // namespace tocsin::daemon::http
