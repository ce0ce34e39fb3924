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
// kInvalid: the URL cannot be one, or names a user (put the secret into a header); kUnavailable: no
// answer in time. Messages name host and port alone: path and query may be secrets.
// Thread-safety: any thread.
Result<HttpAnswer> call_http(const HttpCall& call);

// HOST:PORT of a URL, for messages; empty when it cannot be one.
std::string address_of(const std::string& url);

}  // namespace tocsin::daemon
