#include "daemon/canonical_log.h"

#include <algorithm>
#include <boost/json.hpp>
#include <tuple>

#include "rules/model/time.h"

namespace tocsin::daemon {
namespace {

struct Line {
  EventTime at{};  // as text "…:00.001Z" would come before "…:00Z"
  std::string rule;
  std::string group;
  std::string json;
};

Line line_of(std::string text) {
  const boost::json::object alert = boost::json::parse(text).as_object();
  const auto word = [&](const char* key) { return std::string(alert.at(key).as_string()); };
  return {parse_time(word("at")).value_or(EventTime{}), word("rule"),
          boost::json::serialize(alert.at("group")), std::move(text)};
}

}  // namespace

std::string canonical_log(std::vector<std::string> transitions) {
  std::vector<Line> lines;
  lines.reserve(transitions.size());
  for (std::string& transition : transitions) lines.push_back(line_of(std::move(transition)));
  std::stable_sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) {
    return std::tie(a.at, a.rule, a.group) < std::tie(b.at, b.rule, b.group);
  });
  std::string log;
  for (const Line& line : lines) {
    log += line.json;
    log += '\n';
  }
  return log;
}

}  // namespace tocsin::daemon
