#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rules/model/event.h"
#include "rules/model/time.h"
#include "rules/model/vocabulary.h"

namespace tocsin {

enum class AttrType : uint8_t { kString, kInt, kDouble, kBool };

struct AttrDeclaration {
  std::string name;
  AttrType type = AttrType::kString;
  bool required = false;
  std::vector<std::string> values;  // closed list of a string attr; empty: any text
  uint32_t cardinality = 0;  // expected distinct values; 0: unknown, not usable as a group key
  friend bool operator==(const AttrDeclaration&, const AttrDeclaration&) = default;
};

// What is measured: "violence.state_based" and the like.
struct Indicator {
  std::string name;
  Driver driver = Driver::kViolence;
  std::string unit;  // "" when events of it carry no unit
  Polarity polarity = Polarity::kRisk;
  Milliseconds cadence{0};   // expected distance of two reports; 0: irregular
  bool non_negative = true;  // values are >= 0: sums of it only grow, so rules may fire on arrival
  std::string meaning;       // one line: what it is and where it is published
  std::vector<AttrDeclaration> attrs;
  friend bool operator==(const Indicator&, const Indicator&) = default;
};

// A feed. `lateness`, `cadence`, `idle` and `correction_horizon` steer time (rules/README.md).
struct Source {
  std::string name;
  std::string title;
  Milliseconds lateness{0};  // how far its newest event may be ahead of one still to come
  Milliseconds cadence{0};   // expected distance of two events; 0: none expected
  Milliseconds idle{0};      // silent for so long (wall clock): stops holding the watermark back
  Milliseconds correction_horizon{0};  // events older than watermark - this are `too_late`
  double reliability = 1.0;            // default confidence of its events
  Tlp tlp = Tlp::kAmber;               // marking of its events that carry none
  std::optional<EventTime> onboarded;
  bool extra_attrs = false;             // `extra: attrs`: unknown top-level keys become attrs
  std::vector<IndicatorId> indicators;  // what it may send, sorted
  friend bool operator==(const Source&, const Source&) = default;
};

enum class RegionLevel : uint8_t { kCountry = 0, kAdmin1 = 1, kAdmin2 = 2 };

struct Region {
  std::string id;  // "SY", "SY-DR", or a declared finer id
  RegionLevel level = RegionLevel::kCountry;
  RegionId parent{};                         // itself for a country
  RegionId country{};                        // itself for a country
  std::map<std::string, std::string> names;  // by language: "en", "fr", "ar"
  std::string iso3;                          // of a country, "" otherwise
  friend bool operator==(const Region&, const Region&) = default;
};

// A stretch of days that a calendar names, in a region and all that lies within it.
struct CalendarEntry {
  std::optional<RegionId> region;  // none: everywhere
  EventTime from{};
  EventTime to{};         // the first moment after it
  EventTime latest_to{};  // of those of the region up to this one
  friend bool operator==(const CalendarEntry&, const CalendarEntry&) = default;
};

// Dates that are known beforehand: elections, Ramadan, harvests.
struct Calendar {
  std::string name;
  std::vector<CalendarEntry> entries;    // by region, then by `from`
  std::optional<EventTime> valid_until;  // nobody has looked beyond it
  friend bool operator==(const Calendar&, const Calendar&) = default;
};

// Everything that is known beforehand: indicators, sources, region tree, land borders, calendars.
//
// Built by rules/load; ids are dense and follow the sorted names, so that the same files give the
// same numbers whatever order they were read in.
// Thread-safety: immutable after construction.
class Catalogue {
 public:
  Catalogue() = default;
  // Sorts, numbers and indexes. Cross references (Source::indicators, Region::parent/country,
  // borders) are given by name here because numbers do not exist yet.
  struct Draft {
    std::vector<Indicator> indicators;
    struct SourceDraft {
      Source source;
      std::vector<std::string> indicator_names;
    };
    std::vector<SourceDraft> sources;
    struct RegionDraft {
      Region region;
      std::string parent_id;  // "" for a country
    };
    std::vector<RegionDraft> regions;
    std::vector<std::pair<std::string, std::string>> borders;  // directed pairs of region ids
    struct CalendarDraft {
      Calendar calendar;
      std::vector<std::string> regions;  // of its entries; "": everywhere
    };
    std::vector<CalendarDraft> calendars;
  };
  // Names in the draft must be unique and references resolvable (rules/load has checked).
  explicit Catalogue(Draft draft);

  std::optional<IndicatorId> find_indicator(std::string_view name) const;
  std::optional<SourceId> find_source(std::string_view name) const;
  // By id, or by ISO 3166-1 alpha-3 for countries.
  std::optional<RegionId> find_region(std::string_view id) const;

  const Indicator& indicator(IndicatorId id) const { return indicators_[static_cast<size_t>(id)]; }
  const Source& source(SourceId id) const { return sources_[static_cast<size_t>(id)]; }
  const Region& region(RegionId id) const { return regions_[static_cast<size_t>(id)]; }
  const std::vector<Indicator>& indicators() const { return indicators_; }
  const std::vector<Source>& sources() const { return sources_; }
  const std::vector<Region>& regions() const { return regions_; }
  const std::vector<Calendar>& calendars() const { return calendars_; }  // by name
  const Calendar* find_calendar(std::string_view name) const;            // nullptr: none
  // Whether `time` is in an entry for a region that holds `region`, or less than `before` ahead of
  // one.
  bool is_in_calendar(const Calendar& calendar, EventTime time, RegionId region,
                      Milliseconds before) const;
  bool is_within(RegionId inner, RegionId outer) const;
  const std::vector<RegionId>& neighbours(RegionId country) const;

  // The region itself or its ancestor at `level`; nullopt when the region is coarser than that.
  std::optional<RegionId> lift(RegionId region, RegionLevel level) const;
  // Name in `language`, else in English, else the id.
  std::string_view region_name(RegionId region, std::string_view language) const;

  // Same names, same numbers, same content: ids of one hold in the other.
  friend bool operator==(const Catalogue& a, const Catalogue& b) {
    return a.indicators_ == b.indicators_ && a.sources_ == b.sources_ && a.regions_ == b.regions_ &&
           a.neighbours_ == b.neighbours_ && a.calendars_ == b.calendars_;
  }

  // Sources that may send `indicator`.
  const std::vector<SourceId>& sources_of(IndicatorId indicator) const;

 private:
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  template <typename Id>
  using Index = std::unordered_map<std::string, Id, TextHash, std::equal_to<>>;

  std::vector<Indicator> indicators_;
  std::vector<Source> sources_;
  std::vector<Region> regions_;
  std::vector<std::vector<RegionId>> neighbours_;
  std::vector<Calendar> calendars_;
  std::vector<std::vector<SourceId>> sources_of_;
  Index<IndicatorId> indicator_index_;
  Index<SourceId> source_index_;
  Index<RegionId> region_index_;
};

// The name in `candidates` nearest to `word` by edit distance, when near enough to be a likely
// misspelling; "" otherwise. For "did you mean" hints.
std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace tocsin
