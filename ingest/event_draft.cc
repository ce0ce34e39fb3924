#include "ingest/event_draft.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ingest/reasons.h"
#include "rules/model/utf8.h"

namespace tocsin::ingest {
namespace {

constexpr std::array<std::string_view, kFieldCount> kFieldNames{
    "id",         "rev",           "op",       "source",
    "indicator",  "time",          "time_end", "time_precision",
    "region",     "geo_precision", "value",    "unit",
    "confidence", "actors",        "tags",     "attrs",
    "tlp",        "lat",           "lon"};

constexpr EventTime kFirstTime{std::chrono::sys_days{std::chrono::year{1} / 1 / 1}};
constexpr EventTime kLastTime{std::chrono::sys_days{std::chrono::year{10000} / 1 / 1} -
                              Milliseconds{1}};

bool is_in_range(EventTime time) { return time >= kFirstTime && time <= kLastTime; }

bool refuse(Rejection& rejection, std::string_view reason, std::string message) {
  rejection.reason = reason;
  rejection.message = std::move(message);
  return false;
}

// Far longer words are no misspellings, and comparing them costs.
constexpr size_t kMaxHintedBytes = 64;
// A name is compared with thousands: done for every record of a flood of wrong ones it would slow
// down the good ones. The first few records get their hint, later on one in so many.
constexpr uint64_t kFirstHints = 32;
constexpr uint64_t kRecordsAHint = 256;

// Looks `text` up, the last one found first: events of one source and place come in runs.
template <typename Id, typename Last>
bool look_up(const NameTable<Id>& names, std::string_view text, Last& last, Id& id) {
  if (!text.empty() && same_text(text, last.text)) {
    id = last.id;
    return true;
  }
  const auto found = names.find(text);
  if (found == names.end()) return false;
  last = {found->first, found->second};
  id = found->second;
  return true;
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7F;
  });
}

// Bytes of all texts of an event.
size_t text_bytes(const Event& event) {
  size_t bytes = event.id.size();
  for (const std::string_view actor : event.actors) bytes += actor.size();
  for (const std::string_view tag : event.tags) bytes += tag.size();
  for (const Attr& attr : event.attrs) {
    bytes += attr.key.size();
    if (const auto* text = std::get_if<std::string_view>(&attr.value)) bytes += text->size();
  }
  return bytes;
}

bool check_attr(const Attr& attr, Rejection& rejection) {
  if (attr.key.empty() || attr.key.size() > kMaxIdBytes) {
    return refuse(rejection, reasons::kBadValue,
                  fmt::format("attrs: a key of {} bytes ({}); use 1 to {}", attr.key.size(),
                              in_quotes(attr.key), kMaxIdBytes));
  }
  const auto out_of_range = [&](auto number) {
    return refuse(rejection, reasons::kBadValue,
                  fmt::format("attrs.{}: {} is out of range; send a number within ±1e15, or text",
                              attr.key, number));
  };
  if (const auto* whole = std::get_if<int64_t>(&attr.value)) {
    constexpr auto kMost = static_cast<int64_t>(kMaxValue);
    return *whole >= -kMost && *whole <= kMost ? true : out_of_range(*whole);
  }
  if (const auto* real = std::get_if<double>(&attr.value)) {
    return std::abs(*real) <= kMaxValue ? true : out_of_range(*real);
  }
  const auto* text = std::get_if<std::string_view>(&attr.value);
  if (text == nullptr || text->size() <= kMaxAttrBytes) return true;
  return refuse(
      rejection, reasons::kTooLarge,
      fmt::format("attrs.{}: {} bytes; send at most {}", attr.key, text->size(), kMaxAttrBytes));
}

std::string_view type_name(const AttrValue& value) {
  switch (value.index()) {
    case 0:
      return "null";
    case 1:
      return "a bool";
    case 2:
      return "an int";
    case 3:
      return "a double";
    default:
      return "a string";
  }
}

std::string_view type_name(AttrType type) {
  switch (type) {
    case AttrType::kString:
      return "string";
    case AttrType::kInt:
      return "int";
    case AttrType::kDouble:
      return "double";
    case AttrType::kBool:
      return "bool";
  }
  return "";
}

