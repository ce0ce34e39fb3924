#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "rules/model/result.h"

namespace tocsin::daemon {

struct HttpAnswer {
  int status = 0;
  std::string body;
};

struct HttpCall {
  std::string method = "GET";
  std::string url;  // http://HOST[:PORT]/PATH or https://…
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  std::chrono::milliseconds timeout{10'000};  // for all of it, from the name's lookup on
};

// One request on a connection of its own; waits for the answer, whatever its status.
//
// https checks the certificate against the system's authorities. Redirects are not followed: what
// an alert says must not go where somebody else points. Answers over 16 MiB are refused.
// kInvalid: the URL cannot be one; kUnavailable: no answer in time.
// Thread-safety: any thread.
Result<HttpAnswer> call_http(const HttpCall& call);

}  // namespace tocsin::daemon
