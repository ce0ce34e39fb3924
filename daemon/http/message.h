#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::daemon::http {

// A request as a handler sees it: decoded path and query, body as it came.
struct Request {
  std::string method;  // "GET", "POST", …
  std::string path;    // "/v1/alerts/3f2a", percent-decoded
  std::map<std::string, std::string> query;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::string peer{};  // the address that it came from; a proxy's where one stands between

  // "" when absent.
  std::string_view header(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};
};

// Answers one request; to be called once, from any thread.
using Respond = std::function<void(Response)>;

// An error as RFC 9457: {"type":"about:blank","title":…,"status":…,"detail":…}.
Response problem(int status, std::string_view detail);

// One that goes away by itself: the same, and after how long to try again.
Response try_again(int status, std::string_view detail, int seconds);
inline constexpr int kSoonSeconds = 1;
// A disk does not empty, nor a store open, within a moment.
inline constexpr int kLaterSeconds = 5;

// The standard's words for a status: 404 → "Not Found".
std::string_view reason_phrase(int status);

// Splits "/v1/alerts?state=open" and percent-decodes; false when malformed.
bool parse_target(std::string_view target, std::string& path,
                  std::map<std::string, std::string>& query);

}  // namespace tocsin::daemon::http
