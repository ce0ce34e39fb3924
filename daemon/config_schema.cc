#include "daemon/config_schema.h"

#include "daemon/kafka_config.h"
#include "rules/load/formats.h"

namespace tocsin::daemon {
namespace {

using rules::boolean;
using rules::dictionary_of;
using rules::either;
using rules::integer;
using rules::list_of;
using rules::mapping;
using rules::of_kind;
using rules::optional;
using rules::required;
using rules::Schema;
using rules::text;
using rules::word;
using Kind = Schema::Kind;

Schema span(std::string about) { return of_kind(Kind::kExactSpan, std::move(about)); }
// Zero would mean never, or at once for ever.
Schema positive_span(std::string about) {
  Schema schema = span(std::move(about));
  schema.exclusive_zero = true;
  return schema;
}
Schema bytes(std::string about) { return of_kind(Kind::kBytes, std::move(about)); }
Schema paths(const std::string& about) { return either({text(about), list_of(text(), about)}); }

// How long something is kept: all of it, or by marking.
Schema kept(const std::string& about) {
  std::vector<Schema::Field> by{optional("all", positive_span("whatever its marking"))};
  for (const std::string& marking : rules::tlp_words()) {
    by.push_back(optional(marking, positive_span("what is marked so, or more strictly")));
  }
  return either({span(about), mapping("retention by marking", std::move(by))}, about);
}

Schema http() {
  return mapping(
      "http",
      {optional("listen", text("ADDRESS:PORT; default 127.0.0.1:8788; port 0: a free one")),
       optional("allow_insecure_listen", boolean("off loopback without TLS; default false")),
       optional("tokens_file", text("bearer tokens that may write, one a line")),
       optional("body_bytes", bytes("largest body as it comes; default 8MiB")),
       optional("decompressed_bytes", bytes("largest body unpacked; default 64MiB")),
       optional("body_records", integer(1, 10'000'000, "most lines of a body; default 100000")),
       optional("connections", integer(1, 100'000, "open at once; default 256")),
       optional("tlp_ceiling", word(rules::tlp_words(), "shown up to; default amber"))});
}

Schema input() {
  return mapping(
      "an input",
      {required("name", of_kind(Kind::kName)), required("type", word({"file", "kafka"})),
       optional("mapping", text("a file mapping/1; default: event/1")),
       optional("path", text("of a file")),
       optional("follow", boolean("go on with what is appended; default false")),
       optional("brokers", text("HOST:PORT,…")), optional("security", kafka_security_schema()),
       optional("topics", list_of(text())),
       optional("group", text("consumer group; default tocsin")),
       optional("instance",
                text("group.instance.id; default: one that stays with the data folder")),
       optional("properties", dictionary_of(text(), "handed to librdkafka as they are"))});
}

Schema sink() {
  return mapping(
      "a sink",
      {required("name", of_kind(Kind::kName)),
       required("type", word({"log", "webhook", "alertmanager", "kafka"})),
       optional("path", text("of a log")), optional("url", text("of a webhook")),
       optional("url_file", text("instead of url: a file that holds it")),
       optional("urls", list_of(text(), "all members of an Alertmanager cluster")),
       optional("token_file", text("bearer token of a webhook or Alertmanager")),
       optional("brokers", text("HOST:PORT,…")), optional("security", kafka_security_schema()),
       optional("topic", text()),
       optional("properties", dictionary_of(text(), "handed to librdkafka as they are")),
       optional("timeout", positive_span("of one attempt; default 10s")),
       optional("resend_interval", positive_span("of Alertmanager; default 60s")),
       optional("heartbeat_interval",
                span("of messages that all is well; default 5m, of a log none; 0s: none")),
       optional("tlp_ceiling", word(rules::tlp_words(), "sent up to; default amber")),
       optional("on_excess", word({"redact", "drop"}, "above the ceiling; default redact")),
       optional("min_level", word(rules::level_words(), "lower ones are not sent; default info"))});
}

Schema make_config() {
  Schema config = mapping(
      "the configuration",
      {required("tocsin", word({"config/1"})),
       required("data_dir", text("the data folder")),
       required("rules", paths("rule files or folders")),
       optional("catalogue", paths("catalogue files or folders; default: the shipped one")),
       optional("shards",
                integer(1, 256,
                        "engines side by side: groups by country, other rules whole; default 1")),
       optional("emit",
                word({"early", "final"}, "early: monotone rules fire on arrival (default)")),
       optional("revision_share",
                integer(0, 1000,
                        "revisions take at most one part in so many of the time; 0: each at "
                        "once; default 10")),
       optional("durability", word({"commit", "interval"}, "commit: fsync each commit (default)")),
       optional("commit_interval", span("default 100ms")),
       optional("commit_max_events", integer(1, 10'000'000, "default 50000")),
       optional("checkpoint_interval", span("default 30s")),
       optional("heartbeat_interval", span("of silent sources; default 10s")),
       optional("future_tolerance",
                span("how far ahead of the clock an event may be; default 10m")),
       optional("queue_bytes", bytes("input waiting; default 64MiB")),
       optional("state_memory",
                bytes("with more state of rules in memory, idle groups are kept on the disk alone; "
                      "default 256MiB")),
       optional("state_budget",
                bytes("rules that together may need more than this are refused, with what they "
                      "need; default 4GiB")),
       optional("min_free_disk",
                bytes("with less free on the disk no input is taken; default 512MiB, at most a "
                      "twentieth of the disk; 0: no floor")),
       optional(
           "digest_after",
           span("after a downtime of at least this, alerts that were raised and over in it are "
                "sent as one digest; default 15m; 0s: each is sent")),
       optional("reload_tests",
                boolean("a reload runs the rule tests beside the rules, and refuses them when one "
                        "fails; default true")),
       optional("watch_rules",
                span("how often files of rules are looked at, and loaded when they have changed; "
                     "default 0s: only on SIGHUP and POST /-/reload")),
       optional("shutdown_timeout", span("default 30s")),
       optional("http", http()),
       optional("inputs", list_of(input())),
       optional("sinks", list_of(sink())),
       optional("retention",
                mapping("retention", {optional("journal", kept("default: for ever")),
                                      optional("closed_alerts", kept("default: for ever")),
                                      optional("dead_letters", span("default: for ever")),
                                      optional("dead_letters_max",
                                               integer(0, 1'000'000'000,
                                                       "more: the oldest go; 0: no limit; default "
                                                       "1000000"))})),
       optional(
           "backup",
           mapping("backup", {required("path", text("folder of backups; none: none are taken")),
                              optional("keep", integer(1, 1'000'000,
                                                       "so many of the newest stay; "
                                                       "default 7"))})),
       optional("log", mapping("log", {optional("level", word({"debug", "info", "warn", "error"})),
                                       optional("format", word({"logfmt", "json"}))}))});
  config.extensions = true;
  return config;
}

}  // namespace

const rules::Schema& config_schema() {
  static const Schema schema = make_config();
  return schema;
}

}  // namespace tocsin::daemon
