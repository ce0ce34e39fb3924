#include "daemon/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <iterator>
#include <sstream>

#include "daemon/scrape.h"
#include "ingest/reasons.h"

namespace tocsin::daemon {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Registry;

Family<Counter>& counter(Registry& registry, const char* name, const char* help) {
  return BuildCounter().Name(name).Help(help).Register(registry);
}

Family<Histogram>& histogram(Registry& registry, const char* name, const char* help) {
  return BuildHistogram().Name(name).Help(help).Register(registry);
}

// A commit is an fsync and what waits before it: milliseconds when all is well.
Histogram::BucketBoundaries commit_buckets() {
  return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5};
}
// Promised is a 99th percentile under 0.15 s, so that bound is one of them.
Histogram::BucketBoundaries alert_buckets() {
  return {0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 10};
}
Histogram::BucketBoundaries request_buckets() {
  return {0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 10};
}

void add(Family<Counter>& family, const prometheus::Labels& labels, uint64_t count) {
  if (count != 0) family.Add(labels).Increment(static_cast<double>(count));
}

// Names of PipelineCounts::kAgeBounds.
constexpr std::array kAges{"1h", "1d", "7d", "45d", "older"};
static_assert(kAges.size() == PipelineCounts::kAgeBounds.size() + 1);

// Outcomes of tocsin_events_total, and the dead letters that are events.
constexpr std::array kEventOutcomes{"accepted", "duplicate", "too_late", "future"};
constexpr std::array kRefusedEvents{"too_late", "future"};

constexpr std::array kActions{Action::kFire,   Action::kEscalate, Action::kDeescalate,
                              Action::kUpdate, Action::kResolve,  Action::kWithdraw};
constexpr std::array kDeliveries{Delivery::kDelivered, Delivery::kUnavailable, Delivery::kRefused};
constexpr std::array kSinkOutcomes{SinkOutcome::kDelivered, SinkOutcome::kRedacted,
                                   SinkOutcome::kWithheld,  SinkOutcome::kBelowLevel,
                                   SinkOutcome::kRefused,   SinkOutcome::kDigest};

const char* to_label(Delivery delivery) {
  switch (delivery) {
    case Delivery::kDelivered:
      return "delivered";
    case Delivery::kUnavailable:
      return "unavailable";
    case Delivery::kRefused:
      return "refused";
  }
  return "";
}

const char* to_label(SinkOutcome outcome) {
  switch (outcome) {
    case SinkOutcome::kDelivered:
      return "delivered";
    case SinkOutcome::kRedacted:
      return "redacted";
    case SinkOutcome::kWithheld:
      return "withheld";
    case SinkOutcome::kBelowLevel:
      return "below_level";
    case SinkOutcome::kDigest:
      return "digest";
    case SinkOutcome::kRefused:
      return "refused";
  }
  return "";
}

}  // namespace