// Makes `value` of the declared type where nothing is lost; false when it is another type.
bool convert(AttrValue& value, AttrType type) {
  switch (type) {
    case AttrType::kString:
      return std::holds_alternative<std::string_view>(value);
    case AttrType::kInt:
      return std::holds_alternative<int64_t>(value);
    case AttrType::kBool:
      return std::holds_alternative<bool>(value);
    case AttrType::kDouble:
      if (const int64_t* whole = std::get_if<int64_t>(&value)) {
        value = static_cast<double>(*whole);
      }
      return std::holds_alternative<double>(value);
  }
  return false;
}

}  // namespace

std::string_view to_string(Field field) { return kFieldNames[static_cast<size_t>(field)]; }

bool read_event_time(std::string_view text, EventTime& time) {
  const auto parsed = parse_time(text);
  // The offset can carry a written year 0001 or 9999 out of the range.
  if (!parsed || !is_in_range(*parsed)) return false;
  time = *parsed;
  return true;
}

std::string place_of(const EventDraft& draft, Field field) {
  if (!draft.has_bytes || !draft.has(field)) return std::string(to_string(field));
  return fmt::format("{} (byte {})", to_string(field), draft.at[static_cast<size_t>(field)]);
}

std::string in_quotes(std::string_view text) {
  constexpr size_t kShown = 60;
  std::string out = "\"";
  const std::string_view shown = utf8_prefix(text, kShown);
  for (const char c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7F ? '?' : c;
  }
  out += shown.size() < text.size() ? "…\"" : "\"";
  return out;
}

void EventValidator::refresh() {
  if (symbols_ == current_->get()) return;
  symbols_ = current_->get();
  last_source_ = {};
  last_indicator_ = {};
  last_region_ = {};
  last_hint_ = {};
}

std::string EventValidator::hint_for(std::string_view word, const std::vector<std::string>& names) {
  if (word.size() > kMaxHintedBytes) return {};
  if (last_hint_.names != &names || last_hint_.word != word) {
    if (hints_ >= kFirstHints + records_ / kRecordsAHint) return {};
    ++hints_;
    last_hint_ = {&names, std::string(word), nearest_name(word, names)};
  }
  if (last_hint_.nearest.empty()) return {};
  return fmt::format("did you mean \"{}\"? ", last_hint_.nearest);
}

bool EventValidator::finish(EventDraft& draft, Arena& arena, Event& event, Rejection& rejection) {
  event = Event{};
  ++records_;
  return names(draft, event, rejection) && words(draft, event, rejection) &&
         numbers(draft, event, rejection) && place(draft, event, rejection) &&
         lists(draft, event, rejection) && attrs(draft, arena, event, rejection);
}

bool EventValidator::names(const EventDraft& draft, Event& event, Rejection& rejection) {
  constexpr uint32_t kRequired =
      1U << static_cast<unsigned>(Field::kId) | 1U << static_cast<unsigned>(Field::kSource) |
      1U << static_cast<unsigned>(Field::kIndicator) | 1U << static_cast<unsigned>(Field::kTime);
  if ((draft.present & kRequired) != kRequired) [[unlikely]] {
    for (const Field field : {Field::kId, Field::kSource, Field::kIndicator, Field::kTime}) {
      if (draft.has(field)) continue;
      return refuse(rejection, reasons::kMissingField,
                    fmt::format("{}: is missing; every event needs id, source, indicator, time "
                                "and region",
                                to_string(field)));
    }
  }
  if (!look_up(symbols_->sources(), draft.source, last_source_, event.source)) [[unlikely]] {
    return refuse(rejection, reasons::kUnknownSource,
                  fmt::format("{}: {} is not in the catalogue; {}declare it under `sources`",
                              place_of(draft, Field::kSource), in_quotes(draft.source),
                              hint_for(draft.source, symbols_->source_names())));
  }
  if (!look_up(symbols_->indicators(), draft.indicator, last_indicator_, event.indicator))
      [[unlikely]] {
    return refuse(rejection, reasons::kUnknownIndicator,
                  fmt::format("{}: {} is not in the catalogue; {}declare it under `indicators`",
                              place_of(draft, Field::kIndicator), in_quotes(draft.indicator),
                              hint_for(draft.indicator, symbols_->indicator_names())));
  }
  symbols_->prefetch_attrs(event.indicator);
  if (!symbols_->may_send(event.source, event.indicator)) [[unlikely]] {
    return refuse(rejection, reasons::kSourceNotAllowed,
                  fmt::format("{}: source {} may not send {}; add it to the source's `indicators`",
                              place_of(draft, Field::kIndicator), in_quotes(draft.source),
                              in_quotes(draft.indicator)));
  }
  if (draft.id.empty() || draft.id.size() > kMaxIdBytes || has_control_character(draft.id))
      [[unlikely]] {
    return refuse(rejection, reasons::kBadValue,
                  fmt::format("{}: {} bytes; send 1 to {} bytes without control characters",
                              place_of(draft, Field::kId), draft.id.size(), kMaxIdBytes));
  }
  event.id = draft.id;
  return true;
}

