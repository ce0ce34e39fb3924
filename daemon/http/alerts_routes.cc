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
// Alerts that one request looks at, also when its filter takes none of them: some tens of
// milliseconds. The next page goes on behind them.
constexpr uint64_t kMaxScanned = 2000;
constexpr size_t kIdDigits = 32;

// What `GET /v1/alerts` was asked for.
struct Filter {
  bool open_only = true;
  bool production = true;  // of rules that notify
  bool shadow = false;     // of rules that are tried out, `status: shadow` or `draft`
  Level min_level = Level::kInfo;
  std::string rule;
  std::optional<Driver> driver;
  std::string country;
  std::string id;  // its beginning, as it is shown
  uint64_t limit = kDefaultLimit;
  uint64_t before = UINT64_MAX;

  bool takes(const storage::Store::StoredAlert& alert, const AlertFields& fields,
             bool withheld) const {
    if (fields.status == RuleStatus::kProduction ? !production : !shadow) return false;
    if (open_only && !alert.open) return false;
    if (fields.level < min_level) return false;
    // A filter must not tell what a withheld alert is about.
    if (withheld) return rule.empty() && !driver && country.empty();
    return (rule.empty() || rule == fields.rule) && (!driver || driver == fields.driver) &&
           (country.empty() || country == fields.country);
  }
};

Filter read_filter(Parameters& parameters) {
  Filter filter;
  filter.id = parameters.text("id").value_or("");
  // Whoever names an alert means it, whatever it is.
  const bool named = !filter.id.empty();
  const auto state = parameters.word("state", {"open", "all"});
  filter.open_only = state.value_or(named ? "all" : "open") == "open";
  const auto status = parameters.word("status", {"production", "shadow", "all"});
  const std::string shown = status.value_or(named ? "all" : "production");
  filter.production = shown != "shadow";
  filter.shadow = shown != "production";
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
  const bool is_hex = filter.id.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!is_hex || filter.id.size() > kIdDigits) {
    parameters.refuse("id", "the first of 32 hexadecimal digits, in lower case");
  }
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

// The alert as it may be shown; empty when the filter does not take it.
Result<std::string> shown_if_taken(const Filter& filter, const storage::Store::StoredAlert& alert,
                                   const TlpPolicy& tlp) {
  const auto fields = read_alert_fields(alert.json);
  if (!fields || !filter.takes(alert, *fields, tlp.withholds(*fields))) return std::string();
  if (!tlp.withholds(*fields)) {
    return fields->id.starts_with(filter.id) ? alert.json : std::string();
  }
  auto shown = tlp.limit(alert.json, *fields);
  if (!shown) return shown;
  const auto as_shown = read_alert_fields(*shown);
  if (!as_shown || !as_shown->id.starts_with(filter.id)) return std::string();
  // What is tried out says so also when nothing else may be said.
  if (fields->status != RuleStatus::kProduction)
    shown->replace(shown->size() - 1, 1, R"(,"status":"shadow"})");
  return shown;
}

}  // namespace

void Api::get_alerts(Request& request, std::string_view, const Respond& respond) {
  Parameters parameters(request.query);
  const Filter filter = read_filter(parameters);
  if (auto refusal = parameters.refusal()) return respond(std::move(*refusal));
  const auto store = backend_.store();
  if (!store) return respond(store_is_away());
  const TlpPolicy policy = tlp(*store);

  std::string list;
  uint64_t taken = 0;
  uint64_t scanned = 0;
  uint64_t last_order = 0;
  bool more = false;
  Status unread;
  const auto take = [&](const storage::Store::StoredAlert& alert) {
    if (scanned == kMaxScanned) {
      more = true;
      return false;
    }
    ++scanned;
    const auto shown = shown_if_taken(filter, alert, policy);
    if (!shown) {
      unread = shown.error();
      return false;
    }
    if (!shown->empty() && taken == filter.limit) {
      more = true;
      return false;
    }
    if (!shown->empty()) {
      if (!list.empty()) list += ',';
      list += *shown;
      ++taken;
    }
    last_order = alert.order;
    return true;
  };
  Status status;
  if (!filter.id.empty()) {
    const auto found = store->find_alerts(filter.id, kMaxLimit);
    if (!found) status = found.error();
    for (size_t i = 0; found && i < found->size() && take((*found)[i]); ++i) continue;
    more = false;  // one whose id is not told whole is not meant to be paged
  }
  // An id that the store does not know may be a sealed one: of an alert that is withheld.
  if (status && unread && taken == 0) {
    scanned = 0;
    const storage::Store::AlertQuery query{
        .open_only = filter.open_only, .limit = SIZE_MAX, .before = filter.before};
    status = store->read_alerts(query, take);
  }
  if (status) status = std::move(unread);
  if (!status) return respond(problem(503, "read alerts: " + status.error().message));
  Response response{.body = "{\"alerts\":[" + list + "]"};
  if (more) {
    const std::string next = next_page(request, last_order);
    response.body += fmt::format(",\"next\":\"{}\"", next);
    response.headers.emplace_back("Link", fmt::format("<{}>; rel=\"next\"", next));
  }
  response.body += "}\n";
  respond(std::move(response));
}

void Api::get_alert(Request&, std::string_view id, const Respond& respond) {
  Hash128 alert;
  if (!from_hex(id, alert)) return respond(problem(404, "an alert's id has 32 hexadecimal digits"));
  const auto store = backend_.store();
  if (!store) return respond(store_is_away());
  const auto transitions = tlp(*store).read_alert(alert);
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
