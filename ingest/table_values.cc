#include "ingest/table_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace tocsin::ingest {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool read_number(std::string_view text, double& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && std::isfinite(number);
}

bool read_table_time(std::string_view text, EventTime& time) {
  if (read_event_time(text, time)) return true;
  if (text.size() == 7 && text[4] == '-') return read_event_time(fmt::format("{}-01", text), time);
  if (!all_digits(text)) return false;
  if (text.size() == 4) return read_event_time(fmt::format("{}-01-01", text), time);
  if (text.size() != 8 && text.size() != 14) return false;
  std::string written =
      fmt::format("{}-{}-{}", text.substr(0, 4), text.substr(4, 2), text.substr(6, 2));
  if (text.size() == 14) {
    written += fmt::format("T{}:{}:{}Z", text.substr(8, 2), text.substr(10, 2), text.substr(12, 2));
  }
  return read_event_time(written, time);
}

std::string_view kind_name(const cel::Value& value) {
  switch (value.kind()) {
    case cel::Kind::kNull:
      return "null";
    case cel::Kind::kBool:
      return "a bool";
    case cel::Kind::kInt:
    case cel::Kind::kUint:
      return "an int";
    case cel::Kind::kDouble:
      return "a double";
    case cel::Kind::kString:
      return "a text";
    case cel::Kind::kTimestamp:
      return "a timestamp";
    case cel::Kind::kList:
      return "a list";
    case cel::Kind::kMap:
      return "a map";
    case cel::Kind::kBytes:
    case cel::Kind::kDuration:
    case cel::Kind::kType:
      break;
  }
  return "another kind of value";
}

bool to_text(const cel::Value& value, Arena& arena, std::string_view& text) {
  switch (value.kind()) {
    case cel::Kind::kString:
      text = value.text();
      return true;
    case cel::Kind::kInt:
      text = arena.copy(fmt::format("{}", value.integer()));
      return true;
    case cel::Kind::kUint:
      text = arena.copy(fmt::format("{}", value.unsigned_integer()));
      return true;
    case cel::Kind::kDouble:
      text = arena.copy(fmt::format("{}", value.real()));
      return true;
    case cel::Kind::kBool:
      text = value.boolean() ? "true" : "false";
      return true;
    case cel::Kind::kNull:
      text = {};
      return true;
    default:
      return false;
  }
}

AttrValue as_declared(std::string_view text, AttrType type) {
  double number = 0;
  switch (type) {
    case AttrType::kString:
      break;
    case AttrType::kInt:
      // Tables that went through floating point write 3.0.
      if (read_number(text, number) && number == std::floor(number) && std::abs(number) < 9e15) {
        return static_cast<int64_t>(number);
      }
      break;
    case AttrType::kDouble:
      if (read_number(text, number)) return number;
      break;
    case AttrType::kBool:
      if (text == "true" || text == "1" || text == "1.0") return true;
      if (text == "false" || text == "0" || text == "0.0") return false;
      break;
  }
  return text;
}

}  // namespace tocsin::ingest
