#include "rules/testing/test_schema.h"

namespace tocsin::rules {

namespace {

using Kind = Schema::Kind;

Schema texts(std::string about) { return either({text(), list_of(text())}, std::move(about)); }

Schema localised() { return dictionary_of(text()); }

Schema event() {
  return mapping("`event`", {
                                optional("id", text("`{n}` stands for the number of a repetition")),
                                required("source", text()),
                                required("indicator", text()),
                                required("region", text()),
                                optional("rev", integer(0, INT32_MAX)),
                                optional("op", word({"assert", "correct", "retract"})),
                                optional("value", number()),
                                optional("unit", text()),
                                optional("confidence", number()),
                                optional("actors", list_of(text())),
                                optional("tags", list_of(text())),
                                optional("attrs", dictionary_of(anything())),
                                optional("tlp", text()),
                                optional("time_precision", text()),
                                optional("time_end", text("as `at`, of a report over a period")),
                                optional("geo_precision", integer(1, 3)),
                            });
}

Schema item() {
  Schema repeat = mapping("`repeat`", {
                                          required("every", of_kind(Kind::kExactSpan)),
                                          required("times", integer(1, 100'000)),
                                      });
  Schema burst = mapping("`burst`", {
                                        required("count", integer(1, 100'000)),
                                        required("over", of_kind(Kind::kExactSpan)),
                                    });
  Schema retract = mapping("`retract`", {
                                            required("source", text()),
                                            required("ids", list_of(text())),
                                        });
  return mapping(
      "an item of `events`",
      {
          optional("at", text("event time: `+3d` after the start, or RFC 3339")),
          optional("arrives", text("when it reaches the engine; else at its event time")),
          optional("event", event()),
          optional("repeat", repeat),
          optional("burst", burst),
          optional("retract", retract),
      });
}

Schema expected_alert() {
  Schema range = mapping("a range", {optional("min", number()), optional("max", number())});
  return mapping("an expected alert",
                 {
                     required("rule", text()),
                     optional("group", dictionary_of(text())),
                     optional("level", text()),
                     optional("confidence", word({"provisional", "confirmed"})),
                     optional("flapping", boolean("it begins to fire too often")),
                     optional("error", boolean("its rule fails at run time")),
                     optional("evidence_includes", list_of(text())),
                     optional("evidence_excludes", list_of(text())),
                     optional("values", dictionary_of(either({text(), range}))),
                     optional("title", localised()),
                     optional("summary", localised()),
                     optional("events_counted", integer(0, INT32_MAX)),
                 });
}

Schema expectation() {
  Schema transition = mapping("an expected transition",
                              {
                                  required("rule", text()),
                                  required("action", word({"fire", "escalate", "deescalate",
                                                           "update", "resolve", "withdraw"})),
                                  optional("level", text()),
                                  optional("group", dictionary_of(text())),
                              });
  Schema state = mapping("an expected state",
                         {
                             required("rule", text()),
                             required("group", dictionary_of(text())),
                             required("state", word({"firing", "pending", "inactive", "warming"})),
                         });
  return mapping("`expect`", {
                                 optional("alerts", list_of(expected_alert())),
                                 optional("log", list_of(transition)),
                                 optional("states", list_of(state)),
                             });
}

Schema step() {
  Schema reload = mapping("`reload`", {required("file", text("rule file to load instead"))});
  return mapping("a step",
                 {
                     optional("at", text("`+3d` after the start, or RFC 3339")),
                     optional("expect", expectation()),
                     optional("restart", boolean("save, start anew, restore")),
                     optional("reload", reload),
                     optional("finish", text("all sources end, everything up to this is complete")),
                 });
}

Schema make_schema() {
  Schema test = mapping("a test", {
                                      required("name", text()),
                                      required("start", of_kind(Kind::kTime)),
                                      optional("events", list_of(item())),
                                      required("steps", list_of(step())),
                                  });
  return mapping("the file",
                 {
                     required("tocsin", word({"tests/1"}, "`tocsin: tests/1`")),
                     required("rules", texts("`rules: [NAME.yaml]`, from the folder "
                                             "of the test file")),
                     required("catalogue", texts("`catalogue: ../../catalogue`, from the folder of "
                                                 "the test file")),
                     required("tests", list_of(test, "`tests: [{name: …, …}, …]`")),
                 });
}

}  // namespace

const Schema& rule_test_schema() {
  static const Schema schema = make_schema();
  return schema;
}

}  // namespace tocsin::rules
