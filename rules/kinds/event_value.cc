#include "rules/kinds/event_value.h"

#include "rules/detector.h"

namespace tocsin::rules {

namespace {

cel::Value attr_value(const AttrValue& value) {
  if (const auto* b = std::get_if<bool>(&value)) return cel::Value::of_bool(*b);
  if (const auto* i = std::get_if<int64_t>(&value)) return cel::Value::of_int(*i);
  if (const auto* d = std::get_if<double>(&value)) return cel::Value::of_double(*d);
  if (const auto* s = std::get_if<std::string_view>(&value)) return cel::Value::of_string(*s);
  return {};
}

cel::Value attrs_value(const Event& event, Arena& arena) {
  const auto entries = arena.array<cel::Entry>(event.attrs.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    entries[i] = {cel::Value::of_string(event.attrs[i].key), attr_value(event.attrs[i].value)};
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
  entries[next++] = {text("time"), timestamp_value(event.time)};
  if (event.has_value()) entries[next++] = {text("value"), cel::Value::of_double(event.value)};
  return cel::Value::of_map(entries);
}

}  // namespace tocsin::rules
