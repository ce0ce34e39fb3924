#include <array>
#include <cctype>

#include "fmt/format.h"
#include "rules/cel/checker.h"

namespace tocsin::cel {
namespace {

struct Unit {
  std::string_view name;
  int64_t hours;  // 0: of no fixed length
};
// Units of spans as rule files and people write them, which CEL does not know.
constexpr std::array kUnits = {
    Unit{"d", 24},      Unit{"day", 24},    Unit{"days", 24},  Unit{"w", 168},
    Unit{"week", 168},  Unit{"weeks", 168}, Unit{"hour", 1},   Unit{"hours", 1},
    Unit{"mo", 0},      Unit{"month", 0},   Unit{"months", 0}, Unit{"q", 0},
    Unit{"quarter", 0}, Unit{"y", 0},       Unit{"year", 0},   Unit{"years", 0}};

// "60 days" → duration("1440h").
std::string duration_hint(std::string_view text) {
  constexpr int64_t kMost = 1'000'000;
  int64_t number = 0;
  size_t i = 0;
  while (i < text.size() && std::isdigit(static_cast<unsigned char>(text[i])) != 0 &&
         number < kMost) {
    number = number * 10 + (text[i++] - '0');
  }
  const bool has_number = i > 0;
  while (i < text.size() && text[i] == ' ') ++i;
  for (const Unit& unit : kUnits) {
    if (!has_number || text.substr(i) != unit.name) continue;
    if (unit.hours > 0) return fmt::format("write duration(\"{}h\")", number * unit.hours);
    return "a month or a year has no fixed length: count days, a day is 24h";
  }
  return "units are h, m, s and ms: duration(\"36h\"), duration(\"1h30m\")";
}

std::string hint_of(Builtin conversion, std::string_view text) {
  switch (conversion) {
    case Builtin::kToDuration:
      return duration_hint(text);
    case Builtin::kToTimestamp:
      return text.size() == 10 ? fmt::format("write timestamp(\"{}T00:00:00Z\")", text)
                               : "a time as RFC 3339 has it: timestamp(\"2026-01-01T00:00:00Z\")";
    case Builtin::kToBool:
      return "write true or false";
    default:
      return "write the number itself";
  }
}

}  // namespace

// T: a conversion of a constant that always fails would be a condition that never holds, and
// nobody would be told. In plain CEL it is an error of the evaluation.
void Checker::check_conversion(const Expr& expr) {
  const Expr& argument = *expr.args[0];
  if (environment_.conformance || !checked() || argument.kind != ExprKind::kLiteral) return;
  Frame frame;
  frame.arena = &constants_;
  frame.budget = kMaxSteps;
  Value made;
  // A kind that cannot be converted at all has been told with the types.
  if (call_conversion(expr.builtin, frame, argument.constant, made) ||
      frame.error == EvalError::kNoMatchingOverload) {
    return;
  }
  const bool is_text = argument.value.kind() == Kind::kString;
  error(argument, "T0420",
        fmt::format("{}() of this never has a value: {}", expr.name, frame.detail),
        hint_of(expr.builtin, is_text ? std::string_view(argument.name) : std::string_view()));
}

}  // namespace tocsin::cel