bool EventValidator::words(const EventDraft& draft, Event& event, Rejection& rejection) {
  const Source& source = symbols_->catalogue().source(event.source);
  event.tlp = source.tlp;
  const auto bad_word = [&](Field field, std::string_view word, std::string_view list) {
    return refuse(rejection, reasons::kBadValue,
                  fmt::format("{}: {} is not in the list; use one of {}", place_of(draft, field),
                              in_quotes(word), list));
  };
  if (draft.has(Field::kOp)) {
    const auto op = parse_enum<Operation>(draft.op);
    if (!op) return bad_word(Field::kOp, draft.op, "assert, correct, retract");
    event.op = *op;
  }
  if (draft.has(Field::kTlp)) {
    const auto tlp = parse_enum<Tlp>(draft.tlp);
    if (!tlp) return bad_word(Field::kTlp, draft.tlp, "clear, green, amber, amber+strict, red");
    event.tlp = *tlp;
  }
  if (draft.has(Field::kTimePrecision)) {
    const auto precision = parse_enum<TimePrecision>(draft.time_precision);
    if (!precision) {
      return bad_word(Field::kTimePrecision, draft.time_precision, "exact, day, week, month, year");
    }
    event.time_precision = *precision;
  }
  if (draft.has(Field::kUnit)) {
    const std::string& unit = symbols_->catalogue().indicator(event.indicator).unit;
    if (draft.unit != unit) {
      return refuse(
          rejection, reasons::kUnitMismatch,
          fmt::format("{}: {} but {} is in \"{}\"; convert the value, or leave unit out "
                      "when it is that already",
                      place_of(draft, Field::kUnit), in_quotes(draft.unit), draft.indicator, unit));
    }
  }
  const auto bad_year = [&](Field field) {
    return refuse(rejection, reasons::kBadTime,
                  fmt::format("{}: is outside of the years 0001 to 9999; correct it",
                              place_of(draft, field)));
  };
  if (!is_in_range(draft.time)) return bad_year(Field::kTime);
  event.time = draft.time;
  event.time_end = draft.time;
  if (draft.has(Field::kTimeEnd)) {
    if (!is_in_range(draft.time_end)) return bad_year(Field::kTimeEnd);
    if (draft.time_end < draft.time) {
      return refuse(rejection, reasons::kBadTime,
                    fmt::format("{}: is before time ({} < {}); swap them or leave time_end out",
                                place_of(draft, Field::kTimeEnd), format_time(draft.time_end),
                                format_time(draft.time)));
    }
    event.time_end = draft.time_end;
    event.has_time_end = true;
    place_in_the_middle(event);
  }
  return true;
}

