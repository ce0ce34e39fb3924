#include "rules/kinds/event_value.h"

#include "rules/cel/event_fields.h"

namespace tocsin::rules {

namespace {

cel::Value attrs_value(const Event& event, Arena& arena) {
  const auto entries = arena.array<cel::Entry>(event.attrs.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    entries[i] = {cel::Value::of_string(event.attrs[i].key), cel::value_of(event.attrs[i].value)};
  }
  return cel::Value::of_map(entries);
}

}  // namespace

cel::Value event_value(const Event& event, const Catalogue& catalogue, Arena& arena) {
  const auto text = [](std::string_view t) { return cel::Value::of_string(t); };
  const auto entries = arena.array<cel::Entry>(event.has_value() ? 7 : 6);
  size_t next = 0;  // sorted by key
  entries[next++] = {text("attrs"), attrs_value(event, arena)};
  entries[next++] = {text("id"), text(event.id)};
  entries[next++] = {text("indicator"), text(catalogue.indicator(event.indicator).name)};
  entries[next++] = {text("region"), text(catalogue.region(event.region).id)};
  entries[next++] = {text("source"), text(catalogue.source(event.source).name)};
  entries[next++] = {text("time"), cel::timestamp_of(event.time)};
  if (event.has_value()) entries[next++] = {text("value"), cel::Value::of_double(event.value)};
  return cel::Value::of_map(entries);
}

}  // namespace tocsin::rules
