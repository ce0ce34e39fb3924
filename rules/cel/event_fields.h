#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "rules/cel/ast.h"
#include "rules/cel/frame.h"

namespace tocsin::cel {

// A field of `e` as rules see it.
struct EventFieldName {
  std::string_view name;
  EventField field;
  Type::Tag type;  // kList stands for list(string), kMap for map(string, dyn)
  bool optional;
};
const EventFieldName* find_event_field(std::string_view name);
std::span<const EventFieldName> all_event_fields();
Type type_of(const EventFieldName& field);

// Reading of the frame's event. False: the field is absent (error in the frame). Lists and the map
// of attrs are built in the arena.
bool read_field(EventField field, Frame& frame, Value& out);
bool has_field(EventField field, const Event& event);

// nullptr when the event has no such attr.
inline const Attr* find_attr(const Event& event, std::string_view key) {
  for (const Attr& attr : event.attrs) {
    if (attr.key == key) return &attr;
  }
  return nullptr;
}
Value value_of(const AttrValue& value);

Value timestamp_of(EventTime time);

}  // namespace tocsin::cel
