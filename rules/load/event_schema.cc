#include <algorithm>

#include "rules/load/formats.h"
#include "rules/model/event.h"

namespace tocsin::rules {

namespace {

using Kind = Schema::Kind;

// One event, `event/1`, as a line of NDJSON. The decoder in `ingest` reads it on its own for speed;
// this is what it is told to read, for editors and for those who write events.
Schema make_event() {
  Schema time = of_kind(Kind::kTime, "RFC 3339, or a date");
  return mapping(
      "an event",
      {
          required("id", text("stable id from the source; at most 256 bytes")),
          optional("rev", integer(0, UINT32_MAX, "revision; the highest counts")),
          optional("op", word({"assert", "correct", "retract"})),
          required("source", text("a source of the catalogue")),
          required("indicator", text("an indicator of the catalogue")),
          required("time", time),
          optional("time_end", of_kind(Kind::kTime, "of a report over a period")),
          optional("time_precision", word({"exact", "day", "week", "month", "year"})),
          optional("region",
                   text("ISO 3166-1 alpha-2, ISO 3166-2 or a declared id; or `lat` and `lon`")),
          optional("geo_precision", integer(1, 3, "1 exact, 3 region only")),
          optional("value", number("absent is not 0")),
          optional("unit", text("must be the indicator's")),
          optional("confidence", number("0 to 1; default the source's reliability")),
          optional("actors", list_of(text(), "at most 32")),
          optional("tags", list_of(text(), "at most 64")),
          optional("attrs", dictionary_of(anything(), "declared for the indicator; at most 64")),
          optional("tlp", word(tlp_words(), "default the source's")),
          optional("lat", number()),
          optional("lon", number()),
      },
      "one event, event/1; unknown keys are refused unless its source says `extra: attrs`");
}

// For editors the rules of a file may be of any kind.
Schema rule_file_for_editors() {
  Schema file = rule_file_schema();
  std::vector<Schema> kinds;
  for (size_t i = 0; i < rule_kind_words().size(); ++i) {
    kinds.push_back(rule_schema(static_cast<RuleKind>(i)));
  }
  const auto rules = std::find_if(file.fields.begin(), file.fields.end(),
                                  [](const Schema::Field& field) { return field.name == "rules"; });
  rules->schema = list_of(either(std::move(kinds)));
  return file;
}

}  // namespace

const std::vector<std::string>& formats_with_schema() {
  static const std::vector<std::string> words = {"rules", "catalogue", "event"};
  return words;
}

std::string json_schema_of(std::string_view format) {
  if (format == "rules") return to_json_schema(rule_file_for_editors(), "tocsin rules/1");
  if (format == "catalogue") return to_json_schema(catalogue_schema(), "tocsin catalogue/1");
  if (format == "event") return to_json_schema(make_event(), "tocsin event/1");
  return {};
}

}  // namespace tocsin::rules
