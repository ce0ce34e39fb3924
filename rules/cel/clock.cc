#include "rules/cel/clock.h"

#include <date/date.h>
#include <date/tz.h>

#include <chrono>
#include <exception>
#include <fstream>
#include <string>

#include "fmt/format.h"

namespace tocsin::cel {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes exactly `digits` digits off the front; -1 when there are not so many.
int take_number(std::string_view& rest, size_t digits) {
  if (rest.size() < digits) return -1;
  int number = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (!is_digit(rest[i])) return -1;
    number = number * 10 + (rest[i] - '0');
  }
  rest.remove_prefix(digits);
  return number;
}

bool take(std::string_view& rest, char c) {
  if (rest.empty() || rest.front() != c) return false;
  rest.remove_prefix(1);
  return true;
}

// Behind a decimal point: one to nine digits as nanoseconds; -1 when malformed.
int64_t take_fraction(std::string_view& rest) {
  int64_t nanos = 0;
  int digits = 0;
  while (!rest.empty() && is_digit(rest.front())) {
    if (digits < 9) nanos = nanos * 10 + (rest.front() - '0');
    ++digits;
    rest.remove_prefix(1);
  }
  if (digits == 0 || digits > 9) return -1;
  for (; digits < 9; ++digits) nanos *= 10;
  return nanos;
}

// "+hh:mm", "hh:mm" in seconds.
std::optional<int64_t> parse_offset(std::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
  const int hours = take_number(text, 2);
  if (hours < 0 || hours > 23 || !take(text, ':')) return std::nullopt;
  const int minutes = take_number(text, 2);
  if (minutes < 0 || minutes > 59 || !text.empty()) return std::nullopt;
  const int64_t seconds = int64_t{hours} * 3600 + int64_t{minutes} * 60;
  return negative ? -seconds : seconds;
}

std::string fraction_text(int64_t nanos) {
  if (nanos == 0) return {};
  std::string text = fmt::format(".{:09}", nanos);
  text.resize(text.find_last_not_of('0') + 1);
  return text;
}

}  // namespace

std::optional<Value> make_timestamp(int64_t seconds, int64_t nanos) {
  int64_t carry = nanos / kNanosPerSecond;
  nanos %= kNanosPerSecond;
  if (nanos < 0) {
    nanos += kNanosPerSecond;
    --carry;
  }
  if (__builtin_add_overflow(seconds, carry, &seconds)) return std::nullopt;
  if (seconds < kMinSeconds || seconds > kMaxSeconds) return std::nullopt;
  return Value::of_timestamp(seconds, static_cast<int32_t>(nanos));
}

std::optional<Value> make_duration(int64_t seconds, int64_t nanos) {
  if (__builtin_add_overflow(seconds, nanos / kNanosPerSecond, &seconds)) return std::nullopt;
  nanos %= kNanosPerSecond;
  if (seconds > 0 && nanos < 0) {
    --seconds;
    nanos += kNanosPerSecond;
  } else if (seconds < 0 && nanos > 0) {
    ++seconds;
    nanos -= kNanosPerSecond;
  }
  if (seconds > kMaxDurationSeconds || seconds < -kMaxDurationSeconds) return std::nullopt;
  return Value::of_duration(seconds, static_cast<int32_t>(nanos));
}

std::optional<Value> parse_timestamp(std::string_view text) {
  const int year = take_number(text, 4);
  if (year < 1 || !take(text, '-')) return std::nullopt;
  const int month = take_number(text, 2);
  if (!take(text, '-')) return std::nullopt;
  const int day = take_number(text, 2);
  if (month < 1 || day < 1) return std::nullopt;
  if (!take(text, 'T') && !take(text, 't')) return std::nullopt;
  const int hour = take_number(text, 2);
  if (!take(text, ':')) return std::nullopt;
  const int minute = take_number(text, 2);
  if (!take(text, ':')) return std::nullopt;
  const int second = take_number(text, 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) {
    return std::nullopt;
  }
  int64_t nanos = 0;
  if (take(text, '.')) nanos = take_fraction(text);
  if (nanos < 0) return std::nullopt;
  int64_t offset = 0;
  if (text != "Z" && text != "z") {
    if (text.empty() || is_digit(text.front())) return std::nullopt;
    const std::optional<int64_t> parsed = parse_offset(text);
    if (!parsed) return std::nullopt;
    offset = *parsed;
  }
  const auto calendar_day = date::year(year) / month / day;
  if (!calendar_day.ok()) return std::nullopt;
  const int64_t days = date::sys_days(calendar_day).time_since_epoch().count();
  return make_timestamp(days * 86'400 + hour * 3600 + minute * 60 + second - offset, nanos);
}

std::optional<Value> parse_duration(std::string_view text) {
  const bool negative = take(text, '-');
  if (!negative) take(text, '+');
  if (text == "0") return Value::of_duration(0, 0);
  if (text.empty()) return std::nullopt;
  struct Unit {
    std::string_view name;
    int64_t nanos;
  };
  static constexpr Unit kUnits[] = {{"ms", 1'000'000},
                                    {"us", 1000},
                                    {"µs", 1000},
                                    {"μs", 1000},
                                    {"ns", 1},
                                    {"h", 3600 * kNanosPerSecond},
                                    {"m", 60 * kNanosPerSecond},
                                    {"s", kNanosPerSecond}};
  Int128 total = 0;
  while (!text.empty()) {
    Int128 whole = 0;
    Int128 fraction = 0;
    Int128 scale = 1;
    bool digits = false;
    while (!text.empty() && is_digit(text.front())) {
      whole = whole * 10 + (text.front() - '0');
      if (whole > INT64_MAX) return std::nullopt;
      text.remove_prefix(1);
      digits = true;
    }
    if (take(text, '.')) {
      while (!text.empty() && is_digit(text.front())) {
        if (scale < kNanosPerSecond * Int128{1'000'000}) {
          fraction = fraction * 10 + (text.front() - '0');
          scale *= 10;
        }
        text.remove_prefix(1);
        digits = true;
      }
    }
    if (!digits) return std::nullopt;
    const Unit* unit = nullptr;
    for (const Unit& candidate : kUnits) {
      if (text.starts_with(candidate.name)) {
        unit = &candidate;
        break;
      }
    }
    if (unit == nullptr) return std::nullopt;
    text.remove_prefix(unit->name.size());
    total += whole * unit->nanos + fraction * unit->nanos / scale;
    if (total > Int128{kMaxDurationSeconds} * kNanosPerSecond) return std::nullopt;
  }
  if (negative) total = -total;
  return make_duration(static_cast<int64_t>(total / kNanosPerSecond),
                       static_cast<int64_t>(total % kNanosPerSecond));
}

std::string format_timestamp(const Value& timestamp) {
  const date::sys_seconds at{std::chrono::seconds(timestamp.seconds())};
  const date::sys_days days = date::floor<date::days>(at);
  const date::year_month_day day(days);
  const date::hh_mm_ss<std::chrono::seconds> clock(at - days);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     fraction_text(timestamp.nanos()));
}

