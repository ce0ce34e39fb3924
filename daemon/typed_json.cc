#include "daemon/typed_json.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "rules/cel/clock.h"
#include "rules/cel/program.h"
#include "rules/cel/value_ops.h"

namespace tocsin::daemon {

namespace {

using cel::Kind;
using cel::Value;
using simdjson::dom::element;

Result<Value> map_of(std::span<cel::Entry> entries) {
  cel::Frame frame;
  if (!cel::finish_map(entries, frame)) return invalid(std::string(frame.detail));
  return Value::of_map(entries);
}

template <typename Number>
std::optional<Number> parse_whole(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string out;
  uint32_t group = 0;
  int bits = 0;
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  for (const char c : text) {
    uint32_t digit = 0;
    if (c >= 'A' && c <= 'Z') {
      digit = static_cast<uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      digit = static_cast<uint32_t>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      digit = static_cast<uint32_t>(c - '0') + 52;
    } else if (c == '+' || c == '-') {
      digit = 62;
    } else if (c == '/' || c == '_') {
      digit = 63;
    } else {
      return std::nullopt;
    }
    group = (group << 6) | digit;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(static_cast<unsigned char>((group >> bits) & 0xFF));
    }
  }
  return out;
}

Result<Value> double_of(const element& json) {
  double number = 0;
  if (json.get(number) == simdjson::SUCCESS) return Value::of_double(number);
  std::string_view text;
  if (json.get(text) != simdjson::SUCCESS) return invalid("a double must be a number or a text");
  if (text == "NaN") return Value::of_double(std::numeric_limits<double>::quiet_NaN());
  if (text == "Infinity") return Value::of_double(std::numeric_limits<double>::infinity());
  if (text == "-Infinity") return Value::of_double(-std::numeric_limits<double>::infinity());
  const std::optional<double> parsed = parse_whole<double>(text);
  if (!parsed) return invalid(fmt::format("\"{}\" is no double", text));
  return Value::of_double(*parsed);
}

Result<Value> text_value(std::string_view type, std::string_view text, Arena& arena) {
  if (type == "string") return Value::of_string(arena.copy(text));
  if (type == "type") return Value::of_type(arena.copy(text));
  if (type == "int") {
    if (const auto number = parse_whole<int64_t>(text)) return Value::of_int(*number);
  } else if (type == "uint") {
    if (const auto number = parse_whole<uint64_t>(text)) return Value::of_uint(*number);
  } else if (type == "bytes") {
    if (const auto bytes = from_base64(text)) return Value::of_bytes(arena.copy(*bytes));
  } else if (type == "timestamp") {
    if (const auto made = cel::parse_timestamp(text)) return *made;
  } else if (type == "duration") {
    if (const auto made = cel::parse_duration(text)) return *made;
  } else {
    return invalid(fmt::format("there is no type \"{}\"", type));
  }
  return invalid(fmt::format("\"{}\" is no {}", text, type));
}

Result<Value> typed_list(const element& json, Arena& arena) {
  simdjson::dom::array array;
  if (json.get(array) != simdjson::SUCCESS) return invalid("a list must be a JSON array");
  const std::span<Value> items = arena.array<Value>(array.size());
  size_t count = 0;
  for (const element item : array) {
    const Result<Value> value = value_of_typed_json(item, arena);
    if (!value) return value;
    items[count++] = *value;
  }
  return Value::of_list(items);
}

Result<Value> typed_map(const element& json, Arena& arena) {
  simdjson::dom::array array;
  if (json.get(array) != simdjson::SUCCESS) return invalid("a map must be a JSON array of pairs");
  const std::span<cel::Entry> entries = arena.array<cel::Entry>(array.size());
  size_t count = 0;
  for (const element item : array) {
    simdjson::dom::array pair;
    if (item.get(pair) != simdjson::SUCCESS || pair.size() != 2) {
      return invalid("a map must be a JSON array of pairs");
    }
    const Result<Value> key = value_of_typed_json(pair.at(0).value_unsafe(), arena);
    if (!key) return key;
    const Result<Value> value = value_of_typed_json(pair.at(1).value_unsafe(), arena);
    if (!value) return value;
    entries[count++] = {*key, *value};
  }
  return map_of(entries);
}

std::string typed_double(double number) {
  if (std::isnan(number)) return "\"NaN\"";
  if (std::isinf(number)) return number > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  return cel::to_json(Value::of_double(number));
}

}  // namespace

