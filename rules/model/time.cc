#include "rules/model/time.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace tocsin {
namespace {

using std::chrono::day;
using std::chrono::days;
using std::chrono::floor;
using std::chrono::month;
using std::chrono::months;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr int64_t kMaxSpanMs = 200LL * 366 * 24 * 3600 * 1000;

// Reads exactly `digits` digits at `pos` and moves it on; -1 when there are none.
int read_digits(std::string_view text, size_t& pos, int digits) {
  if (pos + static_cast<size_t>(digits) > text.size()) return -1;
  int value = 0;
  for (int i = 0; i < digits; ++i) {
    const char c = text[pos + static_cast<size_t>(i)];
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  pos += static_cast<size_t>(digits);
  return value;
}

bool take(std::string_view text, size_t& pos, char wanted) {
  if (pos >= text.size() || text[pos] != wanted) return false;
  ++pos;
  return true;
}

std::optional<sys_days> read_date(std::string_view text, size_t& pos) {
  const int y = read_digits(text, pos, 4);
  if (y < 1 || !take(text, pos, '-')) return std::nullopt;
  const int m = read_digits(text, pos, 2);
  if (m < 1 || !take(text, pos, '-')) return std::nullopt;
  const int d = read_digits(text, pos, 2);
  if (d < 1) return std::nullopt;
  const year_month_day date{year{y}, month{static_cast<unsigned>(m)},
                            day{static_cast<unsigned>(d)}};
  if (!date.ok()) return std::nullopt;
  return sys_days{date};
}

// Fraction of a second, cut to milliseconds; at least one digit, at most nine.
std::optional<int> read_fraction(std::string_view text, size_t& pos) {
  int value = 0;
  int digits = 0;
  while (pos < text.size() && text[pos] >= '0' && text[pos] <= '9') {
    if (digits < 3) value = value * 10 + (text[pos] - '0');
    ++digits;
    ++pos;
  }
  if (digits == 0 || digits > 9) return std::nullopt;
  for (int i = digits; i < 3; ++i) value *= 10;
  return value;
}

std::optional<Milliseconds> read_offset(std::string_view text, size_t& pos) {
  if (take(text, pos, 'Z') || take(text, pos, 'z')) return Milliseconds{0};
  int sign = 0;
  if (take(text, pos, '+'))
    sign = 1;
  else if (take(text, pos, '-'))
    sign = -1;
  if (sign == 0) return std::nullopt;
  const int h = read_digits(text, pos, 2);
  if (h < 0 || h > 23 || !take(text, pos, ':')) return std::nullopt;
  const int m = read_digits(text, pos, 2);
  if (m < 0 || m > 59) return std::nullopt;
  return sign * (std::chrono::hours{h} + std::chrono::minutes{m});
}

EventTime add_months(EventTime t, int count) {
  const sys_days date = floor<days>(t);
  const Milliseconds time_of_day = t - date;
  year_month_day moved = year_month_day{date} + months{count};
  if (!moved.ok()) moved = moved.year() / moved.month() / std::chrono::last;
  return sys_days{moved} + time_of_day;
}

struct Unit {
  std::string_view name;
  int64_t ms;
  int months;
};
constexpr std::array<Unit, 9> kUnits{{{"ms", 1, 0},
                                      {"s", 1000, 0},
                                      {"m", 60'000, 0},
                                      {"h", 3'600'000, 0},
                                      {"d", 86'400'000, 0},
                                      {"w", 604'800'000, 0},
                                      {"mo", 0, 1},
                                      {"q", 0, 3},
                                      {"y", 0, 12}}};

constexpr EventTime kFirstTime = sys_days{std::chrono::year{0} / 1 / 1};
constexpr EventTime kLastTime =
    sys_days{std::chrono::year{9999} / 12 / 31} + std::chrono::hours{24} - Milliseconds{1};

}  // namespace

std::optional<EventTime> parse_time(std::string_view text) {
  size_t pos = 0;
  const auto date = read_date(text, pos);
  if (!date) return std::nullopt;
  if (pos == text.size()) return EventTime{*date};
  if (!take(text, pos, 'T') && !take(text, pos, 't') && !take(text, pos, ' ')) return std::nullopt;
  const int h = read_digits(text, pos, 2);
  if (h < 0 || h > 23 || !take(text, pos, ':')) return std::nullopt;
  const int m = read_digits(text, pos, 2);
  if (m < 0 || m > 59 || !take(text, pos, ':')) return std::nullopt;
  const int s = read_digits(text, pos, 2);
  if (s < 0 || s > 60) return std::nullopt;  // 60: a leap second, taken as the next minute
  int fraction = 0;
  if (take(text, pos, '.')) {
    const auto read = read_fraction(text, pos);
    if (!read) return std::nullopt;
    fraction = *read;
  }
  const auto offset = read_offset(text, pos);
  if (!offset || pos != text.size()) return std::nullopt;
  const EventTime time = EventTime{*date} + std::chrono::hours{h} + std::chrono::minutes{m} +
                         std::chrono::seconds{s} + Milliseconds{fraction} - *offset;
  // An offset may lead out of the years that can be written.
  if (time < kFirstTime || time > kLastTime) return std::nullopt;
  return time;
}

std::string format_date(EventTime t) {
  const year_month_day date{floor<days>(t)};
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text.data();
}

std::string format_time(EventTime t) {
  const int64_t of_day = (t - floor<days>(t)).count();
  std::array<char, 32> text{};
  const auto h = static_cast<int>(of_day / 3'600'000);
  const auto m = static_cast<int>(of_day / 60'000 % 60);
  const auto s = static_cast<int>(of_day / 1000 % 60);
  const auto ms = static_cast<int>(of_day % 1000);
  if (ms != 0) {
    std::snprintf(text.data(), text.size(), "T%02d:%02d:%02d.%03dZ", h, m, s, ms);
  } else {
    std::snprintf(text.data(), text.size(), "T%02d:%02d:%02dZ", h, m, s);
  }
  return format_date(t) + text.data();
}

std::optional<Span> parse_span(std::string_view text) {
  int64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0) return std::nullopt;
  const std::string_view name(rest, static_cast<size_t>(text.data() + text.size() - rest));
  for (const Unit& unit : kUnits) {
    if (unit.name != name) continue;
    if (unit.months != 0) {
      if (number > 2400 / unit.months) return std::nullopt;
      return Span{.exact = Milliseconds{0}, .months = static_cast<int>(number) * unit.months};
    }
    if (number > kMaxSpanMs / unit.ms) return std::nullopt;
    return Span{.exact = Milliseconds{number * unit.ms}, .months = 0};
  }
  return std::nullopt;
}

std::string format_span(Span span) {
  if (span.months != 0) {
    if (span.months % 12 == 0) return std::to_string(span.months / 12) + "y";
    return std::to_string(span.months) + "mo";
  }
  const int64_t ms = span.exact.count();
  if (ms == 0) return "0s";
  for (const std::string_view name : {"d", "h", "m", "s"}) {
    for (const Unit& unit : kUnits) {
      if (unit.name == name && ms % unit.ms == 0) {
        return std::to_string(ms / unit.ms) + std::string(name);
      }
    }
  }
  return std::to_string(ms) + "ms";
}

std::string format_duration(Milliseconds duration) {
  const std::string text = format_span({.exact = duration, .months = 0});
  const size_t digits = text.find_first_not_of("-0123456789");
  return text.substr(0, digits) + " " + text.substr(digits) + (text.ends_with('m') ? "in" : "");
}

EventTime add(EventTime t, Span span) {
  return span.months != 0 ? add_months(t, span.months) : t + span.exact;
}

EventTime subtract(EventTime t, Span span) {
  return span.months != 0 ? add_months(t, -span.months) : t - span.exact;
}

Milliseconds longest(Span span) { return span.exact + span.months * days{31}; }

Milliseconds shortest(Span span) {
  return span.exact + (span.months / 12) * days{365} + (span.months % 12) * days{28};
}

std::optional<int64_t> panes_in(Span whole, Span part) {
  if (part.is_zero() || (!whole.is_zero() && whole.is_calendar() != part.is_calendar())) {
    return std::nullopt;
  }
  const int64_t a = part.is_calendar() ? whole.months : whole.exact.count();
  const int64_t b = part.is_calendar() ? part.months : part.exact.count();
  if (a % b != 0) return std::nullopt;
  return a / b;
}

}  // namespace tocsin