std::string format_duration(const Value& duration) {
  const bool negative = duration.seconds() < 0 || duration.nanos() < 0;
  return fmt::format("{}{}{}s", negative ? "-" : "", std::abs(duration.seconds()),
                     fraction_text(std::abs(duration.nanos())));
}

std::optional<Zone> find_zone(std::string_view name) {
  if (name.empty() || name == "UTC" || name == "Z") return Zone{};
  if (is_digit(name.front()) || name.front() == '+' || name.front() == '-') {
    const std::optional<int64_t> offset = parse_offset(name);
    if (!offset) return std::nullopt;
    return Zone{nullptr, *offset};
  }
  try {
    return Zone{date::locate_zone(std::string(name)), 0};
  } catch (const std::exception&) {  // the library has no other way to say "no such zone"
    return std::nullopt;
  }
}

std::string zones_version() {
  // The library does not look here where it reads the zones of the system.
  std::ifstream database("/usr/share/zoneinfo/tzdata.zi");
  std::string hash, word, number;
  database >> hash >> word >> number;
  return word == "version" ? number : "unknown";
}

int64_t local_of(int64_t utc_seconds, const Zone& zone) {
  if (zone.named == nullptr) return utc_seconds + zone.offset_seconds;
  const date::sys_seconds at{std::chrono::seconds(utc_seconds)};
  return utc_seconds + zone.named->get_info(at).offset.count();
}

int64_t utc_of(int64_t local_seconds, const Zone& zone) {
  if (zone.named == nullptr) return local_seconds - zone.offset_seconds;
  const date::local_seconds at{std::chrono::seconds(local_seconds)};
  return zone.named->to_sys(at, date::choose::earliest).time_since_epoch().count();
}

int64_t calendar_field(Builtin getter, const Value& timestamp, const Zone& zone) {
  const date::local_seconds at{std::chrono::seconds(local_of(timestamp.seconds(), zone))};
  const date::local_days days = date::floor<date::days>(at);
  const date::year_month_day day(days);
  const date::hh_mm_ss<std::chrono::seconds> clock(at - days);
  switch (getter) {
    case Builtin::kFullYear:
      return static_cast<int>(day.year());
    case Builtin::kMonth:
      return static_cast<unsigned>(day.month()) - 1;
    case Builtin::kDate:
      return static_cast<unsigned>(day.day());
    case Builtin::kDayOfMonth:
      return static_cast<unsigned>(day.day()) - 1;
    case Builtin::kDayOfWeek:
      return date::weekday(days).c_encoding();
    case Builtin::kDayOfYear:
      return (days - date::local_days(day.year() / date::January / 1)).count();
    case Builtin::kHours:
      return clock.hours().count();
    case Builtin::kMinutes:
      return clock.minutes().count();
    case Builtin::kSeconds:
      return clock.seconds().count();
    case Builtin::kMilliseconds:
      return timestamp.nanos() / 1'000'000;
    default:
      return 0;  // not a getter: callers ask for getters only
  }
}

int64_t duration_field(Builtin getter, const Value& duration) {
  switch (getter) {
    case Builtin::kHours:
      return duration.seconds() / 3600;
    case Builtin::kMinutes:
      return duration.seconds() / 60;
    case Builtin::kSeconds:
      return duration.seconds();
    case Builtin::kMilliseconds:
      return duration.nanos() / 1'000'000;
    default:
      return 0;  // callers ask for these four only
  }
}

}  // namespace tocsin::cel
