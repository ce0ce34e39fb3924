#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "rules/model/time.h"
#include "rules/model/vocabulary.h"

namespace tocsin {

// Dense numbers that the catalogue gives to its names: interned symbols. They hold for one loaded
// Catalogue only; what is stored or sent names things by their text.
enum class IndicatorId : uint16_t {};
enum class SourceId : uint16_t {};
enum class RegionId : uint32_t {};

// Place of an event in the journal: 1 is the first event ever accepted; 0 is none.
using JournalSeq = uint64_t;

// A value of `attrs`. A null is std::monostate.
using AttrValue = std::variant<std::monostate, bool, int64_t, double, std::string_view>;

inline constexpr uint16_t kUndeclaredAttr = 0xFFFF;

struct Attr {
  std::string_view key;
  // Index of the key in Indicator::attrs; kUndeclaredAttr when the indicator does not declare it.
  uint16_t slot = kUndeclaredAttr;
  AttrValue value;
};

// One decoded, validated event (format event/1).
//
// A view: texts and spans point into memory owned by whoever decoded it (an EventArena), which must
// outlive it. Copying copies the view.
struct Event {
  std::string_view id;
  uint32_t rev = 0;
  Operation op = Operation::kAssert;
  Tlp tlp = Tlp::kClear;
  TimePrecision time_precision = TimePrecision::kExact;
  uint8_t geo_precision = 1;  // 1 exact .. 3 region only
  bool has_time_end = false;
  uint16_t partition = 0;  // of those that the source comes by: order holds in one; 0: by none
  SourceId source{};
  IndicatorId indicator{};
  RegionId region{};
  EventTime time{};             // where windows, order and watermarks see it
  EventTime time_end{};         // == time unless has_time_end
  Milliseconds placed_after{};  // how long after told_time() that is; 0 or more
  double value = std::nan("");  // NaN when absent; absent is not 0
  double confidence = 1.0;      // 0..1
  double lat = std::nan("");    // NaN when absent
  double lon = std::nan("");
  std::span<const std::string_view> actors;
  std::span<const std::string_view> tags;
  std::span<const Attr> attrs;  // sorted by key

  bool has_value() const { return !std::isnan(value); }
  bool has_position() const { return !std::isnan(lat); }
  bool is_coarse() const { return time_precision > TimePrecision::kDay; }
  EventTime told_time() const { return time - placed_after; }  // by its source
};

// An event whose time is coarser than a day counts in the middle of the time that it may have
// happened in, when its source tells where that ends; a coarse time without an end is taken for the
// middle. Once an event, whose `time` is told_time() still.
inline void place_in_the_middle(Event& event) {
  if (!event.is_coarse() || !event.has_time_end) return;
  event.placed_after = (event.time_end - event.time) / 2;
  event.time += event.placed_after;
}

// Places it no later than `most`, which is not before told_time(): of a span that has begun and not
// ended yet, what is past counts.
inline void place_before(EventTime most, Event& event) {
  if (event.time <= most) return;
  event.placed_after -= event.time - most;
  event.time = most;
}

// Limits of event/1; larger inputs are dead-lettered.
inline constexpr size_t kMaxEventBytes = size_t{64} * 1024;
inline constexpr size_t kMaxActors = 32;
inline constexpr size_t kMaxTags = 64;
inline constexpr size_t kMaxAttrs = 64;
inline constexpr size_t kMaxIdBytes = 256;
inline constexpr size_t kMaxAttrBytes = 4096;
// Values are finite and within ±kMaxValue, so that sums in units of 1e-9 are exact in 128 bits.
inline constexpr double kMaxValue = 1e15;

}  // namespace tocsin
