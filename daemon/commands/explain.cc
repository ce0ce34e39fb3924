#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdio>
#include <memory>

#include "daemon/alert_log.h"
#include "daemon/commands/commands.h"
#include "daemon/explanation.h"
#include "daemon/http_client.h"

namespace tocsin::daemon {
namespace {

struct ExplainArguments {
  std::string alert;
  std::string log;
  std::string url = "http://127.0.0.1:8788";
  std::string language = "en";
};

// The transitions of one alert, from the running daemon.
Result<std::vector<std::string>> fetch_alert(const std::string& url, const std::string& id) {
  HttpCall call;
  call.url = url + "/v1/alerts/" + id;
  const Result<HttpAnswer> answer = call_http(call);
  if (!answer) return answer.error();
  boost::system::error_code error;
  const boost::json::value body = boost::json::parse(answer->body, error);
  if (error || !body.is_object()) return unavailable(url + " is no tocsin: " + answer->body);
  if (answer->status != 200) {
    const boost::json::value* detail = body.as_object().if_contains("detail");
    return not_found(detail != nullptr && detail->is_string() ? std::string(detail->as_string())
                                                              : answer->body);
  }
  std::vector<std::string> transitions;
  for (const boost::json::value& transition : body.at("transitions").as_array()) {
    transitions.push_back(boost::json::serialize(transition));
  }
  return transitions;
}

int explain(const ExplainArguments& arguments) {
  const auto transitions = arguments.log.empty()
                               ? fetch_alert(arguments.url, arguments.alert)
                               : read_alert_from_log(arguments.log, arguments.alert);
  if (!transitions) {
    fmt::print(stderr, "tocsin explain: {}\n", transitions.error().message);
    return transitions.error().code == ErrorCode::kUnavailable ? kEnvironment : kAnswerIsNo;
  }
  const auto text = explain_alert(*transitions, arguments.language);
  if (!text) {
    fmt::print(stderr, "tocsin explain: {}\n", text.error().message);
    return kAnswerIsNo;
  }
  fmt::print("{}", *text);
  return kDone;
}

}  // namespace

void add_explain(CLI::App& program, int& exit_code) {
  auto arguments = std::make_shared<ExplainArguments>();
  CLI::App* command = program.add_subcommand("explain", "Tell in plain words why an alert fired");
  command->footer(
      "Examples:\n"
      "  tocsin explain 3f2a91… (32 digits)               # of the running daemon\n"
      "  tocsin explain 3f2a91 --log replay/alerts.ndjson # of a replay\n"
      "  tocsin explain 3f2a91 --language fr");
  command
      ->add_option("alert", arguments->alert, "Id of the alert; with --log its beginning is enough")
      ->required();
  command->add_option("--log", arguments->log, "Alert log to look in instead of the daemon");
  command->add_option("--url", arguments->url, "Where the daemon listens")->capture_default_str();
  command->add_option("--language", arguments->language, "Of titles and summaries")
      ->check(CLI::IsMember({"en", "fr", "ar"}))
      ->capture_default_str();
  command->callback([arguments, &exit_code] { exit_code = explain(*arguments); });
}

}  // namespace tocsin::daemon
