#include "rules/cel/call.h"

namespace tocsin::cel {
namespace {

constexpr int64_t kSecondsPerDay = 86'400;

bool days_since(Frame& frame, std::span<const Value> args, Value& out) {
  const Value& then = args[0];
  const Value& now = args[1];
  if (then.kind() != Kind::kTimestamp || now.kind() != Kind::kTimestamp) {
    return no_overload("days_since", frame, args.first(1));
  }
  int64_t seconds = now.seconds() - then.seconds();
  if (now.nanos() < then.nanos()) --seconds;
  int64_t days = seconds / kSecondsPerDay;
  if (seconds % kSecondsPerDay < 0) --days;  // whole days, downwards
  out = Value::of_int(days);
  return true;
}

constexpr int64_t kMillisecondsPerSecond = 1'000;
constexpr int64_t kNanosPerMillisecond = 1'000'000;

Milliseconds milliseconds_of(const Value& value) {
  return Milliseconds{value.seconds() * kMillisecondsPerSecond +
                      value.nanos() / kNanosPerMillisecond};
}

// Which entries there are says the catalogue; the name was looked up by the checker.
bool in_calendar(Frame& frame, std::span<const Value> args, Value& out) {
  const bool fits = args[0].kind() == Kind::kTimestamp && args[1].kind() == Kind::kString &&
                    args[2].kind() == Kind::kString &&
                    (args.size() < 4 || args[3].kind() == Kind::kDuration);
  if (!fits) return no_overload("in_calendar", frame, args);
  const Calendar* calendar =
      frame.catalogue == nullptr ? nullptr : frame.catalogue->find_calendar(args[1].text());
  if (calendar == nullptr) {
    return frame.fail(EvalError::kBadConversion,
                      join_texts(frame, {"no such calendar: '", args[1].text(), "'"}));
  }
  const auto region = frame.catalogue->find_region(args[2].text());
  if (!region) {
    return frame.fail(EvalError::kBadConversion,
                      join_texts(frame, {"no such region: '", args[2].text(), "'"}));
  }
  const Milliseconds before = args.size() < 4 ? Milliseconds{0} : milliseconds_of(args[3]);
  out = Value::of_bool(frame.catalogue->is_in_calendar(
      *calendar, EventTime{milliseconds_of(args[0])}, *region, before));
  return true;
}

}  // namespace

bool call_calendar(Builtin builtin, Frame& frame, std::span<const Value> args,
                   const Prepared* prepared, Value& out) {
  if (builtin == Builtin::kDaysSince) return days_since(frame, args, out);
  if (builtin == Builtin::kInCalendar) return in_calendar(frame, args, out);
  const Value& time = args[0];
  const bool has_clock = builtin == Builtin::kHours || builtin == Builtin::kMinutes ||
                         builtin == Builtin::kSeconds || builtin == Builtin::kMilliseconds;
  if (time.kind() == Kind::kDuration && has_clock && args.size() == 1) {
    out = Value::of_int(duration_field(builtin, time));
    return true;
  }
  if (time.kind() != Kind::kTimestamp) return no_overload("a calendar getter", frame, args);
  Zone zone;
  if (args.size() == 2) {
    if (args[1].kind() != Kind::kString) return no_overload("a calendar getter", frame, args);
    const std::optional<Zone> found =
        prepared != nullptr && prepared->zone ? prepared->zone : find_zone(args[1].text());
    if (!found) {
      return frame.fail(EvalError::kBadConversion,
                        join_texts(frame, {"no such time zone: '", args[1].text(), "'"}));
    }
    zone = *found;
  }
  out = Value::of_int(calendar_field(builtin, time, zone));
  return true;
}

}  // namespace tocsin::cel
