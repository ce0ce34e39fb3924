#include "daemon/scrape.h"

#include <functional>
#include <string>
#include <utility>

#include "daemon/process_metrics.h"
#include "rules/engine.h"

namespace tocsin::daemon {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

double seconds(Milliseconds duration) { return static_cast<double>(duration.count()) / 1000.0; }
double timestamp(WallTime time) { return seconds(time.time_since_epoch()); }

template <typename Number>
double number(Number value) {
  return static_cast<double>(value);
}

// Families under construction.
class Collection {
 public:
  class Samples {
   public:
    explicit Samples(MetricFamily& family) : family_(family) {}
    void add(Labels labels, double value) {
      ClientMetric metric;
      metric.label = std::move(labels);
      (family_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
      family_.metric.push_back(std::move(metric));
    }

   private:
    MetricFamily& family_;
  };

  void gauge(const char* name, const char* help, const std::function<void(Samples&)>& fill) {
    family(name, help, MetricType::Gauge, fill);
  }
  void counter(const char* name, const char* help, const std::function<void(Samples&)>& fill) {
    family(name, help, MetricType::Counter, fill);
  }
  void gauge(const char* name, const char* help, double value) {
    gauge(name, help, [&](Samples& samples) { samples.add({}, value); });
  }
  std::vector<MetricFamily> take() { return std::move(families_); }

 private:
  void family(const char* name, const char* help, MetricType type,
              const std::function<void(Samples&)>& fill) {
    MetricFamily family;
    family.name = name;
    family.help = help;
    family.type = type;
    Samples samples(family);
    fill(samples);
    if (!family.metric.empty()) families_.push_back(std::move(family));
  }

