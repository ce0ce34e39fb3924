#include "daemon/alert_fields.h"

#include <boost/json.hpp>

namespace tocsin::daemon {
namespace {

namespace json = boost::json;

std::string text_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

bool bool_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->as_bool();
}

uint64_t count_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_int64() || value->as_int64() < 0) return 0;
  return static_cast<uint64_t>(value->as_int64());
}

std::map<std::string, std::string> texts_at(const json::object& object, std::string_view key) {
  std::map<std::string, std::string> texts;
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_object()) return texts;
  for (const auto& [name, text] : value->as_object()) {
    if (text.is_string()) texts[std::string(name)] = std::string(text.as_string());
  }
  return texts;
}

}  // namespace

Result<AlertFields> read_alert_fields(std::string_view text) {
  json::error_code error;
  const json::value value = json::parse({text.data(), text.size()}, error);
  if (error || !value.is_object()) return invalid("not an alert/1 object");
  const json::object& object = value.as_object();
  AlertFields fields;
  fields.id = text_at(object, "id");
  const auto action = parse_enum<Action>(text_at(object, "action"));
  const auto level = parse_enum<Level>(text_at(object, "level"));
  if (fields.id.empty() || !action || !level) {
    return invalid("an alert/1 object without id, action or level");
  }
  fields.action = *action;
  fields.level = *level;
  fields.seq = static_cast<uint32_t>(count_at(object, "seq"));
  fields.previous = parse_enum<Level>(text_at(object, "previous_level")).value_or(Level::kNone);
  fields.rule = text_at(object, "rule");
  fields.ruleset = text_at(object, "ruleset");
  fields.status =
      parse_enum<RuleStatus>(text_at(object, "status")).value_or(RuleStatus::kProduction);
  fields.driver = parse_enum<Driver>(text_at(object, "driver"));
  fields.group = texts_at(object, "group");
  fields.region = text_at(object, "region");
  fields.country = text_at(object, "country");
  fields.region_name = texts_at(object, "region_name");
  fields.starts_at = parse_time(text_at(object, "starts_at")).value_or(EventTime{});
  fields.ends_at = parse_time(text_at(object, "ends_at"));
  fields.at = parse_time(text_at(object, "at")).value_or(EventTime{});
  fields.provisional = bool_at(object, "provisional");
  fields.stale = bool_at(object, "stale");
  fields.error = bool_at(object, "error");
  fields.flapping_since = parse_time(text_at(object, "flapping_since"));
  fields.tlp = parse_enum<Tlp>(text_at(object, "tlp")).value_or(Tlp::kRed);
  fields.title = texts_at(object, "title");
  fields.summary = texts_at(object, "summary");
  fields.condition = text_at(object, "condition");
  fields.response = text_at(object, "response");
  fields.events_counted = count_at(object, "events_counted");
  return fields;
}

}  // namespace tocsin::daemon
