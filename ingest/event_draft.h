#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/symbols.h"
#include "rules/model/arena.h"
#include "rules/model/event.h"

namespace tocsin::ingest {

// The fields of event/1, in the order of the format.
enum class Field : uint8_t {
  kId,
  kRev,
  kOp,
  kSource,
  kIndicator,
  kTime,
  kTimeEnd,
  kTimePrecision,
  kRegion,
  kGeoPrecision,
  kValue,
  kUnit,
  kConfidence,
  kActors,
  kTags,
  kAttrs,
  kTlp,
  kLat,
  kLon,
};
inline constexpr size_t kFieldCount = 19;
std::string_view to_string(Field field);

// Why a record is refused: a word of the closed list, and a sentence for people.
struct Rejection {
  std::string_view reason;
  std::string message;
};

// The fields of a record as they were read, before they mean anything. Texts are views.
struct EventDraft {
  uint32_t present = 0;  // one bit a Field
  std::string_view id, op, source, indicator, time_precision, region, unit, tlp;
  EventTime time{}, time_end{};
  int64_t rev = 0;
  int64_t geo_precision = 1;
  double value = 0, confidence = 0, lat = 0, lon = 0;
  std::span<const std::string_view> actors, tags;
  std::vector<Attr> attrs;   // in input order, slots unset
  std::vector<Attr> extras;  // top-level keys that are not event/1's

  // Byte of each field in the record, from 0; used when `has_bytes`, else places are named by
  // field.
  bool has_bytes = false;
  std::array<uint32_t, kFieldCount> at{};
  uint32_t first_extra_at = 0;

  bool has(Field field) const { return (present >> static_cast<unsigned>(field) & 1U) != 0; }
  void mark(Field field) { present |= 1U << static_cast<unsigned>(field); }
  void clear() {
    present = 0;
    actors = {};
    tags = {};
    attrs.clear();
    extras.clear();
  }
};

// Turns drafts into events: looks names up, fills defaults, checks every limit and type.
// Thread-safety: one thread at a time.
class EventValidator {
 public:
  explicit EventValidator(std::shared_ptr<const CurrentSymbols> symbols)
      : current_(std::move(symbols)) {}

  // Call before the first finish() of a decode(): takes the symbols now in force.
  void refresh();
  const Symbols& symbols() const { return *symbols_; }

  // True and `event` complete, or false and `rejection` filled. Attrs are put into the arena; other
  // texts stay where the draft's views point. May reorder the draft's attrs. Whoever fills the
  // draft bounds how many actors, tags and attrs it takes, since it has to keep them.
  bool finish(EventDraft& draft, Arena& arena, Event& event, Rejection& rejection);

 private:
  template <typename Id>
  struct LastFound {
    std::string_view text;  // view into the catalogue
    Id id{};
  };

  bool names(const EventDraft& draft, Event& event, Rejection& rejection);
  bool words(const EventDraft& draft, Event& event, Rejection& rejection);
  bool numbers(const EventDraft& draft, Event& event, Rejection& rejection);
  bool place(const EventDraft& draft, Event& event, Rejection& rejection);
  bool lists(const EventDraft& draft, Event& event, Rejection& rejection);
  bool attrs(EventDraft& draft, Arena& arena, Event& event, Rejection& rejection);
  // "did you mean …? " or nothing: the nearest of `names`, looked for a bounded number of times.
  std::string hint_for(std::string_view word, const std::vector<std::string>& names);

  std::shared_ptr<const CurrentSymbols> current_;
  std::shared_ptr<const Symbols> symbols_;
  LastFound<SourceId> last_source_;
  LastFound<IndicatorId> last_indicator_;
  LastFound<RegionId> last_region_;
  struct Hint {
    const std::vector<std::string>* names = nullptr;
    std::string word;
    std::string nearest;
  };
  Hint last_hint_;
  uint64_t records_ = 0;
  uint64_t hints_ = 0;  // that were looked for
};

// Reads a time for a draft: RFC 3339 or a bare date, year 0001 to 9999.
bool read_event_time(std::string_view text, EventTime& time);

// "value (byte 12)" or "value".
std::string place_of(const EventDraft& draft, Field field);

// `text` cut and made printable, in quotes, for messages.
std::string in_quotes(std::string_view text);

}  // namespace tocsin::ingest