  std::vector<MetricFamily> families_;
};

using Samples = Collection::Samples;

void add_time(Collection& to, const DaemonStatus& status) {
  const PipelineSnapshot& pipeline = *status.pipeline;
  to.gauge("tocsin_watermark_delay_seconds",
           "How far a source's watermark is behind the clock (history is far behind, and may be).",
           [&](Samples& samples) {
             for (const auto& source : pipeline.sources) {
               samples.add({{"source", source.name}}, seconds(status.now - source.watermark));
             }
           });
  to.gauge(
      "tocsin_source_last_arrival_timestamp_seconds",
      "When the last event of a source arrived, by the clock, also before a restart; where none "
      "has, or it is not known, when tocsin began to wait for it.",
      [&](Samples& samples) {
        for (const auto& source : pipeline.sources) {
          samples.add({{"source", source.name}},
                      timestamp(source.last_arrival.value_or(status.started)));
        }
        for (const std::string& source : never_seen(status)) {
          samples.add({{"source", source}}, timestamp(status.started));
        }
      });
  to.gauge("tocsin_source_newest_event_timestamp_seconds",
           "Time of the newest event of a source, by the source.", [&](Samples& samples) {
             for (const auto& source : pipeline.sources) {
               samples.add({{"source", source.name}}, timestamp(source.newest));
             }
           });
  to.gauge("tocsin_source_idle",
           "1 when a source has been silent for so long that it no longer holds windows back.",
           [&](Samples& samples) {
             for (const auto& source : pipeline.sources) {
               samples.add({{"source", source.name}}, source.idle ? 1 : 0);
             }
           });
}

// How long a silence of each source is nothing to be told of.
void add_expectations(Collection& to, const DaemonStatus& status) {
  const Catalogue& catalogue = *status.pipeline->bundle->catalogue;
  std::vector<const Source*> sources;
  for (const auto& seen : status.pipeline->sources) {
    if (const auto id = catalogue.find_source(seen.name)) sources.push_back(&catalogue.source(*id));
  }
  for (const std::string& name : never_seen(status)) {
    if (const auto id = catalogue.find_source(name)) sources.push_back(&catalogue.source(*id));
  }
  to.gauge("tocsin_source_expected_interval_seconds",
           "Expected distance of two events of a source (`cadence` in the catalogue); none for a "
           "source that reports irregularly.",
           [&](Samples& samples) {
             for (const Source* source : sources) {
               if (source->cadence.count() == 0) continue;
               samples.add({{"source", source->name}}, seconds(source->cadence));
             }
           });
  to.gauge("tocsin_source_idle_after_seconds",
           "Silence after which a source no longer holds windows back (`idle` in the catalogue).",
           [&](Samples& samples) {
             for (const Source* source : sources) {
               samples.add({{"source", source->name}}, seconds(source->idle));
             }
           });
}

void add_rule_counter(Collection& to, const PipelineSnapshot& pipeline, const char* name,
                      const char* help, uint64_t rules::RuleCounters::*member) {
  to.counter(name, help, [&](Samples& samples) {
    for (size_t i = 0; i < pipeline.rules.size() && i < pipeline.bundle->rules.size(); ++i) {
      samples.add({{"rule", pipeline.bundle->rules[i].id}}, number(pipeline.rules[i].*member));
    }
  });
}

void add_rule_gauge(Collection& to, const PipelineSnapshot& pipeline, const char* name,
                    const char* help, uint64_t rules::RuleCounters::*member) {
  to.gauge(name, help, [&](Samples& samples) {
    for (size_t i = 0; i < pipeline.rules.size() && i < pipeline.bundle->rules.size(); ++i) {
      samples.add({{"rule", pipeline.bundle->rules[i].id}}, number(pipeline.rules[i].*member));
    }
  });
}

void add_rules(Collection& to, const PipelineSnapshot& pipeline) {
  using rules::RuleCounters;
  to.gauge("tocsin_rules_info", "Always 1; its label is the hash of the rules in force.",
           [&](Samples& samples) {
             samples.add({{"hash", to_hex(pipeline.bundle->hash)}}, 1);
           });
  to.gauge("tocsin_rules_loaded", "Rules in force.", number(pipeline.bundle->rules.size()));
  add_rule_counter(to, pipeline, "tocsin_rule_selected_total", "Events that a rule's select took.",
                   &RuleCounters::selected);
  add_rule_counter(to, pipeline, "tocsin_rule_events_excepted_total",
                   "Events that an exception kept from a rule.", &RuleCounters::excepted);
  add_rule_counter(to, pipeline, "tocsin_rule_skipped_total",
                   "Selected events without the field that the rule measures.",
                   &RuleCounters::skipped);
  add_rule_counter(to, pipeline, "tocsin_rule_missing_key_total",
                   "Selected events without a group key.", &RuleCounters::missing_key);
  add_rule_counter(to, pipeline, "tocsin_rule_late_total",
                   "Events that came behind a rule's watermark.", &RuleCounters::late);
  add_rule_counter(to, pipeline, "tocsin_rule_overflow_total",
                   "What a rule refused at one of its limits: groups, open matches, terms.",
                   &RuleCounters::overflow);
  add_rule_counter(to, pipeline, "tocsin_rule_refused_events_total",
                   "Events of groups that a rule did not take at its limit.",
                   &RuleCounters::refused);
  add_rule_gauge(to, pipeline, "tocsin_rule_refused_groups",
                 "About how many groups the rule refused since its RuleOverflow alert began; 0 "
                 "when there is none.",
                 &RuleCounters::refused_groups);
  add_rule_counter(to, pipeline, "tocsin_rule_evaluations_total", "Evaluations of a rule.",
                   &RuleCounters::evaluations);
  add_rule_counter(to, pipeline, "tocsin_rule_evaluation_errors_total",
                   "Evaluations of a rule that ended in an error.",
                   &RuleCounters::evaluation_errors);
  add_rule_gauge(to, pipeline, "tocsin_rule_groups", "Groups that a rule keeps.",
                 &RuleCounters::groups);
  add_rule_gauge(to, pipeline, "tocsin_rule_warming_groups",
                 "Groups of a rule that have too little history yet.", &RuleCounters::warming);
  add_rule_gauge(to, pipeline, "tocsin_rule_state_bytes", "Memory that a rule's state takes.",
                 &RuleCounters::state_bytes);
  add_rule_gauge(to, pipeline, "tocsin_rule_cold_groups",
                 "Groups of a rule that lie idle and are kept on the disk alone.",
                 &RuleCounters::cold_groups);
  add_rule_counter(to, pipeline, "tocsin_rule_cold_reads_total",
                   "Times that such a group was needed and read back.", &RuleCounters::cold_reads);
}

std::string word_of(OpenAlerts::State state) {
  switch (state) {
    case OpenAlerts::State::kFiring:
      return "firing";
    case OpenAlerts::State::kStale:
      return "stale";
    case OpenAlerts::State::kError:
      return "error";
  }
  return {};
}

void add_alerts(Collection& to, const OpenAlerts& alerts) {
  to.gauge("tocsin_alerts",
           "Alerts that fire, by level, driver and state: firing, stale when input is missing, or "
           "error when their rule fails.",
           [&](Samples& samples) {
             for (const auto& [kind, count] : alerts.counts) {
               samples.add({{"level", std::string(to_string(kind.level))},
                            {"driver", std::string(to_string(kind.driver))},
                            {"state", word_of(kind.state)}},
                           number(count));
             }
           });
  to.gauge("tocsin_country_alert_level",
           "Highest level that fires in a country by driver: 0 none, 1 info, 2 watch, 3 warning, "
           "4 alert, 5 emergency.",
           [&](Samples& samples) {
             for (const auto& [where, level] : alerts.countries) {
               samples.add(
                   {{"country", where.first}, {"driver", std::string(to_string(where.second))}},
                   number(level));
             }
           });
}

void add_offsets(Collection& to, const DaemonStatus& status, const char* name, const char* help,
                 uint64_t ingest::SourceHealth::*member) {
  to.counter(name, help, [&](Samples& samples) {
    for (const InputStatus& input : status.inputs) {
      if (input.type == "kafka") samples.add({{"input", input.name}}, number(input.health.*member));
    }
  });
}

void add_inputs(Collection& to, const DaemonStatus& status) {
  to.gauge("tocsin_queue_bytes", "Input waiting for the pipeline.", number(status.queue_bytes));
  to.gauge("tocsin_queue_capacity_bytes", "Input that may wait before senders are told to.",
           number(status.queue_capacity_bytes));
  to.gauge("tocsin_intake_paused",
           "1 when no input is taken, by reason: disk when it is nearly full, store when that has "
           "failed and is being opened again.",
           [&](Samples& samples) {
             for (const char* reason : kPauseReasons) {
               samples.add({{"reason", reason}}, status.paused_by == reason ? 1 : 0);
             }
           });
  to.gauge("tocsin_input_up", "1 when an input is connected, or has been read whole.",
           [&](Samples& samples) {
             for (const InputStatus& input : status.inputs) {
               samples.add({{"input", input.name}},
                           input.health.connected || input.health.finished ? 1 : 0);
             }
           });
  to.gauge("tocsin_consumer_lag_records", "Records that an input has not read yet, by stream.",
           [&](Samples& samples) {
             for (const InputStatus& input : status.inputs) {
               for (const auto& [stream, lag] : input.health.lag_records) {
                 samples.add({{"input", input.name}, {"stream", stream}}, number(lag));
               }
             }
           });
  add_offsets(to, status, "tocsin_consumer_offset_gaps_total",
              "Offsets that a Kafka input jumped over: compaction, transaction markers, retention.",
              &ingest::SourceHealth::offset_gaps);
  add_offsets(
      to, status, "tocsin_consumer_offsets_backwards_total",
      "How often the offsets of a partition went back: its topic was made anew or cut short.",
      &ingest::SourceHealth::offsets_backwards);
}

void add_lag_seconds(Collection& to, const DaemonStatus& status) {
  to.gauge("tocsin_consumer_lag_seconds",
           "Age of the last record that an input has read, by stream; 0 when none waits.",
           [&](Samples& samples) {
             for (const InputStatus& input : status.inputs) {
               for (const auto& [stream, lag] : input.health.lag_seconds) {
                 samples.add({{"input", input.name}, {"stream", stream}}, lag);
               }
             }
           });
}

void add_outbox(Collection& to, const DaemonStatus& status) {
  to.gauge("tocsin_outbox_depth", "Alert transitions that a sink has still to take.",
           [&](Samples& samples) {
             for (const SinkStatus& sink : status.sinks) {
               samples.add({{"sink", sink.name}}, number(sink.depth));
             }
           });
  to.gauge(
      "tocsin_outbox_oldest_age_seconds",
      "Age of the oldest transition that a sink has still to take; 0 when none waits.",
      [&](Samples& samples) {
        for (const SinkStatus& sink : status.sinks) {
          samples.add({{"sink", sink.name}}, sink.oldest ? seconds(status.now - *sink.oldest) : 0);
        }
      });
}

void add_storage(Collection& to, const storage::StoreStatistics& store) {
  to.gauge("tocsin_journal_events", "Events that the journal holds.", number(store.journal_events));
  to.gauge("tocsin_alert_log_records", "Lines that the alert log holds.",
           number(store.alert_records));
  to.gauge("tocsin_dead_letters_stored", "Dead letters that wait for somebody.",
           number(store.dead_letters));
  to.counter("tocsin_dead_letters_dropped_total",
             "Dead letters that went because there were more than retention.dead_letters_max.",
             [&](Samples& samples) { samples.add({}, number(store.dead_letters_dropped)); });
  to.gauge("tocsin_data_disk_bytes", "Disk space that the data folder takes.",
           number(store.disk_bytes));
  to.gauge("tocsin_rocksdb_property", "Numbers that RocksDB tells of itself, by its own names.",
           [&](Samples& samples) {
             for (const auto& [property, value] : store.engine) {
               samples.add({{"property", property}}, value);
             }
           });
}

void add_disk(Collection& to, const DiskSpace::Reading& disk) {
  to.gauge("tocsin_disk_free_bytes", "Space that is free on the disk of the data folder.",
           number(disk.free));
  to.gauge("tocsin_disk_min_free_bytes", "With less free than this no input is taken.",
           number(disk.floor));
}

void add_process(Collection& to) {
  const auto process = read_process_metrics();
  if (!process) return;
  to.counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
             [&](Samples& samples) { samples.add({}, process->cpu_seconds); });
  to.gauge("process_open_fds", "Number of open file descriptors.", number(process->open_fds));
  to.gauge("process_max_fds", "Maximum number of open file descriptors.", number(process->max_fds));
  to.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.",
           number(process->virtual_memory_bytes));
  to.gauge("process_virtual_memory_max_bytes",
           "Maximum amount of virtual memory available in bytes.",
           process->virtual_memory_max_bytes);
  to.gauge("process_resident_memory_bytes", "Resident memory size in bytes.",
           number(process->resident_memory_bytes));
  to.gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
           process->start_time_seconds);
}

}  // namespace

