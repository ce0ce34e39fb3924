#include "rules/cel/event_fields.h"

#include <algorithm>
#include <array>

namespace tocsin::cel {
namespace {

using Tag = Type::Tag;
constexpr std::array kFields{
    EventFieldName{"id", EventField::kId, Tag::kString, false},
    EventFieldName{"rev", EventField::kRev, Tag::kInt, false},
    EventFieldName{"op", EventField::kOp, Tag::kString, false},
    EventFieldName{"source", EventField::kSource, Tag::kString, false},
    EventFieldName{"indicator", EventField::kIndicator, Tag::kString, false},
    EventFieldName{"time", EventField::kTime, Tag::kTimestamp, false},
    EventFieldName{"time_end", EventField::kTimeEnd, Tag::kTimestamp, true},
    EventFieldName{"time_precision", EventField::kTimePrecision, Tag::kString, false},
    EventFieldName{"region", EventField::kRegion, Tag::kRegion, false},
    EventFieldName{"geo_precision", EventField::kGeoPrecision, Tag::kInt, false},
    EventFieldName{"value", EventField::kValue, Tag::kDouble, true},
    EventFieldName{"confidence", EventField::kConfidence, Tag::kDouble, false},
    EventFieldName{"actors", EventField::kActors, Tag::kList, false},
    EventFieldName{"tags", EventField::kTags, Tag::kList, false},
    EventFieldName{"attrs", EventField::kAttrs, Tag::kMap, false},
    EventFieldName{"lat", EventField::kLat, Tag::kDouble, true},
    EventFieldName{"lon", EventField::kLon, Tag::kDouble, true},
    EventFieldName{"tlp", EventField::kTlp, Tag::kString, false},
};

Value list_of(std::span<const std::string_view> texts, Arena& arena) {
  const std::span<Value> items = arena.array<Value>(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) items[i] = Value::of_string(texts[i]);
  return Value::of_list(items);
}

// Attrs are sorted by key already; a key that comes twice is kept once.
Value map_of(std::span<const Attr> attrs, Arena& arena) {
  const std::span<Entry> entries = arena.array<Entry>(attrs.size());
  size_t count = 0;
  for (const Attr& attr : attrs) {
    if (count > 0 && entries[count - 1].key.text() == attr.key) continue;
    entries[count++] = {Value::of_string(attr.key), value_of(attr.value)};
  }
  return Value::of_map(entries.first(count));
}

bool absent(Frame& frame, std::string_view detail) {
  return frame.fail(EvalError::kNoSuchField, detail);
}

}  // namespace

const EventFieldName* find_event_field(std::string_view name) {
  const auto found = std::find_if(kFields.begin(), kFields.end(),
                                  [&](const EventFieldName& f) { return f.name == name; });
  return found == kFields.end() ? nullptr : &*found;
}

std::span<const EventFieldName> all_event_fields() { return kFields; }

Type type_of(const EventFieldName& field) {
  if (field.type == Tag::kList) return Type::list(Tag::kString);
  if (field.type == Tag::kMap) return Type::map(Tag::kString, Tag::kDyn);
  return field.type;
}

Value timestamp_of(EventTime time) {
  const int64_t ms = to_ms(time);
  const int64_t seconds = ms >= 0 ? ms / 1000 : -((999 - ms) / 1000);
  return Value::of_timestamp(seconds, static_cast<int32_t>((ms - seconds * 1000) * 1'000'000));
}

Value value_of(const AttrValue& value) {
  switch (value.index()) {
    case 1:
      return Value::of_bool(std::get<bool>(value));
    case 2:
      return Value::of_int(std::get<int64_t>(value));
    case 3:
      return Value::of_double(std::get<double>(value));
    case 4:
      return Value::of_string(std::get<std::string_view>(value));
    default:
      return {};  // std::monostate is null
  }
}

bool has_field(EventField field, const Event& event) {
  switch (field) {
    case EventField::kTimeEnd:
      return event.has_time_end;
    case EventField::kValue:
      return event.has_value();
    case EventField::kLat:
    case EventField::kLon:
      return event.has_position();
    case EventField::kId:
    case EventField::kRev:
    case EventField::kOp:
    case EventField::kSource:
    case EventField::kIndicator:
    case EventField::kTime:
    case EventField::kTimePrecision:
    case EventField::kRegion:
    case EventField::kGeoPrecision:
    case EventField::kConfidence:
    case EventField::kActors:
    case EventField::kTags:
    case EventField::kAttrs:
    case EventField::kTlp:
      return true;
  }
  return true;
}

bool read_field(EventField field, Frame& frame, Value& out) {
  const Event& event = *frame.event;
  const Catalogue& catalogue = *frame.catalogue;
  switch (field) {
    case EventField::kId:
      out = Value::of_string(event.id);
      return true;
    case EventField::kRev:
      out = Value::of_int(event.rev);
      return true;
    case EventField::kOp:
      out = Value::of_string(to_string(event.op));
      return true;
    case EventField::kSource:
      out = Value::of_string(catalogue.source(event.source).name);
      return true;
    case EventField::kIndicator:
      out = Value::of_string(catalogue.indicator(event.indicator).name);
      return true;
    case EventField::kTime:
      out = timestamp_of(event.time);
      return true;
    case EventField::kTimeEnd:
      if (!event.has_time_end) return absent(frame, "no such field: e.time_end");
      out = timestamp_of(event.time_end);
      return true;
    case EventField::kTimePrecision:
      switch (event.time_precision) {
        case TimePrecision::kExact:
          out = Value::of_string("exact");
          return true;
        case TimePrecision::kDay:
          out = Value::of_string("day");
          return true;
        case TimePrecision::kWeek:
          out = Value::of_string("week");
          return true;
        case TimePrecision::kMonth:
          out = Value::of_string("month");
          return true;
        case TimePrecision::kYear:
          out = Value::of_string("year");
          return true;
      }
      return absent(frame, "no such field: e.time_precision");
    case EventField::kRegion:
      out = Value::of_string(catalogue.region(event.region).id);
      return true;
    case EventField::kGeoPrecision:
      out = Value::of_int(event.geo_precision);
      return true;
    case EventField::kValue:
      if (!event.has_value()) return absent(frame, "no such field: e.value");
      out = Value::of_double(event.value);
      return true;
    case EventField::kConfidence:
      out = Value::of_double(event.confidence);
      return true;
    case EventField::kActors:
      out = list_of(event.actors, *frame.arena);
      return true;
    case EventField::kTags:
      out = list_of(event.tags, *frame.arena);
      return true;
    case EventField::kAttrs:
      out = map_of(event.attrs, *frame.arena);
      return true;
    case EventField::kLat:
      if (!event.has_position()) return absent(frame, "no such field: e.lat");
      out = Value::of_double(event.lat);
      return true;
    case EventField::kLon:
      if (!event.has_position()) return absent(frame, "no such field: e.lon");
      out = Value::of_double(event.lon);
      return true;
    case EventField::kTlp:
      out = Value::of_string(to_string(event.tlp));
      return true;
  }
  return absent(frame, "no such field");
}

}  // namespace tocsin::cel
