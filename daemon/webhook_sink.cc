#include "daemon/webhook_sink.h"

#include <fmt/format.h>

#include <fstream>

#include "daemon/http_client.h"
#include "rules/model/utf8.h"

namespace tocsin::daemon {
namespace {

constexpr size_t kQuotedBytes = 200;

Result<std::string> read_token(const std::string& path) {
  std::ifstream file(path);
  std::string token;
  if (!std::getline(file, token) || token.empty()) {
    return unavailable("read the token in " + path + ": nothing there");
  }
  if (token.back() == '\r') token.pop_back();
  return token;
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

Status WebhookSink::deliver(const std::vector<storage::OutboxEntry>& entries) {
  HttpCall call{.method = "POST",
                .url = options_.url,
                .headers = {{"Content-Type", "application/json"}},
                .body = {},
                .timeout = options_.timeout};
  if (!options_.token_file.empty()) {
    auto token = read_token(options_.token_file);
    if (!token) return token.error();
    call.headers.emplace_back("Authorization", "Bearer " + *token);
  }
  call.headers.emplace_back("Idempotency-Key", "");
  for (const storage::OutboxEntry& entry : entries) {
    call.headers.back().second = fmt::format("{}-{}", to_hex(entry.alert), entry.seq);
    call.body = entry.json;
    const auto answer = call_http(call);
    // A URL that cannot be one is the configuration's fault, not the alert's.
    if (!answer) return unavailable(answer.error().message);
    if (Status status = judge_answer(answer->status, options_.url, answer->body); !status) {
      return status;
    }
  }
  return Status::ok();
}

}  // namespace tocsin::daemon
