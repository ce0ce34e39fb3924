#include "rules/load/formats.h"

namespace tocsin::rules {

namespace {

using Kind = Schema::Kind;

Schema attribute() {
  return mapping(
      "an attribute",
      {
          required("type", word({"string", "int", "double", "bool"})),
          optional("required", boolean("events without it are refused")),
          optional("values", list_of(text(), "the only words it takes")),
          optional("cardinality",
                   integer(1, 1'000'000, "expected distinct values; makes it a group key")),
      });
}

Schema indicator() {
  return mapping(
      "an indicator",
      {
          required("driver", word(driver_words())),
          optional("unit", text("what `value` counts")),
          optional("polarity", word({"risk", "protective"}, "whether more is worse or better")),
          optional("cadence", of_kind(Kind::kExactSpan, "expected distance of two reports")),
          optional("non_negative", boolean("values are never below 0; default true")),
          required("meaning", text("one line: what it is and where it is published")),
          optional("attrs", dictionary_of(attribute())),
      });
}

Schema source() {
  return mapping(
      "a source",
      {
          required("title", text()),
          optional("lateness", of_kind(Kind::kExactSpan,
                                       "how far it runs ahead of its stragglers; default 1d")),
          optional("cadence",
                   of_kind(Kind::kExactSpan, "expected distance of two events; default none")),
          optional("idle", of_kind(Kind::kExactSpan,
                                   "silent so long: holds nothing back; default 3 × cadence")),
          optional("correction_horizon",
                   of_kind(Kind::kExactSpan, "older events are too late; default 45d")),
          optional("reliability", number("0 to 1, default confidence of its events; default 1.0")),
          optional("tlp", word(tlp_words(), "marking of its events; default amber")),
          optional("onboarded", of_kind(Kind::kTime, "its first day with us")),
          optional("extra",
                   word({"reject", "attrs"}, "unknown keys of its events; default reject")),
          required("indicators", list_of(text(), "names, or `prefix.*`")),
      });
}

Schema calendar() {
  Schema entry = mapping("an entry of a calendar",
                         {
                             optional("region", text("with all within it; default everywhere")),
                             required("from", of_kind(Kind::kTime, "its first day")),
                             required("to", of_kind(Kind::kTime, "its last day")),
                         });
  return mapping("a calendar",
                 {
                     required("valid_until", of_kind(Kind::kTime, "nobody has looked beyond it")),
                     optional("file", text("table: region, from, to")),
                     optional("entries", list_of(std::move(entry))),
                 });
}

Schema make_catalogue() {
  Schema region = mapping(
      "a region", {
                      optional("parent", text()),
                      required("names", dictionary_of(text(), "by language, `en` at least")),
                      optional("iso3", text()),
                  });
  Schema file = mapping(
      "the file",
      {
          required("tocsin", word({"catalogue/1"})),
          optional("indicators", dictionary_of(indicator())),
          optional("sources", dictionary_of(source())),
          optional(
              "regions",
              mapping("`regions`", {optional("file", text("table: id, parent, iso3, en, fr, ar")),
                                    optional("declare", dictionary_of(std::move(region)))})),
          optional("borders",
                   mapping("`borders`", {required("file", text("table: region, neighbour"))})),
          optional("calendars", dictionary_of(calendar(), "dates that in_calendar() asks for")),
      });
  file.extensions = true;
  return file;
}

}  // namespace

const Schema& catalogue_schema() {
  static const Schema schema = make_catalogue();
  return schema;
}

}  // namespace tocsin::rules