Result<Value> value_of_json(const element& json, Arena& arena) {
  switch (json.type()) {
    case simdjson::dom::element_type::NULL_VALUE:
      return Value();
    case simdjson::dom::element_type::BOOL:
      return Value::of_bool(bool(json));
    case simdjson::dom::element_type::INT64:
      return Value::of_int(int64_t(json));
    case simdjson::dom::element_type::UINT64:
      return Value::of_uint(uint64_t(json));
    case simdjson::dom::element_type::DOUBLE:
      return Value::of_double(double(json));
    case simdjson::dom::element_type::STRING:
      return Value::of_string(arena.copy(std::string_view(json)));
    case simdjson::dom::element_type::ARRAY: {
      const simdjson::dom::array array(json);
      const std::span<Value> items = arena.array<Value>(array.size());
      size_t count = 0;
      for (const element item : array) {
        const Result<Value> value = value_of_json(item, arena);
        if (!value) return value;
        items[count++] = *value;
      }
      return Value::of_list(items);
    }
    case simdjson::dom::element_type::OBJECT: {
      const simdjson::dom::object object(json);
      const std::span<cel::Entry> entries = arena.array<cel::Entry>(object.size());
      size_t count = 0;
      for (const simdjson::dom::key_value_pair field : object) {
        const Result<Value> value = value_of_json(field.value, arena);
        if (!value) return value;
        entries[count++] = {Value::of_string(arena.copy(field.key)), *value};
      }
      return map_of(entries);
    }
  }
  return invalid("not JSON");
}

Result<Value> value_of_typed_json(const element& json, Arena& arena) {
  simdjson::dom::object object;
  if (json.get(object) != simdjson::SUCCESS || object.size() != 1) {
    return invalid("a typed value is an object with one key, such as {\"int\": \"3\"}");
  }
  const simdjson::dom::key_value_pair field = *object.begin();
  const std::string_view type = field.key;
  if (type == "null") return Value();
  if (type == "double") return double_of(field.value);
  if (type == "list") return typed_list(field.value, arena);
  if (type == "map") return typed_map(field.value, arena);
  if (type == "bool") {
    bool truth = false;
    if (field.value.get(truth) != simdjson::SUCCESS) return invalid("a bool must be true or false");
    return Value::of_bool(truth);
  }
  int64_t number = 0;
  if (type == "int" && field.value.get(number) == simdjson::SUCCESS) return Value::of_int(number);
  uint64_t magnitude = 0;
  if (type == "uint" && field.value.get(magnitude) == simdjson::SUCCESS) {
    return Value::of_uint(magnitude);
  }
  std::string_view text;
  if (field.value.get(text) != simdjson::SUCCESS) {
    return invalid(fmt::format("a value of type \"{}\" must be a text", type));
  }
  return text_value(type, text, arena);
}

std::string to_typed_json(const Value& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return R"({"null": null})";
    case Kind::kBool:
      return fmt::format(R"({{"bool": {}}})", value.boolean());
    case Kind::kInt:
      return fmt::format(R"({{"int": "{}"}})", value.integer());
    case Kind::kUint:
      return fmt::format(R"({{"uint": "{}"}})", value.unsigned_integer());
    case Kind::kDouble:
      return fmt::format(R"({{"double": {}}})", typed_double(value.real()));
    case Kind::kString:
      return fmt::format(R"({{"string": {}}})", json_quote(value.text()));
    case Kind::kBytes:
      return fmt::format(R"({{"bytes": "{}"}})", cel::to_base64(value.text()));
    case Kind::kType:
      return fmt::format(R"({{"type": {}}})", json_quote(value.text()));
    case Kind::kTimestamp:
      return fmt::format(R"({{"timestamp": "{}"}})", cel::format_timestamp(value));
    case Kind::kDuration:
      return fmt::format(R"({{"duration": "{}"}})", cel::format_duration(value));
    case Kind::kList: {
      std::string items;
      for (const Value& item : value.items()) {
        if (!items.empty()) items += ", ";
        items += to_typed_json(item);
      }
      return "{\"list\": [" + items + "]}";
    }
    case Kind::kMap: {
      std::string entries;
      for (const cel::Entry& entry : value.entries()) {
        if (!entries.empty()) entries += ", ";
        entries += "[" + to_typed_json(entry.key) + ", " + to_typed_json(entry.value) + "]";
      }
      return "{\"map\": [" + entries + "]}";
    }
  }
  return R"({"null": null})";
}

std::string json_quote(std::string_view text) { return cel::to_json(Value::of_string(text)); }

}  // namespace tocsin::daemon