std::vector<MetricFamily> collect_status(const DaemonStatus& status) {
  Collection to;
  to.gauge("tocsin_ready", "1 when nothing is missing for work.", status.missing.empty() ? 1 : 0);
  if (status.pipeline) {
    add_time(to, status);
    if (status.pipeline->bundle) {
      add_expectations(to, status);
      add_rules(to, *status.pipeline);
    }
    to.gauge("tocsin_state_bytes", "Memory that the state of all rules takes.",
             number(status.pipeline->state_bytes));
    to.gauge("tocsin_state_resident_bytes",
             "Of tocsin_state_bytes, what is in memory: the rest is of groups that lie idle.",
             number(status.pipeline->resident_bytes));
    to.gauge("tocsin_seen_ids", "Event ids kept in memory to know duplicates.",
             number(status.pipeline->seen_ids));
    to.gauge("tocsin_unrevised_events",
             "Corrections and late events whose effect on alerts is still to be decided.",
             number(status.pipeline->unrevised));
  }
  if (status.alerts) add_alerts(to, *status.alerts);
  add_inputs(to, status);
  add_lag_seconds(to, status);
  add_outbox(to, status);
  to.gauge("tocsin_store_up", "1 when the store is open; 0 when it has failed, and is tried again.",
           status.store ? 1 : 0);
  to.counter("tocsin_store_reopened_total", "Times that a failed store was opened again.",
             [&](Samples& samples) { samples.add({}, number(status.store_reopened)); });
  if (status.store) add_storage(to, *status.store);
  if (status.disk) add_disk(to, *status.disk);
  to.gauge("tocsin_config_last_reload_successful", "1 when the last load of the rules succeeded.",
           status.reload.successful ? 1 : 0);
  to.gauge("tocsin_config_last_reload_success_timestamp_seconds",
           "When rules were last loaded successfully.", timestamp(status.reload.last_success));
  add_process(to);
  return to.take();
}

}  // namespace tocsin::daemon
