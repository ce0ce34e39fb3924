#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/http/message.h"
#include "rules/model/result.h"

namespace tocsin::daemon::http {

// Who may do what. There are no users yet: a token may write, everybody who reaches the listener
// may read what is not above its marking.
// Thread-safety: immutable after construction.
class Access {
 public:
  struct Options {
    std::vector<std::string> tokens;  // empty: no token is asked for
    // The listener is on loopback: then only names of loopback are answered, since a web page can
    // make a browser ask 127.0.0.1 under a name of its own (DNS rebinding).
    bool loopback = true;
  };
  explicit Access(Options options) : options_(std::move(options)) {}

  enum class Need { kRead, kToken };
  // nullopt when the request may go on, else the answer that refuses it.
  std::optional<Response> refuse(const Request& request, Need need) const;

 private:
  bool is_known_token(std::string_view token) const;
  Options options_;
};

// One token a line, at least 16 characters; empty lines and lines with # are left out. kInvalid
// when there is none, or one is too short; kUnavailable when the file cannot be read.
Result<std::vector<std::string>> read_tokens(const std::string& path);

}  // namespace tocsin::daemon::http
