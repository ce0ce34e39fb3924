#include <algorithm>
#include <utility>

#include "rules/load/formats.h"

namespace tocsin::rules {

namespace {

using Kind = Schema::Kind;
using Fields = std::vector<Schema::Field>;

Schema expression(std::string about = {}) { return of_kind(Kind::kExpression, std::move(about)); }
Schema span(std::string about = {}) { return of_kind(Kind::kSpan, std::move(about)); }

Schema positive(Schema schema) {
  schema.exclusive_zero = true;
  return schema;
}
Schema not_empty(Schema schema) {
  schema.not_empty = true;
  return schema;
}
Schema named(Schema schema, Kind key) {
  schema.key = std::make_shared<const Schema>(of_kind(key));
  return schema;
}

// A text, or one a language.
Schema localised(std::string about) {
  Schema by_language = not_empty(dictionary_of(of_kind(Kind::kTemplate)));
  by_language.key =
      std::make_shared<const Schema>(word({"en", "fr", "ar", "es", "pt", "de", "ru", "zh"}));
  return either({of_kind(Kind::kTemplate), std::move(by_language)}, std::move(about));
}

Schema documentation() {
  Schema source = mapping(
      "`source`", {
                      optional("document", text("which report: doha-2018")),
                      optional("paragraph", text("where in it: ¶28; required for production")),
                      optional("page", text()),
                      optional("quote", text()),
                  });
  Schema reviewed = mapping("`reviewed`", {
                                              optional("on", of_kind(Kind::kTime)),
                                              optional("by", text()),
                                              optional("next", of_kind(Kind::kTime)),
                                          });
  return mapping("`doc`",
                 {
                     optional("rationale", text("why this matters; required for production")),
                     optional("source", std::move(source)),
                     optional("false_positives", list_of(text(), "what looks like it and is not")),
                     optional("response", text("who does what; required for production")),
                     optional("reviewed", std::move(reviewed)),
                 });
}

Schema group_keys() {
  return list_of(text(),
                 "what an alert is about: region@country, region@admin1, region@admin2, "
                 "e.source, e.indicator, e.attrs.NAME; each, of what `each` lists");
}

Schema alert_policy() {
  return mapping(
      "`alert`",
      {
          optional("for", span("how long the condition must hold first")),
          optional("keep_firing_for", span("how long an alert goes on after it")),
          optional("hold", span("kinds with matches: firing so long after the last one")),
          optional("update_every", positive(span("at most one update in so long; default 24h"))),
          optional(
              "evidence",
              mapping("`evidence`", {optional("max", integer(1, 1000, "events listed; default 20")),
                                     not_yet("contributions"), not_yet("events")})),
          optional("max_step_down",
                   text("levels at a time on the way down: 1, or 1 per 7d; 0: any")),
          optional("flapping",
                   word({"hold", "off"},
                        "begun more than 4 times in 24h, it keeps its level until it has not for "
                        "24h; off: it goes up and down; default hold")),
          optional("resolve", word({"first_report"}, "of absence: ends with the first report")),
          optional("dedup", word({"episode"})),
          not_yet("inhibits"),
      });
}

Schema time_policy() {
  return mapping(
      "`time`",
      {
          optional("lateness", of_kind(Kind::kExactSpan, "wait so long for stragglers, at least")),
          not_yet("correction_horizon"),
          not_yet("on_late"),
          not_yet("idle"),
          optional("page_within",
                   of_kind(Kind::kExactSpan,
                           "what late events raise of the past is sent when it ended less than so "
                           "long ago, else recorded alone; default 7d")),
      });
}

Schema limits() {
  return mapping(
      "`limits`",
      {
          optional("groups", integer(1, 10'000'000, "at most so many groups; default 10000")),
          optional("state", of_kind(Kind::kBytes, "at most so much state; default 64MiB")),
          not_yet("evidence"),
          optional("new_groups_per_hour",
                   integer(1, 10'000'000,
                           "at most so many that begin within one hour of event time, where keys "
                           "can have any value; default 500")),
      });
}

Schema level(RuleKind kind) {
  Fields fields = {optional("when", expression("entered when it holds")),
                   optional("for", span("how long it must hold first"))};
  if (kind == RuleKind::kSurge) {
    const std::string about = "entered at this score of the method";
    Fields exit = {optional("surprise", number()), optional("score", number())};
    fields.push_back(optional("surprise", number(about)));
    fields.push_back(optional("score", number(about)));
    fields.push_back(optional("exit", either({expression(), mapping("`exit`", std::move(exit))},
                                             "left when it holds, or below this score")));
  } else if (kind == RuleKind::kAbsence) {
    fields.push_back(optional("missed", integer(1, 1'000'000, "reports missed")));
    fields.push_back(optional("exit", expression("left when it holds")));
  } else if (kind == RuleKind::kTrend) {
    fields.push_back(optional("slope", number("entered at this slope or a steeper one")));
    Fields exit = {optional("slope", number())};
    fields.push_back(optional("exit", either({expression(), mapping("`exit`", std::move(exit))},
                                             "left when it holds, or at a flatter slope")));
  } else if (kind == RuleKind::kLayers) {
    fields.push_back(optional("distinct", number("entered with so many layers")));
    fields.push_back(optional("require", expression("and this, over `drivers` and the rest")));
    Fields exit = {optional("distinct", number())};
    fields.push_back(optional("exit", either({expression(), mapping("`exit`", std::move(exit))},
                                             "left when it holds, or with fewer layers")));
  } else if (kind == RuleKind::kSpillover) {
    fields.push_back(optional("pressure", number("entered at this pressure")));
    Fields exit = {optional("pressure", number())};
    fields.push_back(optional("exit", either({expression(), mapping("`exit`", std::move(exit))},
                                             "left when it holds, or below this pressure")));
  } else if (kind == RuleKind::kIndex) {
    fields.push_back(optional("enter", number("entered from this index on")));
    fields.push_back(optional("exit", expression("left below this index, or when it holds")));
  } else if (kind == RuleKind::kNewTerm) {
    fields.push_back(optional("new_to", word({"group", "parent"}, "how far the term is new")));
    fields.push_back(optional("exit", expression()));
  } else {
    fields.push_back(optional("exit", expression("left when it holds; else when `when` does not")));
  }
  return mapping("a level", std::move(fields));
}

Schema measure(bool is_named) {
  Schema schema = mapping(
      "a measure",
      {
          required("agg", word({"count", "sum", "mean", "min", "max", "distinct"})),
          optional("of", expression("what is added up or counted")),
          required("window", positive(span("how far back; a multiple of `every`"))),
          required("every",
                   positive(span("distance of two evaluations; 1mo, 1q, 1y: the calendar's"))),
      });
  if (is_named)
    schema.fields.push_back(
        optional("min_n", integer(1, 1'000'000, "of mean: undefined on fewer")));
  return schema;
}

Schema methods() { return word({"poisson", "negbin", "zscore", "ratio"}); }

Schema threshold_detect() {
  return mapping(
      "`detect`",
      {
          required("measures", not_empty(named(dictionary_of(measure(true)), Kind::kIdentifier))),
          required("when", expression("the condition, over the measures")),
      });
}

Schema surge_detect() {
  Schema baseline =
      mapping("`baseline`",
              {
                  optional("history", integer(2, 1000, "windows of the same length; default 26")),
                  optional("gap", span("between baseline and now; a multiple of `every`")),
                  optional("min_history", integer(1, 1000, "fewer: warming; default 8")),
                  optional("season", word({"none"})),
                  optional("robust", boolean("zscore by median and MAD; default true")),
                  optional("sources",
                           word({"all", "stable"}, "stable: without sources onboarded inside it")),
              });
  Schema test =
      mapping("`test`", {
                            required("method", methods()),
                            optional("surprise", positive(number("-log10 of the probability"))),
                            optional("at_least", positive(number("of the method's score"))),
                        });
  Schema confirm = mapping("`confirm`", {
                                            required("method", methods()),
                                            optional("surprise", positive(number())),
                                            optional("at_least", positive(number())),
                                        });
  return mapping("`detect`", {
                                 required("measure", measure(false)),
                                 optional("baseline", std::move(baseline)),
                                 required("test", std::move(test)),
                                 optional("floor", number("never below this value of the window")),
                                 optional("confirm", std::move(confirm)),
                             });
}

Schema trend_detect() {
  Schema series = mapping(
      "`series`", {
                      required("agg", word({"count", "sum", "mean", "min", "max", "distinct"})),
                      optional("of", expression("what is added up or counted")),
                      required("pane", positive(span("one value in so long; 1mo, 1q, 1y: the "
                                                     "calendar's"))),
                      required("points", integer(2, 1000, "so many panes back")),
                      optional("min_n", integer(1, 1'000'000, "of mean: undefined on fewer")),
                  });
  Schema slope = mapping("`slope`", {
                                        optional("at_most", number("of what falls: below 0")),
                                        optional("at_least", number("of what rises: above 0")),
                                        optional("per", positive(span("default: a pane"))),
                                    });
  Schema significance =
      mapping("`significance`", {
                                    required("test", word({"mann_kendall"})),
                                    optional("p", number("at most; default 0.05")),
                                });
  return mapping(
      "`detect`",
      {
          required("series", std::move(series)),
          optional("estimator", word({"theil_sen", "ols"}, "default theil_sen: robust")),
          required("slope", std::move(slope)),
          optional("significance", std::move(significance)),
          optional("min_points", integer(3, 1000, "fewer: unknown; default 8")),
          optional("missing", word({"skip", "hold"}, "an empty pane: no point, or the last value")),
      });
}

Schema sequence_detect() {
  Schema step =
      mapping("a step", {
                            optional("select", expression("the event that comes")),
                            optional("not", expression("the event that must not come")),
                            optional("within", positive(span("after the step before"))),
                            optional("for", positive(span("of `not`: how long nothing may come"))),
                            optional("optional", boolean()),
                        });
  return mapping(
      "`detect`",
      {
          required("steps",
                   not_empty(list_of(named(dictionary_of(std::move(step)), Kind::kIdentifier)))),
          required("span", positive(span("from the first to the last step"))),
          optional("until", expression("ends open matches")),
          optional("order", word({"strict", "any"})),
          optional("overlap", word({"skip_past_last", "skip_to_next"})),
          optional("max_open", integer(1, 1000, "open matches a group; default 16")),
      });
}

Schema absence_detect() {
  return mapping(
      "`detect`",
      {
          required("expect",
                   mapping("`expect`",
                           {optional("at_least", integer(1, 1'000'000, "reports; default 1")),
                            required("every", positive(span("in so long"))), not_yet("calendar")})),
          required(
              "roster",
              mapping("`roster`",
                      {optional("list", text("a list of this file: the keys that must report")),
                       optional("learn", positive(span("or: keys seen for so long"))),
                       optional("forget", positive(span("and silent for less than this")))})),
          optional("grace", span("after the deadline")),
          optional("unless", expression("no alert while it holds")),
      });
}

Schema index_part() {
  Schema scale = mapping("`scale`", {
                                        optional("from", number("0 at this value")),
                                        optional("to", number("1 at this value")),
                                        optional("log", number("by the logarithm: its unit")),
                                        optional("full", number("1 at this value")),
                                    });
  return mapping("a part", {
                               optional("events", expression("which events fade in it")),
                               optional("of", expression("what each adds; default 1")),
                               optional("half_life", positive(of_kind(Kind::kExactSpan))),
                               optional("signal", text("or: a signal's value")),
                               optional("stale", text("hold(400d): its last value counts so long")),
                               required("scale", std::move(scale)),
                               optional("weight", number("default 1")),
                               optional("critical", number("scaled: protection counts no more")),
                           });
}

Schema index_detect() {
  return mapping(
      "`detect`",
      {
          required("every", positive(span("distance of two evaluations"))),
          required("components", not_empty(named(dictionary_of(index_part()), Kind::kIdentifier))),
          optional("protective",
                   named(dictionary_of(either({number(), index_part()})), Kind::kIdentifier)),
          optional("combine", word({"weighted_mean", "noisy_or", "geometric"})),
          optional("coverage", number("share of the weights that must have a value; default 0")),
      });
}

Schema divergence_detect() {
  Schema part = mapping("a series", {
                                        required("signal", text("a signal or an indicator")),
                                        optional("direction", word({"up", "down"})),
                                        optional("weight", number("default 1")),
                                        optional("noise", number("steps up to it mean nothing")),
                                    });
  return mapping(
      "`detect`",
      {
          required("window", positive(span("how far back"))),
          required("pane", positive(span("one figure in so long"))),
          optional("min_points", integer(3, 500, "figures that a series needs; default 4")),
          required("better", not_empty(list_of(part, "what goes well"))),
          required("worse", not_empty(list_of(part, "what does not"))),
          optional("scale", word({"robust_z"})),
          required("when", expression("over `better` and `worse`")),
          optional("coverage", number("share of each side's weights that must have data")),
      });
}

Schema layers_detect() {
  return mapping(
      "`detect`",
      {
          required("alerts", expression("which alerts: a condition over `a.driver`, `a.level` …")),
          optional("distinct", expression("what tells layers apart; default a.driver")),
          optional("roll_up", boolean("finer places count, the country by half; default true")),
          required("window", positive(span("there at some time within"))),
          optional("min_overlap", span("and together for so long")),
          optional("every", positive(span("distance of two evaluations; default 1d"))),
      });
}

Schema spillover_detect() {
  Schema from =
      mapping("`from`", {
                            required("alerts", expression("which alerts of the neighbours")),
                            optional("score", expression("what one counts; default a.level_rank")),
                        });
  return mapping("`detect`",
                 {
                     optional("graph", word({"borders"}, "the catalogue's land borders")),
                     optional("hops", integer(1, 5, "how far; default 1")),
                     optional("hop_decay", number("what a border more leaves of it; default 0.5")),
                     required("from", std::move(from)),
                     required("pressure", mapping("`pressure`", {required("at_least", number())})),
                     optional("and_own", expression("and this of the place itself")),
                     optional("every", positive(span("distance of two evaluations; default 1d"))),
                 });
}

Schema new_term_detect() {
  Schema learn =
      mapping("`learn`", {
                             optional("for", positive(span("since the group's first event"))),
                             optional("or_events", integer(1, 1'000'000, "or until so many came")),
                         });
  return mapping(
      "`detect`",
      {
          required("term", not_empty(list_of(expression("what is new or not: e.attrs.NAME"),
                                             "one to three, together"))),
          required("history", positive(span("a term not seen for so long is new again"))),
          optional("learn", std::move(learn)),
          optional("max_terms", integer(1, 100'000, "of a group; default 500")),
          optional("missing_field", word({"ignore", "alert"}, "an event without: default ignore")),
          optional("also_new_to", not_empty(list_of(word({"region@country"}),
                                                    "levels may then ask for `new_to: parent`"))),
      });
}

Schema detect(RuleKind kind) {
  switch (kind) {
    case RuleKind::kEvent:
      return mapping("`detect`", {});
    case RuleKind::kThreshold:
      return threshold_detect();
    case RuleKind::kSurge:
      return surge_detect();
    case RuleKind::kSequence:
      return sequence_detect();
    case RuleKind::kAbsence:
      return absence_detect();
    case RuleKind::kTrend:
      return trend_detect();
    case RuleKind::kIndex:
      return index_detect();
    case RuleKind::kDivergence:
      return divergence_detect();
    case RuleKind::kLayers:
      return layers_detect();
    case RuleKind::kSpillover:
      return spillover_detect();
    case RuleKind::kNewTerm:
      return new_term_detect();
  }
  return {};
}

Schema time_zone() { return text("IANA name, of months, quarters and years; default UTC"); }

Schema labels() { return named(dictionary_of(text()), Kind::kIdentifier); }

Schema armed() {
  return mapping(
      "`armed`",
      {
          required("by", expression("the event that sets the rule to work")),
          optional("key", list_of(text(), "what it arms; default: the rule's `by`")),
          required("for", positive(span("at work so long after it"))),
          optional("disarm", expression("the event that ends it")),
          optional("quiet", span("the first days after it do not count")),
          optional("capture",
                   named(dictionary_of(expression("of the event; or signal(\"NAME\") at e.time")),
                         Kind::kIdentifier)),
      });
}

Schema make_rule(RuleKind kind) {
  Schema detect_schema = detect(kind);
  Schema select = expression("which events: a condition over `e`");
  Fields fields = {
      required("rule", of_kind(Kind::kName, "its name; renaming makes a new rule")),
      required("kind", word({rule_kind_words()[static_cast<size_t>(kind)]})),
      required("title", localised("one line for people")),
      optional("status", word(status_words(), "shadow: records, never notifies")),
      optional("driver", word(driver_words())),
      optional("stage", word(stage_words())),
      optional("owner", text("who answers for it")),
      optional("doc", documentation()),
      optional("by", group_keys()),
      optional("each", text("texts of an event that each make it one of another group, as key "
                            "`each`: e.actors")),
      optional("missing", word({"drop", "group"}, "events without a key: drop, or group as ∅")),
      optional("timezone", time_zone()),
      kind == RuleKind::kEvent ? optional("detect", std::move(detect_schema))
                               : required("detect", std::move(detect_schema)),
      optional("levels", not_empty(named(dictionary_of(level(kind)), Kind::kText))),
      optional("severity", word(level_words(), "the one level, instead of `levels`")),
      optional("alert", alert_policy()),
      optional("time", time_policy()),
      optional("emit", word({"early", "final"}, "final: only when the watermark has passed")),
      optional("limits", limits()),
      optional("labels", labels()),
      optional("annotations",
               mapping("`annotations`",
                       {optional("summary", localised("what happened, with numbers"))})),
      optional("was", text("the name that the rule had before: its state and alerts go on")),
      optional("armed", armed()),
      optional("tunable",
               not_empty(list_of(text(),
                                 "what exceptions may name: region, source, "
                                 "indicator, e.attrs.NAME; numbers that overlays may set: "
                                 "detect.floor"))),
  };
  for (Schema::Field& field : fields) {
    if (field.name == "levels")
      field.schema.key = std::make_shared<const Schema>(word(level_words()));
  }
  if (has_select(kind)) {
    const auto by = std::find_if(fields.begin(), fields.end(),
                                 [](const Schema::Field& field) { return field.name == "by"; });
    fields.insert(by, required("select", std::move(select)));
  }
  return mapping("a rule", std::move(fields),
                 "kind " + rule_kind_words()[static_cast<size_t>(kind)]);
}

Schema make_defaults() {
  return mapping("`defaults`", {
                                   optional("status", word(status_words())),
                                   optional("driver", word(driver_words())),
                                   optional("stage", word(stage_words())),
                                   optional("owner", text()),
                                   optional("by", group_keys()),
                                   optional("missing", word({"drop", "group"})),
                                   optional("alert", alert_policy()),
                                   optional("time", time_policy()),
                                   optional("emit", word({"early", "final"})),
                                   optional("limits", limits()),
                                   optional("labels", labels()),
                                   optional("timezone", time_zone()),
                               });
}

Schema make_signal() {
  return mapping("a signal",
                 {
                     required("select", expression("which events: a condition over `e`")),
                     optional("by", group_keys()),
                     required("measure", measure(true)),
                     optional("no_data", text("where nothing came: zero, missing or hold(30d)")),
                     optional("limits", limits()),
                     optional("timezone", time_zone()),
                 });
}

Schema exception() {
  return mapping("an exception",
                 {
                     required("rule", text("its id, package/name; `*` for any part of either")),
                     required("when", not_empty(list_of(not_empty(dictionary_of(text())),
                                                        "fields that an event must have so; any "
                                                        "item suffices"))),
                     required("reason", text("why these events do not count")),
                     required("by", text("who answers for it")),
                     required("until", of_kind(Kind::kTime, "events from then on count again")),
                 });
}

Schema overlay() {
  Schema list = mapping("a list of an overlay", {
                                                    optional("append", not_empty(list_of(text()))),
                                                    optional("remove", not_empty(list_of(text()))),
                                                });
  return mapping(
      "an overlay",
      {
          required("rule", text("its id, package/name")),
          optional("set", not_empty(dictionary_of(
                              text(), "status, or the path of a number that the rule opens"))),
          optional("lists", not_empty(dictionary_of(std::move(list), "lists of the rule's file"))),
      });
}

Schema make_file() {
  Schema list_file = mapping("a list from a file",
                             {
                                 required("file", text("beside the rule file, one item a line")),
                                 required("sha256", text("of the file's bytes")),
                                 optional("type", word({"string"})),
                             });
  Schema macro = mapping("a macro", {required("expr", expression())});
  Schema file = mapping(
      "the file",
      {
          required("tocsin", word({"rules/1"})),
          required("package", of_kind(Kind::kPackage, "a rule's id is package/rule")),
          optional("defaults", make_defaults()),
          optional("lists", named(dictionary_of(either({list_of(text()), std::move(list_file)})),
                                  Kind::kIdentifier)),
          optional("macros", dictionary_of(either({expression(), std::move(macro)}))),
          optional("rules", list_of(anything())),
          optional("signals", dictionary_of(make_signal(), "numbers that rules read")),
          optional("overlays", list_of(overlay(), "what is set otherwise here")),
          optional("exceptions", list_of(exception(), "events that rules leave out, for a time")),
      });
  file.extensions = true;
  return file;
}

}  // namespace

const Schema& rule_schema(RuleKind kind) {
  static const std::vector<Schema> schemas = [] {
    std::vector<Schema> all;
    for (size_t i = 0; i < rule_kind_words().size(); ++i) {
      all.push_back(make_rule(static_cast<RuleKind>(i)));
    }
    return all;
  }();
  return schemas[static_cast<size_t>(kind)];
}

const Schema& signal_schema() {
  static const Schema schema = make_signal();
  return schema;
}

const Schema& defaults_schema() {
  static const Schema schema = make_defaults();
  return schema;
}

const Schema& rule_file_schema() {
  static const Schema schema = make_file();
  return schema;
}

}  // namespace tocsin::rules
