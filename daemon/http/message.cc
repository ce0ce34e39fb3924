#include "daemon/http/message.h"

#include <boost/beast/http/status.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <boost/url/decode_view.hpp>
#include <boost/url/parse.hpp>

#include "rules/model/utf8.h"

namespace tocsin::daemon::http {

namespace {

// What a client sent may be named in an answer, whatever bytes it was.
std::string quoted(std::string_view text) {
  const std::string shown = as_utf8(text);
  return boost::json::serialize(boost::json::string_view(shown.data(), shown.size()));
}

}  // namespace

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

std::string_view reason_phrase(int status) {
  const auto phrase = boost::beast::http::obsolete_reason(
      boost::beast::http::int_to_status(static_cast<unsigned>(status)));
  return {phrase.data(), phrase.size()};
}

Response problem(int status, std::string_view detail) {
  Response response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = R"({"type":"about:blank","title":)" + quoted(reason_phrase(status)) +
                  ",\"status\":" + std::to_string(status) + ",\"detail\":" + quoted(detail) + "}\n";
  return response;
}

Response try_again(int status, std::string_view detail, int seconds) {
  Response response = problem(status, detail);
  response.headers.emplace_back("Retry-After", std::to_string(seconds));
  return response;
}

bool parse_target(std::string_view target, std::string& path,
                  std::map<std::string, std::string>& query) {
  const auto url =
      boost::urls::parse_origin_form(boost::core::string_view(target.data(), target.size()));
  if (!url) return false;
  path = url->path();
  for (const auto& parameter : url->params()) query[parameter.key] = parameter.value;
  return true;
}

}  // namespace tocsin::daemon::http
