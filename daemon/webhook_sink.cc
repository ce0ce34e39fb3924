#include "daemon/webhook_sink.h"

#include <fmt/format.h>

#include "daemon/http_client.h"
#include "daemon/secret_file.h"
#include "rules/model/utf8.h"

namespace tocsin::daemon {
namespace {

constexpr size_t kQuotedBytes = 200;

// Servers like to repeat the path that they do not know.
std::string without(std::string text, std::string_view secret) {
  for (size_t at = 0; (at = text.find(secret, at)) != std::string::npos; ++at) {
    text.replace(at, secret.size(), "…");
  }
  return text;
}

// Path and query, without the first slash; empty when there is nothing in it.
std::string_view secret_part(std::string_view url) {
  const size_t host = url.find("://");
  const size_t path = host == std::string_view::npos ? host : url.find_first_of("/?", host + 3);
  return path == std::string_view::npos ? std::string_view() : url.substr(path + 1);
}

}  // namespace

Status judge_answer(int status, const std::string& who, std::string_view body) {
  if (status >= 200 && status < 300) return Status::ok();
  const std::string message =
      fmt::format("{} answered {}: {}", who, status, utf8_prefix(body, kQuotedBytes));
  switch (status) {
    case 400:
    case 409:
    case 410:
    case 413:
    case 415:
    case 422:
      return invalid(message);
    default:
      return unavailable(message);
  }
}

Status WebhookSink::deliver(const std::vector<Notification>& notifications) {
  for (const Notification& each : notifications) {
    Status status = post(each.json, fmt::format("{}-{}", each.id, each.seq));
    if (!status) return status;
  }
  return Status::ok();
}

Status WebhookSink::send_heartbeat(const std::string& json) { return post(json, {}); }

Status WebhookSink::post(const std::string& body, const std::string& key) {
  HttpCall call{.method = "POST",
                .url = options_.url,
                .headers = {{"Content-Type", "application/json"}},
                .body = body,
                .timeout = options_.timeout};
  if (!options_.url_file.empty()) {
    auto url = read_secret(options_.url_file);
    if (!url) return url.error();
    call.url = *std::move(url);
  }
  if (!options_.token_file.empty()) {
    const auto token = read_secret(options_.token_file);
    if (!token) return token.error();
    call.headers.emplace_back("Authorization", "Bearer " + *token);
  }
  if (!key.empty()) call.headers.emplace_back("Idempotency-Key", key);
  const auto answer = call_http(call);
  // A URL that cannot be one is the configuration's fault, not the alert's.
  if (!answer) return unavailable(answer.error().message);
  std::string told = answer->body;
  if (const auto secret = secret_part(call.url); !secret.empty()) told = without(told, secret);
  return judge_answer(answer->status, address_of(call.url), told);
}

}  // namespace tocsin::daemon
