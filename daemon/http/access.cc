#include "daemon/http/access.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>

namespace tocsin::daemon::http {
namespace {

constexpr size_t kMinTokenLength = 16;

// Takes as long for a wrong token as for a right one, so that it cannot be guessed by the clock.
bool equal_in_constant_time(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i) {
    const char other = b.empty() ? '\0' : b[i % b.size()];
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(other);
  }
  return difference == 0;
}

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

bool is_loopback_name(std::string_view host) {
  constexpr std::array<std::string_view, 3> kNames{"localhost", "127.0.0.1", "[::1]"};
  return std::find(kNames.begin(), kNames.end(), without_port(host)) != kNames.end();
}

bool changes_something(const Request& request) {
  return request.method != "GET" && request.method != "HEAD";
}

// A browser says where a page came from; programs do not send it.
bool is_from_another_site(const Request& request) {
  const std::string_view origin = request.header("origin");
  if (origin.empty()) return false;
  const size_t scheme = origin.find("://");
  return scheme == std::string_view::npos || origin.substr(scheme + 3) != request.header("host");
}

}  // namespace

std::optional<Response> Access::refuse(const Request& request, Need need) const {
  const std::string_view host = request.header("host");
  if (options_.loopback && !is_loopback_name(host)) {
    return problem(403, fmt::format("this listener answers to localhost, not to `{}`", host));
  }
  if (changes_something(request) && is_from_another_site(request)) {
    return problem(403, "a page of another site may not send this");
  }
  if (need == Need::kRead || options_.tokens.empty()) return std::nullopt;
  const std::string_view authorization = request.header("authorization");
  constexpr std::string_view kScheme = "Bearer ";
  if (authorization.starts_with(kScheme) && is_known_token(authorization.substr(kScheme.size()))) {
    return std::nullopt;
  }
  Response response =
      problem(401, "send `Authorization: Bearer TOKEN` with a token of tokens_file");
  response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"tocsin\"");
  return response;
}

bool Access::is_known_token(std::string_view token) const {
  bool known = false;
  for (const std::string& each : options_.tokens) known |= equal_in_constant_time(each, token);
  return known;
}

Result<std::vector<std::string>> read_tokens(const std::string& path) {
  std::ifstream file(path);
  if (!file) return unavailable("read the tokens in " + path + ": cannot be opened");
  std::vector<std::string> tokens;
  size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty() || line.front() == '#') continue;
    if (line.size() < kMinTokenLength) {
      return invalid(
          fmt::format("{}:{}: a token needs at least {} characters, for instance from "
                      "`openssl rand -hex 32`",
                      path, number, kMinTokenLength));
    }
    tokens.push_back(std::move(line));
  }
  if (tokens.empty()) return invalid(path + ": there is no token in it");
  return tokens;
}

}  // namespace tocsin::daemon::http
