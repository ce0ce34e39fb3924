#include "daemon/commands/remote.h"

#include <fmt/format.h>

#include <fstream>

#include "daemon/commands/commands.h"
#include "daemon/http/parameters.h"
#include "daemon/http_client.h"

namespace tocsin::daemon {

namespace json = boost::json;

void Remote::add_options(CLI::App& command) {
  command.add_option("--url", url_, "Where the daemon listens")->capture_default_str();
  command.add_option("--token-file", token_file_,
                     "File with a token of the daemon's tokens_file, where it asks for one");
}

Result<json::object> Remote::ask(const std::string& method, const std::string& path,
                                 const std::string& body, const std::string& content_type) const {
  HttpCall call{.method = method,
                .url = url_ + path,
                .headers = {{"Content-Type", content_type}},
                .body = body};
  if (!token_file_.empty()) {
    std::ifstream file(token_file_);
    std::string token;
    if (!std::getline(file, token)) return invalid("there is no token in " + token_file_);
    call.headers.emplace_back("Authorization", "Bearer " + token);
  }
  const auto answer = call_http(call);
  if (!answer) return unavailable(answer.error().message + "; is the daemon running?");
  json::error_code error;
  json::value value = json::parse(answer->body, error);
  if (error || !value.is_object()) {
    return unavailable(
        fmt::format("{} {} answered {}, which is not JSON", method, call.url, answer->status));
  }
  if (answer->status == 200 || answer->status == 202) return std::move(value.as_object());
  const std::string detail = text_at(value.as_object(), "detail");
  const std::string message = fmt::format("{} ({})", detail, answer->status);
  if (answer->status == 404) return not_found(message);
  return answer->status == 429 || answer->status >= 500 ? unavailable(message) : invalid(message);
}

Status Remote::each_of(const std::string& path, const std::string& list,
                       const std::function<bool(const json::object&)>& each) const {
  for (std::string page = path; !page.empty();) {
    const auto answer = ask("GET", page);
    if (!answer) return answer.error();
    const json::value* items = answer->if_contains(list);
    if (items == nullptr || !items->is_array()) return unavailable("no `" + list + "` at " + page);
    for (const json::value& item : items->as_array()) {
      if (item.is_object() && !each(item.as_object())) return Status::ok();
    }
    page = text_at(*answer, "next");
  }
  return Status::ok();
}

Result<std::string> whole_id(const Remote& remote, const std::string& beginning) {
  constexpr size_t kIdLength = 32;
  if (beginning.size() == kIdLength) return beginning;
  std::vector<std::string> found;
  const std::string path = "/v1/alerts?limit=2&id=" + http::percent_encode(beginning);
  const Status status = remote.each_of(path, "alerts", [&](const json::object& alert) {
    found.push_back(text_at(alert, "id"));
    return found.size() < 2;
  });
  if (!status) return status.error();
  if (found.empty()) return not_found("no alert begins with " + beginning);
  if (found.size() > 1) return invalid("several alerts begin with " + beginning);
  return found.front();
}

Result<std::vector<std::string>> transitions_of(const Remote& remote, const std::string& id) {
  const auto alert = remote.ask("GET", "/v1/alerts/" + http::percent_encode(id));
  if (!alert) return alert.error();
  const json::value* list = alert->if_contains("transitions");
  if (list == nullptr || !list->is_array()) return unavailable("no `transitions` of alert " + id);
  std::vector<std::string> transitions;
  for (const json::value& each : list->as_array()) transitions.push_back(json::serialize(each));
  return transitions;
}

std::string text_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

double number_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return 0;
  return value->to_number<double>();
}

bool is_true(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->as_bool();
}

int fail(std::string_view command, const Error& error) {
  fmt::print(stderr, "tocsin {}: {}\n", command, error.message);
  switch (error.code) {
    case ErrorCode::kNotFound:
      return kAnswerIsNo;
    case ErrorCode::kInvalid:
      return kUsage;
    case ErrorCode::kUnavailable:
    case ErrorCode::kCorrupt:
      return kEnvironment;
  }
  return kEnvironment;
}

}  // namespace tocsin::daemon
