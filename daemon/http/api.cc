#include "daemon/http/api.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "rules/model/json_text.h"

namespace tocsin::daemon::http {
namespace {

// What a pattern takes of a path: "" for a plain one, the last segment for one with braces.
std::optional<std::string_view> match(std::string_view pattern, std::string_view path) {
  const size_t brace = pattern.find('{');
  if (brace == std::string_view::npos) {
    return pattern == path ? std::optional(std::string_view{}) : std::nullopt;
  }
  if (!path.starts_with(pattern.substr(0, brace))) return std::nullopt;
  const std::string_view rest = path.substr(brace);
  if (rest.empty() || rest.find('/') != std::string_view::npos) return std::nullopt;
  return rest;
}

Response text(int status, std::string body) {
  return {.status = status,
          .content_type = "text/plain; charset=utf-8",
          .body = std::move(body),
          .headers = {}};
}

}  // namespace

Api::Api(Options options, Backend& backend, Metrics& metrics, Log& log)
    : options_(std::move(options)),
      access_(options_.access),
      backend_(backend),
      metrics_(metrics),
      log_(log) {}

const std::vector<Api::Route>& Api::routes() {
  using enum Access::Need;
  using enum Where;
  static const std::vector<Route> kRoutes{
      {"POST", "/v1/events", kToken, kServerThread, &Api::post_events},
      {"GET", "/v1/alerts", kRead, kReadThread, &Api::get_alerts},
      {"GET", "/v1/alerts/{id}", kRead, kReadThread, &Api::get_alert},
      // Dead letters hold what people sent, unmarked: as careful as with writing.
      {"GET", "/v1/dead-letters", kToken, kReadThread, &Api::get_dead_letters},
      {"DELETE", "/v1/dead-letters", kToken, kReadThread, &Api::delete_dead_letters},
      {"GET", "/v1/dead-letters/{number}", kToken, kReadThread, &Api::get_dead_letter},
      {"DELETE", "/v1/dead-letters/{number}", kToken, kReadThread, &Api::delete_dead_letter},
      // What went wrong names folders: as careful as with writing.
      {"GET", "/v1/backups", kToken, kReadThread, &Api::get_backups},
      {"POST", "/v1/backups", kToken, kServerThread, &Api::post_backups},
      {"GET", "/v1/status", kRead, kServerThread, &Api::get_status},
      {"GET", "/metrics", kRead, kServerThread, &Api::get_metrics},
      {"GET", "/-/healthy", kRead, kServerThread, &Api::get_healthy},
      {"GET", "/-/ready", kRead, kServerThread, &Api::get_ready},
      {"POST", "/-/reload", kToken, kServerThread, &Api::post_reload},
  };
  return kRoutes;
}

void Api::handle(Request request, Respond respond) {
  const auto begin = std::chrono::steady_clock::now();
  std::string_view method = request.method;
  if (method == "HEAD") method = "GET";
  const Route* route = nullptr;
  std::string_view argument;
  std::string allowed;
  for (const Route& each : routes()) {
    const auto taken = match(each.pattern, request.path);
    if (!taken) continue;
    allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", each.method);
    if (each.method == "GET") allowed += ", HEAD";
    if (each.method != method) continue;
    route = &each;
    argument = *taken;
  }
  // Methods are a closed list in metrics too: a client may invent one.
  const std::string_view counted_method = route != nullptr ? route->method : "other";
  const std::string_view counted_route = route != nullptr ? route->pattern : "other";
  const Respond counted = [this, begin, counted_method, counted_route,
                           respond = std::move(respond)](Response response) {
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    metrics_.request_answered(counted_route, counted_method, response.status, taken.count());
    respond(std::move(response));
  };
  if (auto refusal = access_.refuse(request, route ? route->need : Access::Need::kRead)) {
    return counted(std::move(*refusal));
  }
  if (route == nullptr && allowed.empty()) {
    return counted(problem(404, fmt::format("there is nothing at {}", request.path)));
  }
  if (route == nullptr) {
    Response response =
        problem(405, fmt::format("{} takes {}, not {}", request.path, allowed, request.method));
    response.headers.emplace_back("Allow", allowed);
    return counted(std::move(response));
  }
  if (route->where == Where::kServerThread) {
    return (this->*route->answer)(request, argument, counted);
  }
  reader_.post([this, route, counted, argument = std::string(argument),
                request = std::move(request)]() mutable {
    (this->*route->answer)(request, argument, counted);
  });
}

Response Api::store_is_away() { return try_again(503, backend_.why_paused(), kLaterSeconds); }

void Api::connections_open(size_t count) { metrics_.connections_open(count); }

void Api::get_status(Request&, std::string_view, const Respond& respond) {
  respond({.body = write_status(backend_.status()) + "\n"});
}

void Api::get_metrics(Request&, std::string_view, const Respond& respond) {
  respond({.content_type = std::string(Metrics::kContentType),
           .body = metrics_.scrape(backend_.status())});
}

void Api::get_healthy(Request&, std::string_view, const Respond& respond) {
  respond(text(200, "tocsin is alive\n"));
}

void Api::get_ready(Request&, std::string_view, const Respond& respond) {
  const std::vector<std::string> missing = backend_.missing();
  if (missing.empty()) return respond(text(200, "tocsin is ready\n"));
  std::string body = "tocsin is not ready; missing:\n";
  for (const std::string& each : missing) body += "  " + each + "\n";
  Response response = text(503, std::move(body));
  response.headers.emplace_back("Retry-After", "1");
  respond(std::move(response));
}

void Api::post_reload(Request&, std::string_view, const Respond& respond) {
  backend_.reload([respond](const Backend::ReloadReport& report) {
    std::string members = ",\"bundle\":";
    append_json_string(members, report.bundle);
    members += ",\"diagnostics\":[";
    for (const std::string& diagnostic : report.diagnostics) {
      if (members.back() != '[') members += ',';
      append_json_string(members, diagnostic);
    }
    members += "]}\n";
    Response response;
    if (report.accepted) {
      response.body = R"({"reloaded":true)" + members;
    } else {
      response = problem(422, "the rules were refused; those in force stay");
      response.body.erase(response.body.rfind('}'));
      response.body += members;
    }
    respond(std::move(response));
  });
}

}  // namespace tocsin::daemon::http
