#include <cmath>

#include "rules/cel/clock.h"
#include "rules/cel/printer.h"
#include "rules/cel/program.h"
#include "rules/model/json_text.h"

namespace tocsin::cel {
namespace {

// JSON has no NaN and no infinity: they are texts.
void put_double(double number, std::string& out) {
  if (std::isnan(number)) {
    out += "\"NaN\"";
  } else if (std::isinf(number)) {
    out += number > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  } else {
    out += print_double(number);
  }
}

void put(const Value& value, std::string& out) {
  switch (value.kind()) {
    case Kind::kNull:
      out += "null";
      break;
    case Kind::kBool:
      out += value.boolean() ? "true" : "false";
      break;
    case Kind::kInt:
      out += std::to_string(value.integer());
      break;
    case Kind::kUint:
      out += std::to_string(value.unsigned_integer());
      break;
    case Kind::kDouble:
      put_double(value.real(), out);
      break;
    case Kind::kString:
      append_json_string(out, value.text());
      break;
    case Kind::kBytes:
      append_json_string(out, to_base64(value.text()));
      break;
    case Kind::kType:
      append_json_string(out, value.text());
      break;
    case Kind::kTimestamp:
      append_json_string(out, format_timestamp(value));
      break;
    case Kind::kDuration:
      append_json_string(out, format_duration(value));
      break;
    case Kind::kList: {
      out += '[';
      bool first = true;
      for (const Value& item : value.items()) {
        if (!std::exchange(first, false)) out += ", ";
        put(item, out);
      }
      out += ']';
      break;
    }
    case Kind::kMap: {
      out += '{';
      bool first = true;
      for (const Entry& entry : value.entries()) {
        if (!std::exchange(first, false)) out += ", ";
        std::string key;
        put(entry.key, key);
        if (entry.key.kind() == Kind::kString) {
          out += key;
        } else {
          append_json_string(out, key);
        }
        out += ": ";
        put(entry.value, out);
      }
      out += '}';
      break;
    }
  }
}

}  // namespace

std::string to_base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t left = bytes.size() - i;
    const auto byte = [&](size_t at) -> uint32_t {
      return at < left ? static_cast<unsigned char>(bytes[i + at]) : 0u;
    };
    const uint32_t group = (byte(0) << 16) | (byte(1) << 8) | byte(2);
    out += kDigits[(group >> 18) & 63];
    out += kDigits[(group >> 12) & 63];
    out += left > 1 ? kDigits[(group >> 6) & 63] : '=';
    out += left > 2 ? kDigits[group & 63] : '=';
  }
  return out;
}

std::string to_json(const Value& value) {
  std::string out;
  put(value, out);
  return out;
}

}  // namespace tocsin::cel
