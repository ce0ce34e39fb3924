#include <charconv>
#include <cmath>

#include "fmt/format.h"
#include "rules/cel/call.h"
#include "rules/cel/utf8.h"
#include "rules/cel/value_ops.h"
#include "rules/model/utf8.h"

namespace tocsin::cel {
namespace {

bool bad_text(Frame& frame, std::string_view text, std::string_view what) {
  return frame.fail(EvalError::kBadConversion, join_texts(frame, {"'", text, "' is not ", what}));
}
bool out_of_range(Frame& frame, std::string_view what) {
  return frame.fail(EvalError::kOverflow,
                    join_texts(frame, {"the value is out of the range of ", what}));
}

template <typename Number>
bool parse_whole(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool to_int(Frame& frame, const Value& arg, Value& out) {
  switch (arg.kind()) {
    case Kind::kInt:
      out = arg;
      return true;
    case Kind::kUint:
      if (arg.unsigned_integer() > INT64_MAX) return out_of_range(frame, "int");
      out = Value::of_int(static_cast<int64_t>(arg.unsigned_integer()));
      return true;
    case Kind::kDouble:
      // The borders themselves are refused: their neighbours round to them.
      if (!(arg.real() > -9223372036854775808.0 && arg.real() < 9223372036854775808.0)) {
        return out_of_range(frame, "int");
      }
      out = Value::of_int(static_cast<int64_t>(arg.real()));
      return true;
    case Kind::kString: {
      int64_t number = 0;
      std::string_view text = arg.text();
      if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
      if (!parse_whole(text, number)) return bad_text(frame, arg.text(), "an int");
      out = Value::of_int(number);
      return true;
    }
    case Kind::kTimestamp:
      out = Value::of_int(arg.seconds());
      return true;
    default:
      return no_overload("int", frame, {&arg, 1});  // every other kind has none
  }
}

bool to_uint(Frame& frame, const Value& arg, Value& out) {
  switch (arg.kind()) {
    case Kind::kUint:
      out = arg;
      return true;
    case Kind::kInt:
      if (arg.integer() < 0) return out_of_range(frame, "uint");
      out = Value::of_uint(static_cast<uint64_t>(arg.integer()));
      return true;
    case Kind::kDouble:
      if (!(arg.real() >= 0 && arg.real() < 18446744073709551616.0))
        return out_of_range(frame, "uint");
      out = Value::of_uint(static_cast<uint64_t>(arg.real()));
      return true;
    case Kind::kString: {
      uint64_t number = 0;
      if (!parse_whole(arg.text(), number)) return bad_text(frame, arg.text(), "a uint");
      out = Value::of_uint(number);
      return true;
    }
    default:
      return no_overload("uint", frame, {&arg, 1});  // every other kind has none
  }
}

bool to_double(Frame& frame, const Value& arg, Value& out) {
  switch (arg.kind()) {
    case Kind::kDouble:
      out = arg;
      return true;
    case Kind::kInt:
      out = Value::of_double(static_cast<double>(arg.integer()));
      return true;
    case Kind::kUint:
      out = Value::of_double(static_cast<double>(arg.unsigned_integer()));
      return true;
    case Kind::kString: {
      double number = 0;
      std::string_view text = arg.text();
      if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
      if (!parse_whole(text, number)) return bad_text(frame, arg.text(), "a double");
      out = Value::of_double(number);
      return true;
    }
    default:
      return no_overload("double", frame, {&arg, 1});  // every other kind has none
  }
}

std::string double_text(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", number);
}

bool to_string(Frame& frame, const Value& arg, Value& out) {
  const auto give = [&](std::string_view text) {
    out = Value::of_string(frame.arena->copy(text));
    return true;
  };
  switch (arg.kind()) {
    case Kind::kString:
      out = arg;
      return true;
    case Kind::kBool:
      out = Value::of_string(arg.boolean() ? "true" : "false");
      return true;
    case Kind::kInt:
      return give(fmt::format_int(arg.integer()).c_str());
    case Kind::kUint:
      return give(fmt::format_int(arg.unsigned_integer()).c_str());
    case Kind::kDouble:
      return give(double_text(arg.real()));
    case Kind::kBytes:
      if (!frame.spend(arg.text().size() / kBytesPerStep)) return false;
      if (first_bad_utf8(arg.text()) != std::string_view::npos) {
        return frame.fail(EvalError::kBadConversion, "the bytes are not valid UTF-8");
      }
      out = Value::of_string(arg.text());
      return true;
    case Kind::kTimestamp:
      return give(format_timestamp(arg));
    case Kind::kDuration:
      return give(format_duration(arg));
    case Kind::kNull:
    case Kind::kList:
    case Kind::kMap:
    case Kind::kType:
      return no_overload("string", frame, {&arg, 1});
  }
  return no_overload("string", frame, {&arg, 1});
}

bool to_bool(Frame& frame, const Value& arg, Value& out) {
  if (arg.kind() == Kind::kBool) {
    out = arg;
    return true;
  }
  if (arg.kind() != Kind::kString) return no_overload("bool", frame, {&arg, 1});
  const std::string_view text = arg.text();
  for (const std::string_view yes : {"true", "True", "TRUE", "t", "T", "1"}) {
    if (text == yes) {
      out = Value::of_bool(true);
      return true;
    }
  }
  for (const std::string_view no : {"false", "False", "FALSE", "f", "F", "0"}) {
    if (text == no) {
      out = Value::of_bool(false);
      return true;
    }
  }
  return bad_text(frame, text, "a bool");
}

bool to_timestamp(Frame& frame, const Value& arg, Value& out) {
  std::optional<Value> made;
  if (arg.kind() == Kind::kTimestamp) {
    made = arg;
  } else if (arg.kind() == Kind::kInt) {
    made = make_timestamp(arg.integer(), 0);
    if (!made) return out_of_range(frame, "timestamp");
  } else if (arg.kind() == Kind::kString) {
    made = parse_timestamp(arg.text());
    if (!made) return bad_text(frame, arg.text(), "a timestamp (RFC 3339)");
  } else {
    return no_overload("timestamp", frame, {&arg, 1});
  }
  out = *made;
  return true;
}

bool to_duration(Frame& frame, const Value& arg, Value& out) {
  if (arg.kind() == Kind::kDuration) {
    out = arg;
    return true;
  }
  if (arg.kind() != Kind::kString) return no_overload("duration", frame, {&arg, 1});
  const std::optional<Value> made = parse_duration(arg.text());
  if (!made) return bad_text(frame, arg.text(), "a duration (such as 1h30m)");
  out = *made;
  return true;
}

}  // namespace

bool call_conversion(Builtin builtin, Frame& frame, const Value& arg, Value& out) {
  switch (builtin) {
    case Builtin::kToInt:
      return to_int(frame, arg, out);
    case Builtin::kToUint:
      return to_uint(frame, arg, out);
    case Builtin::kToDouble:
      return to_double(frame, arg, out);
    case Builtin::kToString:
      return to_string(frame, arg, out);
    case Builtin::kToBool:
      return to_bool(frame, arg, out);
    case Builtin::kToTimestamp:
      return to_timestamp(frame, arg, out);
    case Builtin::kToDuration:
      return to_duration(frame, arg, out);
    default:
      break;  // kToBytes
  }
  if (arg.kind() != Kind::kBytes && arg.kind() != Kind::kString) {
    return no_overload("bytes", frame, {&arg, 1});
  }
  out = Value::of_bytes(arg.text());
  return true;
}

}  // namespace tocsin::cel