bool EventValidator::numbers(const EventDraft& draft, Event& event, Rejection& rejection) {
  const auto out_of_range = [&](Field field, auto number, std::string_view range) {
    return refuse(
        rejection, reasons::kBadValue,
        fmt::format("{}: {} is out of range; send {}", place_of(draft, field), number, range));
  };
  if (draft.has(Field::kRev)) {
    if (draft.rev < 0 || draft.rev > int64_t{UINT32_MAX}) {
      return out_of_range(Field::kRev, draft.rev, "a whole number from 0 to 4294967295");
    }
    event.rev = static_cast<uint32_t>(draft.rev);
  }
  if (draft.has(Field::kGeoPrecision)) {
    if (draft.geo_precision < 1 || draft.geo_precision > 3) {
      return out_of_range(Field::kGeoPrecision, draft.geo_precision,
                          "1 (exact), 2 (near) or 3 (region only)");
    }
    event.geo_precision = static_cast<uint8_t>(draft.geo_precision);
  }
  if (event.op != Operation::kAssert && event.rev == 0) {
    return refuse(rejection, reasons::kBadValue,
                  fmt::format("rev: is 0, the first telling of an event; a {} needs a higher one "
                              "than what it replaces",
                              event.op == Operation::kRetract ? "retraction" : "correction"));
  }
  event.confidence = symbols_->catalogue().source(event.source).reliability;
  if (draft.has(Field::kConfidence)) {
    if (!(draft.confidence >= 0.0 && draft.confidence <= 1.0)) {
      return out_of_range(Field::kConfidence, draft.confidence, "a number from 0 to 1");
    }
    event.confidence = draft.confidence;
  }
  if (draft.has(Field::kValue)) {
    if (!(std::abs(draft.value) <= kMaxValue)) {
      return out_of_range(Field::kValue, draft.value, "a number within ±1e15");
    }
    if (draft.value < 0.0 && symbols_->catalogue().indicator(event.indicator).non_negative) {
      return out_of_range(Field::kValue, draft.value,
                          fmt::format("0 or more: {} is declared non-negative", draft.indicator));
    }
    event.value = draft.value;
  }
  return true;
}

bool EventValidator::place(const EventDraft& draft, Event& event, Rejection& rejection) {
  const bool has_lat = draft.has(Field::kLat);
  if (has_lat != draft.has(Field::kLon)) {
    return refuse(
        rejection, reasons::kMissingField,
        fmt::format("{}: is missing; send lat and lon together", has_lat ? "lon" : "lat"));
  }
  if (has_lat) {
    if (!(std::abs(draft.lat) <= 90.0) || !(std::abs(draft.lon) <= 180.0)) {
      return refuse(rejection, reasons::kBadValue,
                    fmt::format("{}: {}, {} is no place; send lat within ±90 and lon within ±180",
                                place_of(draft, Field::kLat), draft.lat, draft.lon));
    }
    event.lat = draft.lat;
    event.lon = draft.lon;
  }
  if (!draft.has(Field::kRegion)) {
    return refuse(rejection, reasons::kNoRegion,
                  has_lat
                      ? "region: is missing, and lat/lon alone are not placed yet; add the ISO "
                        "3166 code of the region they lie in"
                      : "region: is missing; send an ISO 3166-1 or 3166-2 code or a declared id");
  }
  if (!look_up(symbols_->regions(), draft.region, last_region_, event.region)) [[unlikely]] {
    return refuse(rejection, reasons::kUnknownRegion,
                  fmt::format("{}: {} is not in the catalogue; {}use ISO 3166-1 alpha-2 or "
                              "alpha-3, ISO 3166-2, or declare it under `regions`",
                              place_of(draft, Field::kRegion), in_quotes(draft.region),
                              hint_for(draft.region, symbols_->region_names())));
  }
  return true;
}

bool EventValidator::lists(const EventDraft& draft, Event& event, Rejection& rejection) {
  for (const auto& [field, list] :
       {std::pair{Field::kActors, draft.actors}, {Field::kTags, draft.tags}}) {
    for (const std::string_view entry : list) {
      if (!entry.empty() && entry.size() <= kMaxAttrBytes) continue;
      return refuse(rejection, reasons::kBadValue,
                    fmt::format("{}: an entry of {} bytes; send 1 to {}", place_of(draft, field),
                                entry.size(), kMaxAttrBytes));
    }
  }
  event.actors = draft.actors;
  event.tags = draft.tags;
  return true;
}