struct Metrics::Families {
  Registry registry;
  Family<Counter>& records = counter(registry, "tocsin_records_total",
                                     "Records read from inputs, whatever became of them.");
  Family<Counter>& events =
      counter(registry, "tocsin_events_total",
              "Decoded events by source and outcome: accepted, duplicate, too_late, future.");
  Family<Counter>& corrections =
      counter(registry, "tocsin_corrections_total",
              "Accepted events that correct or retract an earlier one, by source.");
  Family<Counter>& revisions =
      counter(registry, "tocsin_revisions_total",
              "Times that what corrections and late events change was decided anew.");
  Family<Counter>& out_of_reach = counter(
      registry, "tocsin_revisions_out_of_reach_total",
      "Rules that a revision left as they were, since the journal no longer reaches back far "
      "enough.");
  Family<Counter>& late = counter(registry, "tocsin_late_events_total",
                                  "Accepted events behind their source's watermark, by source and "
                                  "how far: at most age, and more than the one before.");
  Family<Counter>& too_late =
      counter(registry, "tocsin_too_late_events_total",
              "Events behind their source's correction horizon, which are dead letters, by source "
              "and how far behind its watermark: at most age, and more than the one before.");
  Family<Counter>& dead_letters = counter(registry, "tocsin_dead_letters_total",
                                          "Records set aside as dead letters, by reason.");
  Family<Counter>& skipped = counter(registry, "tocsin_skipped_records_total",
                                     "Records that are meant to give no event, by reason.");
  Family<Counter>& transitions = counter(registry, "tocsin_alert_transitions_total",
                                         "Lines of the alert log, by action and level.");
  Family<Histogram>& commit_seconds = histogram(
      registry, "tocsin_commit_seconds", "Time that a commit to the store took, fsync included.");
  Counter& evaluation_seconds =
      counter(
          registry, "tocsin_evaluation_seconds_total",
          "Time spent on decoding input and judging it by all rules, measured by batch; commits "
          "are not in it.")
          .Add({});
  Family<Counter>& commit_failures =
      counter(registry, "tocsin_commit_failures_total", "Commits that the store refused.");
  Family<Counter>& checkpoints =
      counter(registry, "tocsin_checkpoints_total", "Commits that also saved the engine's state.");
  Family<Histogram>& event_to_alert =
      histogram(registry, "tocsin_event_to_alert_seconds",
                "From the arrival of an input to the durable alert transition that it made.");
  Family<Counter>& sink_attempts =
      counter(registry, "tocsin_sink_attempts_total",
              "Attempts to deliver to a sink by outcome: delivered, unavailable, refused.");
  Family<Histogram>& sink_seconds =
      histogram(registry, "tocsin_sink_attempt_seconds", "Time that an attempt to deliver took.");
  Family<Counter>& sink_transitions =
      counter(registry, "tocsin_sink_transitions_total",
              "Alert transitions by what became of them at a sink: delivered, redacted, withheld, "
              "below_level, digest, refused.");
  Family<Counter>& requests = counter(registry, "tocsin_http_requests_total",
                                      "HTTP requests answered, by route, method and status code.");
  Family<Histogram>& request_seconds = histogram(
      registry, "tocsin_http_request_seconds", "From a request that has come whole to its answer.");
  Family<Counter>& refused_connections = counter(
      registry, "tocsin_http_connections_refused_total",
      "Connections closed over what the other side did, by reason: limit, timeout, too_large, "
      "malformed; and times that none could be accepted: no_room.");
  Family<Counter>& clock_jumps =
      counter(registry, "tocsin_clock_jumps_total",
              "Times that the system's clock jumped by ten seconds or more.");
  Family<Counter>& standstills =
      counter(registry, "tocsin_standstills_total",
              "Times that the process did not run for ten seconds or more: it was stopped, or the "
              "machine had no time for it.");
  Family<Counter>& torn_writes =
      counter(registry, "tocsin_torn_writes_total",
              "Ends of files that a crash or a power cut left torn and that were cut off, by file: "
              "store, alert_log.");
  Family<Counter>& erased =
      counter(registry, "tocsin_erased_total",
              "What retention has erased because of its marking, by what: events, alerts.");
  Family<Counter>& backups =
      counter(registry, "tocsin_backups_total", "Backups by outcome: succeeded, failed.");
  Family<Gauge>& last_backup = BuildGauge()
                                   .Name("tocsin_backup_last_success_timestamp_seconds")
                                   .Help("When the last good backup was taken; 0: never.")
                                   .Register(registry);
  Gauge& connections = BuildGauge()
                           .Name("tocsin_http_connections")
                           .Help("Open HTTP connections.")
                           .Register(registry)
                           .Add({});
};

Metrics::Metrics(const Build& build) : families_(std::make_unique<Families>()) {
  Families& f = *families_;
  BuildGauge()
      .Name("tocsin_build_info")
      .Help("Always 1; its labels tell the version of the program and its libraries.")
      .Register(f.registry)
      .Add({{"version", build.version},
            {"rocksdb", build.rocksdb},
            {"librdkafka", build.librdkafka},
            {"boost", build.boost},
            {"tzdb", build.tzdb}})
      .Set(1);
  // Series exist from the start, so that the first increase is seen as one.
  f.records.Add({});
  f.commit_failures.Add({});
  f.checkpoints.Add({});
  f.commit_seconds.Add({}, commit_buckets());
  f.event_to_alert.Add({}, alert_buckets());
  f.clock_jumps.Add({});
  f.standstills.Add({});
  for (const char* file : {"store", "alert_log"}) f.torn_writes.Add({{"file", file}});
  f.revisions.Add({});
  f.out_of_reach.Add({});
  for (const char* what : {"events", "alerts"}) f.erased.Add({{"what", what}});
  for (const std::string_view reason : ingest::reasons::kRejections) {
    f.dead_letters.Add({{"reason", std::string(reason)}});
  }
  for (const char* reason : kRefusedEvents) f.dead_letters.Add({{"reason", reason}});
  for (const Action action : kActions) {
    for (const Level level : kAllLevels) {
      f.transitions.Add(
          {{"action", std::string(to_string(action))}, {"level", std::string(to_string(level))}});
    }
  }
  for (const char* reason : {"limit", "timeout", "too_large", "malformed", "no_room"}) {
    f.refused_connections.Add({{"reason", reason}});
  }
}

Metrics::~Metrics() = default;

void Metrics::expect_sources(const Catalogue& catalogue) {
  for (const Source& source : catalogue.sources()) {
    for (const char* outcome : kEventOutcomes) {
      families_->events.Add({{"source", source.name}, {"outcome", outcome}});
    }
    families_->corrections.Add({{"source", source.name}});
    for (const char* age : kAges) {
      families_->late.Add({{"source", source.name}, {"age", age}});
      families_->too_late.Add({{"source", source.name}, {"age", age}});
    }
  }
}

void Metrics::expect_sink(const std::string& sink) {
  for (const Delivery delivery : kDeliveries) {
    families_->sink_attempts.Add({{"sink", sink}, {"outcome", to_label(delivery)}});
  }
  for (const SinkOutcome outcome : kSinkOutcomes) {
    families_->sink_transitions.Add({{"sink", sink}, {"outcome", to_label(outcome)}});
  }
}

