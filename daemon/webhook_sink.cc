#include "daemon/webhook_sink.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/http_client.h"
#include "daemon/secret_file.h"
#include "rules/model/utf8.h"

namespace tocsin::daemon {
namespace {

constexpr size_t kQuotedBytes = 200;
constexpr size_t kReadBytes = 4096;
constexpr size_t kShortestSecret = 6;  // "/hook" is none
constexpr size_t kKeyDigits = 8;

// The beginning of an answer. Servers like to repeat the path that they do not know.
std::string beginning_without(std::string_view answer, std::string_view secret) {
  std::string_view text = answer.substr(0, kReadBytes);
  if (secret.size() < kShortestSecret) return std::string(text);
  std::string kept;
  for (size_t at = 0; (at = text.find(secret)) != std::string_view::npos;) {
    kept += text.substr(0, at);
    kept += "…";
    text.remove_prefix(at + secret.size());
  }
  // The cut may have gone through a secret.
  if (answer.size() > kReadBytes) text.remove_suffix(std::min(text.size(), secret.size() - 1));
  return kept.append(text);
}

// Path and query, without the first slash; empty when there is nothing in it.
std::string_view secret_part(std::string_view url) {
  const size_t host = url.find("://");
  const size_t path = host == std::string_view::npos ? host : url.find_first_of("/?", host + 3);
  return path == std::string_view::npos ? std::string_view() : url.substr(path + 1);
}

// After a restore the same (id, seq) may be another transition. 32 bits tell two of them apart.
std::string idempotency_key(const Notification& transition) {
  return fmt::format("{}-{}-{}", transition.id, transition.seq,
                     std::string_view(to_hex(hash128(transition.json))).substr(0, kKeyDigits));
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
    Status status = post(each.json, idempotency_key(each));
    if (!status) return status;
  }
  return Status::ok();
}

Status WebhookSink::send_heartbeat(const std::string& json) { return post(json, {}); }

Status WebhookSink::send_digest(const std::string& json) { return post(json, {}); }

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
  if (answer->status >= 200 && answer->status < 300) return Status::ok();
  return judge_answer(answer->status, address_of(call.url),
                      beginning_without(answer->body, secret_part(call.url)));
}

}  // namespace tocsin::daemon
