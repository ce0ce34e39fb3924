#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tocsin::cel {

// Operations on values that evaluate all of their arguments first and pass errors on.
enum class Builtin : uint8_t {
  kNone,
  kUnknown,
  // operators
  kNot,
  kNegate,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kRemainder,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kIndex,
  // conversions
  kToInt,
  kToUint,
  kToDouble,
  kToString,
  kToBool,
  kToBytes,
  kToTimestamp,
  kToDuration,
  kToDyn,
  kTypeOf,
  // texts
  kSize,
  kContains,
  kStartsWith,
  kEndsWith,
  kMatches,
  kLower,
  kFold,
  // times; an optional last argument names the zone
  kFullYear,
  kMonth,
  kDate,
  kDayOfMonth,
  kDayOfWeek,
  kDayOfYear,
  kHours,
  kMinutes,
  kSeconds,
  kMilliseconds,
  // of tocsin
  kGet,
  kAbs,
  kMin,
  kMax,
  kRegion,
  kParent,
  kWithin,
  kLevel,
  kDaysSince,
  kInCalendar,
};

// A function as rule authors call it.
struct FunctionName {
  std::string_view name;
  Builtin builtin;
  bool global;       // f(x)
  bool method;       // x.f()
  bool extension;    // of tocsin, not of CEL
  uint8_t min_args;  // counting the receiver
  uint8_t max_args;
};

// nullptr when there is none.
const FunctionName* find_function(std::string_view name);
// All of them, for hints.
std::span<const FunctionName> all_functions();
// What a function is that CEL or tocsin's design knows and this version lacks, for "not supported
// in tocsin: …"; "" for any other word.
std::string_view unsupported_function(std::string_view word);

}  // namespace tocsin::cel
