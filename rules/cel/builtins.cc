#include "rules/cel/builtins.h"

#include <algorithm>
#include <array>

namespace tocsin::cel {
namespace {

constexpr std::array kFunctions{
    // name, what, f(x), x.f(), of tocsin, fewest and most arguments counting the receiver
    FunctionName{"size", Builtin::kSize, true, true, false, 1, 1},
    FunctionName{"contains", Builtin::kContains, false, true, false, 2, 2},
    FunctionName{"startsWith", Builtin::kStartsWith, false, true, false, 2, 2},
    FunctionName{"endsWith", Builtin::kEndsWith, false, true, false, 2, 2},
    FunctionName{"matches", Builtin::kMatches, true, true, false, 2, 2},
    FunctionName{"int", Builtin::kToInt, true, false, false, 1, 1},
    FunctionName{"uint", Builtin::kToUint, true, false, false, 1, 1},
    FunctionName{"double", Builtin::kToDouble, true, false, false, 1, 1},
    FunctionName{"string", Builtin::kToString, true, false, false, 1, 1},
    FunctionName{"bool", Builtin::kToBool, true, false, false, 1, 1},
    FunctionName{"bytes", Builtin::kToBytes, true, false, false, 1, 1},
    FunctionName{"timestamp", Builtin::kToTimestamp, true, false, false, 1, 1},
    FunctionName{"duration", Builtin::kToDuration, true, false, false, 1, 1},
    FunctionName{"dyn", Builtin::kToDyn, true, false, false, 1, 1},
    FunctionName{"type", Builtin::kTypeOf, true, false, false, 1, 1},
    FunctionName{"getFullYear", Builtin::kFullYear, false, true, false, 1, 2},
    FunctionName{"getMonth", Builtin::kMonth, false, true, false, 1, 2},
    FunctionName{"getDate", Builtin::kDate, false, true, false, 1, 2},
    FunctionName{"getDayOfMonth", Builtin::kDayOfMonth, false, true, false, 1, 2},
    FunctionName{"getDayOfWeek", Builtin::kDayOfWeek, false, true, false, 1, 2},
    FunctionName{"getDayOfYear", Builtin::kDayOfYear, false, true, false, 1, 2},
    FunctionName{"getHours", Builtin::kHours, false, true, false, 1, 2},
    FunctionName{"getMinutes", Builtin::kMinutes, false, true, false, 1, 2},
    FunctionName{"getSeconds", Builtin::kSeconds, false, true, false, 1, 2},
    FunctionName{"getMilliseconds", Builtin::kMilliseconds, false, true, false, 1, 2},
    FunctionName{"get", Builtin::kGet, true, false, true, 3, 3},
    FunctionName{"abs", Builtin::kAbs, true, false, true, 1, 1},
    FunctionName{"min", Builtin::kMin, true, false, true, 1, 8},
    FunctionName{"max", Builtin::kMax, true, false, true, 1, 8},
    FunctionName{"lower", Builtin::kLower, true, true, true, 1, 1},
    FunctionName{"fold", Builtin::kFold, true, true, true, 1, 1},
    FunctionName{"region", Builtin::kRegion, true, false, true, 1, 1},
    FunctionName{"parent", Builtin::kParent, false, true, true, 1, 1},
    FunctionName{"within", Builtin::kWithin, false, true, true, 2, 2},
    FunctionName{"level", Builtin::kLevel, false, true, true, 1, 1},
    FunctionName{"in_calendar", Builtin::kInCalendar, true, false, true, 3, 4},
    FunctionName{"days_since", Builtin::kDaysSince, true, false, true, 1, 1},
};

struct Foreign {
  std::string_view name;
  std::string_view what;
};
constexpr std::array kForeign{
    Foreign{"format", "string.format()"},
    Foreign{"charAt", "the string extension (charAt)"},
    Foreign{"indexOf", "the string extension (indexOf)"},
    Foreign{"lastIndexOf", "the string extension (lastIndexOf)"},
    Foreign{"lowerAscii", "the string extension (lowerAscii)"},
    Foreign{"upperAscii", "the string extension (upperAscii)"},
    Foreign{"replace", "the string extension (replace)"},
    Foreign{"split", "the string extension (split)"},
    Foreign{"join", "the string extension (join)"},
    Foreign{"substring", "the string extension (substring)"},
    Foreign{"trim", "the string extension (trim)"},
    Foreign{"reverse", "the string extension (reverse)"},
    Foreign{"quote", "the string extension (quote)"},
    Foreign{"existsOne", "comprehensions with two variables (existsOne)"},
    Foreign{"transformList", "comprehensions with two variables (transformList)"},
    Foreign{"transformMap", "comprehensions with two variables (transformMap)"},
    Foreign{"transformMapEntry", "comprehensions with two variables (transformMapEntry)"},
    Foreign{"hasValue", "optional values (hasValue)"},
    Foreign{"value", "optional values (value)"},
    Foreign{"or", "optional values (or)"},
    Foreign{"orValue", "optional values (orValue)"},
    Foreign{"optMap", "optional values (optMap)"},
    Foreign{"optFlatMap", "optional values (optFlatMap)"},
    Foreign{"bind", "cel.bind()"},
    Foreign{"block", "cel.block()"},
    Foreign{"index", "cel.index()"},
    Foreign{"iterVar", "cel.iterVar()"},
    Foreign{"accuVar", "cel.accuVar()"},
    Foreign{"encode", "the base64 extension"},
    Foreign{"decode", "the base64 extension"},
    Foreign{"getExt", "message extensions (getExt)"},
    Foreign{"hasExt", "message extensions (hasExt)"},
    Foreign{"ip", "the network extension"},
    Foreign{"cidr", "the network extension"},
    Foreign{"isIP", "the network extension"},
    Foreign{"isCIDR", "the network extension"},
    Foreign{"sort", "the list extension (sort)"},
    Foreign{"sortBy", "the list extension (sortBy)"},
    Foreign{"slice", "the list extension (slice)"},
    Foreign{"flatten", "the list extension (flatten)"},
    Foreign{"distinct", "the list extension (distinct)"},
    Foreign{"first", "the list extension (first)"},
    Foreign{"last", "the list extension (last)"},
};

}  // namespace

const FunctionName* find_function(std::string_view name) {
  const auto found = std::find_if(kFunctions.begin(), kFunctions.end(),
                                  [&](const FunctionName& f) { return f.name == name; });
  return found == kFunctions.end() ? nullptr : &*found;
}

std::span<const FunctionName> all_functions() { return kFunctions; }

std::string_view unsupported_function(std::string_view word) {
  const auto found = std::find_if(kForeign.begin(), kForeign.end(),
                                  [&](const Foreign& f) { return f.name == word; });
  return found == kForeign.end() ? std::string_view() : found->what;
}

}  // namespace tocsin::cel