bool EventValidator::attrs(EventDraft& draft, Arena& arena, Event& event, Rejection& rejection) {
  if (!draft.extras.empty()) [[unlikely]] {
    const Source& source = symbols_->catalogue().source(event.source);
    if (!source.extra_attrs) {
      static const std::vector<std::string> known(kFieldNames.begin(), kFieldNames.end());
      const std::string_view key = draft.extras.front().key;
      return refuse(
          rejection, reasons::kUnknownField,
          fmt::format("{}{}: is not a field of event/1; {}put it under attrs, or let the source "
                      "have `extra: attrs`",
                      in_quotes(key),
                      draft.has_bytes ? fmt::format(" (byte {})", draft.first_extra_at) : "",
                      hint_for(key, known)));
    }
    draft.attrs.insert(draft.attrs.end(), draft.extras.begin(), draft.extras.end());
  }
  if (draft.attrs.size() > kMaxAttrs) {
    return refuse(rejection, reasons::kTooMany,
                  fmt::format("{}: {} entries; send at most {}", place_of(draft, Field::kAttrs),
                              draft.attrs.size(), kMaxAttrs));
  }
  std::sort(draft.attrs.begin(), draft.attrs.end(),
            [](const Attr& a, const Attr& b) { return a.key < b.key; });
  for (size_t i = 0; i < draft.attrs.size(); ++i) {
    if (!check_attr(draft.attrs[i], rejection)) return false;
    if (i == 0 || draft.attrs[i].key != draft.attrs[i - 1].key) continue;
    return refuse(rejection, reasons::kDuplicateField,
                  fmt::format("{}: {} is there twice; send each key once",
                              place_of(draft, Field::kAttrs), in_quotes(draft.attrs[i].key)));
  }
  const auto name_of = [this](IndicatorId id) -> const std::string& {
    return symbols_->catalogue().indicator(id).name;
  };
  const std::vector<AttrDeclaration>& declarations = symbols_->attrs(event.indicator);
  for (size_t slot = 0; slot < declarations.size(); ++slot) {
    const AttrDeclaration& declared = declarations[slot];
    const auto found = std::find_if(draft.attrs.begin(), draft.attrs.end(), [&](const Attr& attr) {
      return same_text(attr.key, declared.name);
    });
    const bool absent =
        found == draft.attrs.end() || std::holds_alternative<std::monostate>(found->value);
    if (absent) {
      if (found != draft.attrs.end()) found->slot = static_cast<uint16_t>(slot);
      if (!declared.required || event.op == Operation::kRetract) continue;
      return refuse(rejection, reasons::kAttrMissing,
                    fmt::format("attrs.{}: is missing; {} requires it ({})", declared.name,
                                name_of(event.indicator), type_name(declared.type)));
    }
    found->slot = static_cast<uint16_t>(slot);
    if (!convert(found->value, declared.type)) {
      return refuse(
          rejection, reasons::kAttrType,
          fmt::format("attrs.{}: is {}; {} declares it as {}", declared.name,
                      type_name(found->value), name_of(event.indicator), type_name(declared.type)));
    }
    if (!declared.values.empty() && declared.type == AttrType::kString) {
      const auto text = std::get<std::string_view>(found->value);
      if (std::none_of(declared.values.begin(), declared.values.end(),
                       [&](const std::string& value) { return same_text(value, text); })) {
        return refuse(rejection, reasons::kBadValue,
                      fmt::format("attrs.{}: {} is not in the list; {}use one of {}", declared.name,
                                  in_quotes(text), hint_for(text, declared.values),
                                  fmt::join(declared.values, ", ")));
      }
    }
  }
  const std::span<Attr> kept = arena.array<Attr>(draft.attrs.size());
  std::copy(draft.attrs.begin(), draft.attrs.end(), kept.begin());
  event.attrs = kept;
  // A record of JSON has been measured, and its texts are not longer than itself.
  if (draft.has_bytes) return true;
  const size_t bytes = text_bytes(event);
  if (bytes <= kMaxEventBytes) return true;
  return refuse(rejection, reasons::kTooLarge,
                fmt::format("event: {} bytes; make at most {} of a row", bytes, kMaxEventBytes));
}

}  // namespace tocsin::ingest
