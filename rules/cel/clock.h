#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rules/cel/builtins.h"
#include "rules/cel/value.h"

namespace date {
class time_zone;
}

// Timestamps and durations of CEL: reading, writing, calendar fields in time zones.
namespace tocsin::cel {

// Nanoseconds over all of time do not fit into 64 bits.
__extension__ typedef __int128 Int128;

// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z in seconds since the epoch.
inline constexpr int64_t kMinSeconds = -62'135'596'800;
inline constexpr int64_t kMaxSeconds = 253'402'300'799;
// 10,000 years, as in protobuf.
inline constexpr int64_t kMaxDurationSeconds = 315'576'000'000;

// Normalised values, nullopt when out of range.
std::optional<Value> make_timestamp(int64_t seconds, int64_t nanos);
std::optional<Value> make_duration(int64_t seconds, int64_t nanos);

// RFC 3339 with up to nine digits of fraction.
std::optional<Value> parse_timestamp(std::string_view text);
// "1h30m", "-1.5s", "250ms": units h m s ms us ns.
std::optional<Value> parse_duration(std::string_view text);
std::string format_timestamp(const Value& timestamp);
std::string format_duration(const Value& duration);  // in seconds: "5400s", "-1.5s"

// A zone by its IANA name or as an offset "+05:30".
struct Zone {
  const date::time_zone* named = nullptr;
  int64_t offset_seconds = 0;  // when not named
};
std::optional<Zone> find_zone(std::string_view name);
// Of the time zone database of the system, which named zones are read from: "2025b".
std::string zones_version();
// Seconds since the epoch as clocks in the zone tell them, and back: of an hour that comes twice
// the first, of one that is left out the moment of the change.
int64_t local_of(int64_t utc_seconds, const Zone& zone);
int64_t utc_of(int64_t local_seconds, const Zone& zone);

// The field that a getter names, of a timestamp in a zone or of a duration.
int64_t calendar_field(Builtin getter, const Value& timestamp, const Zone& zone);
int64_t duration_field(Builtin getter, const Value& duration);

}  // namespace tocsin::cel
