#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

using Milliseconds = std::chrono::milliseconds;

// When something happened, as its source tells it. UTC, milliseconds since the epoch.
using EventTime = std::chrono::sys_time<Milliseconds>;

// Wall clock; only `daemon` reads it, everyone else is handed it.
using WallTime = std::chrono::sys_time<Milliseconds>;

inline constexpr EventTime kMinEventTime{Milliseconds{INT64_MIN / 4}};
inline constexpr EventTime kMaxEventTime{Milliseconds{INT64_MAX / 4}};

constexpr int64_t to_ms(EventTime t) { return t.time_since_epoch().count(); }
constexpr EventTime from_ms(int64_t ms) { return EventTime{Milliseconds{ms}}; }

// Reads RFC 3339 ("2011-03-18T00:00:00Z", offsets and fractions allowed, kept to milliseconds,
// years 0001 to 9999) or a bare date ("2011-03-18", midnight UTC). nullopt when it is neither.
std::optional<EventTime> parse_time(std::string_view text);

// "2011-03-18T00:00:00Z"; milliseconds are printed only when they are not zero.
std::string format_time(EventTime t);

// "2011-03-18"
std::string format_date(EventTime t);

// A length of time in the rule language: exact (`90s 5m 6h 7d 4w`) or in calendar months
// (`1mo 1q 1y`), never both.
struct Span {
  Milliseconds exact{0};
  int months = 0;

  bool is_calendar() const { return months != 0; }
  bool is_zero() const { return months == 0 && exact.count() == 0; }
  friend bool operator==(const Span&, const Span&) = default;
};

// Reads one number with one unit: ms s m h d w mo q y. nullopt when malformed, negative or over
// 200 years.
std::optional<Span> parse_span(std::string_view text);
// The form parse_span reads, largest whole unit: "7d", "18mo".
std::string format_span(Span span);
// The form people read: "7 d", "36 h", "0 s".
std::string format_duration(Milliseconds duration);

// `t` moved by the span; calendar spans keep the day of month where it exists, else its last day,
// in UTC.
EventTime add(EventTime t, Span span);
EventTime subtract(EventTime t, Span span);

// Bounds of the span in milliseconds (a month is 28 to 31 days, a year at least 365).
Milliseconds longest(Span span);
Milliseconds shortest(Span span);

// How many times `part` goes into `whole`; nullopt when it does not do so evenly, or one is in
// months and the other exact.
std::optional<int64_t> panes_in(Span whole, Span part);

}  // namespace tocsin
