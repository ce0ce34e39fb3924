#pragma once

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <functional>
#include <string>
#include <vector>

#include "rules/model/result.h"

namespace tocsin::daemon {

// The running daemon as the commands see it: asks it over HTTP.
// Thread-safety: one thread.
class Remote {
 public:
  // `--url` and `--token-file` on a command.
  void add_options(CLI::App& command);

  // The object that it answers; what it says of a refusal as the error's message. kNotFound for a
  // 404, kInvalid for other refusals, kUnavailable when it does not answer.
  Result<boost::json::object> ask(const std::string& method, const std::string& path,
                                  const std::string& body = {},
                                  const std::string& content_type = "application/x-ndjson") const;

  // All items of `list` over all pages from `path` on, until `each` returns false.
  Status each_of(const std::string& path, const std::string& list,
                 const std::function<bool(const boost::json::object&)>& each) const;

 private:
  std::string url_ = "http://127.0.0.1:8788";
  std::string token_file_;
};

// The whole id of the one alert whose id begins so: tables print its first eight digits. kNotFound
// when there is none, kInvalid when there are several.
Result<std::string> whole_id(const Remote& remote, const std::string& beginning);

// The transitions of the alert of that whole id, as alert/1 texts in order of seq.
Result<std::vector<std::string>> transitions_of(const Remote& remote, const std::string& id);

// "" when there is no text under the key.
std::string text_at(const boost::json::object& object, std::string_view key);
// 0 when there is no number under the key.
double number_at(const boost::json::object& object, std::string_view key);

bool is_true(const boost::json::object& object, std::string_view key);

// Tells the error on stderr; gives the exit code for it.
int fail(std::string_view command, const Error& error);

}  // namespace tocsin::daemon