void Metrics::committed(const CommitReport& report, const Catalogue& catalogue) {
  Families& f = *families_;
  const PipelineCounts& counts = report.counts;
  add(f.records, {}, counts.records);
  for (size_t i = 0; i < counts.by_source.size() && i < catalogue.sources().size(); ++i) {
    const PipelineCounts::PerSource& source = counts.by_source[i];
    const std::string& name = catalogue.sources()[i].name;
    add(f.events, {{"source", name}, {"outcome", "accepted"}}, source.accepted);
    add(f.events, {{"source", name}, {"outcome", "duplicate"}}, source.duplicates);
    add(f.events, {{"source", name}, {"outcome", "too_late"}}, source.too_late);
    add(f.events, {{"source", name}, {"outcome", "future"}}, source.future);
    add(f.corrections, {{"source", name}}, source.corrections);
    for (size_t age = 0; age < kAges.size(); ++age) {
      add(f.late, {{"source", name}, {"age", kAges[age]}}, source.late_by_age[age]);
      add(f.too_late, {{"source", name}, {"age", kAges[age]}}, source.too_late_by_age[age]);
    }
  }
  for (const auto& [reason, count] : counts.dead_letters) {
    add(f.dead_letters, {{"reason", reason}}, count);
  }
  for (const auto& [reason, count] : counts.skipped) add(f.skipped, {{"reason", reason}}, count);
  add(f.revisions, {}, counts.revisions);
  add(f.out_of_reach, {}, counts.revisions_out_of_reach);
  for (const auto& [kind, count] : counts.transitions) {
    add(f.transitions,
        {{"action", std::string(to_string(kind.first))},
         {"level", std::string(to_string(kind.second))}},
        count);
  }
  f.commit_seconds.Add({}, commit_buckets()).Observe(report.commit_seconds);
  f.evaluation_seconds.Increment(report.evaluation_seconds);
  if (report.checkpoint) f.checkpoints.Add({}).Increment();
  Histogram& to_alert = f.event_to_alert.Add({}, alert_buckets());
  for (const double seconds : report.event_to_alert_seconds) to_alert.Observe(seconds);
}

void Metrics::commit_failed() { families_->commit_failures.Add({}).Increment(); }

void Metrics::delivery_attempted(const std::string& sink, Delivery delivery, double seconds) {
  families_->sink_attempts.Add({{"sink", sink}, {"outcome", to_label(delivery)}}).Increment();
  families_->sink_seconds.Add({{"sink", sink}}, request_buckets()).Observe(seconds);
}

void Metrics::sink_handled(const std::string& sink, SinkOutcome outcome, uint64_t transitions) {
  add(families_->sink_transitions, {{"sink", sink}, {"outcome", to_label(outcome)}}, transitions);
}

void Metrics::request_answered(std::string_view route, std::string_view method, int status,
                               double seconds) {
  const std::string path(route);
  families_->requests
      .Add({{"route", path}, {"method", std::string(method)}, {"code", std::to_string(status)}})
      .Increment();
  families_->request_seconds.Add({{"route", path}}, request_buckets()).Observe(seconds);
}

void Metrics::connections_open(size_t count) {
  families_->connections.Set(static_cast<double>(count));
}

void Metrics::connection_refused(std::string_view reason) {
  families_->refused_connections.Add({{"reason", std::string(reason)}}).Increment();
}

void Metrics::expect_backups(WallTime last) {
  for (const char* outcome : {"succeeded", "failed"})
    families_->backups.Add({{"outcome", outcome}});
  families_->last_backup.Add({}).Set(static_cast<double>(to_ms(last)) / 1000);
}

void Metrics::backup_ended(bool succeeded, WallTime now) {
  families_->backups.Add({{"outcome", succeeded ? "succeeded" : "failed"}}).Increment();
  if (succeeded) families_->last_backup.Add({}).Set(static_cast<double>(to_ms(now)) / 1000);
}

void Metrics::erased(const storage::Store::Erased& erased) {
  add(families_->erased, {{"what", "events"}}, erased.events);
  add(families_->erased, {{"what", "alerts"}}, erased.alerts);
}

void Metrics::clock_jumped() { families_->clock_jumps.Add({}).Increment(); }

void Metrics::stood_still() { families_->standstills.Add({}).Increment(); }

void Metrics::torn_write(std::string_view file) {
  families_->torn_writes.Add({{"file", std::string(file)}}).Increment();
}

std::string Metrics::scrape(const DaemonStatus& status) {
  std::vector<prometheus::MetricFamily> families = families_->registry.Collect();
  // A family of which nothing has been counted yet would be a name without a sample.
  std::erase_if(families, [](const auto& family) { return family.metric.empty(); });
  std::vector<prometheus::MetricFamily> asked = collect_status(status);
  families.insert(families.end(), std::make_move_iterator(asked.begin()),
                  std::make_move_iterator(asked.end()));
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families);
  return std::move(text).str();
}

}  // namespace tocsin::daemon
