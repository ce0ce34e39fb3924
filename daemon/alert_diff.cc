#include "daemon/alert_diff.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>

#include "rules/model/vocabulary.h"

namespace tocsin::daemon {
namespace {

namespace json = boost::json;

// An alert as a line: rule, group, start; with what became of it.
struct Course {
  Level highest = Level::kNone;
  std::string ended;  // date, "" while it fires
};
using Courses = std::map<std::string, Course>;

Result<Courses> read_courses(const std::string& path) {
  std::ifstream file(path);
  if (!file) return unavailable(fmt::format("read alert log {}: {}", path, std::strerror(errno)));
  Courses courses;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    boost::system::error_code error;
    const json::value parsed = json::parse(line, error);
    const json::object* alert = parsed.if_object();
    const json::value* group = alert == nullptr ? nullptr : alert->if_contains("group");
    if (error || group == nullptr || !alert->contains("rule")) {
      return invalid(fmt::format("{}:{}: not an alert/1 object", path, number));
    }
    const auto text = [&](const char* key) {
      const json::value* value = alert->if_contains(key);
      return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
    };
    const std::string key = fmt::format("{}  {:<44} {}", text("starts_at").substr(0, 10),
                                        text("rule"), json::serialize(*group));
    Course& course = courses[key];
    course.highest =
        std::max(course.highest, parse_enum<Level>(text("level")).value_or(Level::kNone));
    if (text("action") == "resolve" || text("action") == "withdraw") {
      course.ended = text("ends_at").substr(0, 10);
    }
  }
  return courses;
}

std::string describe(const Course& course) {
  return fmt::format("{}, {}", to_string(course.highest),
                     course.ended.empty() ? "still firing" : "until " + course.ended);
}

}  // namespace

Result<AlertDiff> diff_alert_logs(const std::string& old_path, const std::string& new_path) {
  const Result<Courses> old_courses = read_courses(old_path);
  if (!old_courses) return old_courses.error();
  const Result<Courses> new_courses = read_courses(new_path);
  if (!new_courses) return new_courses.error();
  AlertDiff diff;
  for (const auto& [alert, course] : *new_courses) {
    const auto old = old_courses->find(alert);
    if (old == old_courses->end()) {
      diff.added.push_back(fmt::format("{}  ({})", alert, describe(course)));
    } else if (describe(old->second) != describe(course)) {
      diff.changed.push_back(
          fmt::format("{}  ({} -> {})", alert, describe(old->second), describe(course)));
    }
  }
  for (const auto& [alert, course] : *old_courses) {
    if (!new_courses->contains(alert)) {
      diff.removed.push_back(fmt::format("{}  ({})", alert, describe(course)));
    }
  }
  return diff;
}

}  // namespace tocsin::daemon
