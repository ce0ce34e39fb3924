#include "daemon/daemon_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "rules/model/json_text.h"

namespace tocsin::daemon {
namespace {

// A JSON object or array under construction: keeps the commas.
class Json {
 public:
  explicit Json(std::string& to) : to_(to) {}

  template <typename Write>
  void item(const Write& write) {
    comma();
    write();
  }
  void text(std::string_view key, std::string_view value) {
    name(key);
    append_json_string(to_, value);
  }
  template <typename Number>
  void number(std::string_view key, Number value) {
    name(key);
    fmt::format_to(std::back_inserter(to_), "{}", value);
  }
  void time(std::string_view key, EventTime value) { text(key, format_time(value)); }
  void name(std::string_view key) {
    comma();
    append_json_string(to_, key);
    to_ += ':';
  }
  template <typename Write>
  void object(std::string_view key, const Write& write) {
    name(key);
    enclosed('{', '}', write);
  }
  template <typename Write>
  void list(std::string_view key, const Write& write) {
    name(key);
    enclosed('[', ']', write);
  }
  template <typename Write>
  void enclosed(char open, char close, const Write& write) {
    to_ += open;
    write();
    to_ += close;
  }
  void object_item(const auto& write) {
    comma();
    enclosed('{', '}', write);
  }
  void text_item(std::string_view value) {
    comma();
    append_json_string(to_, value);
  }

 private:
  void comma() {
    if (!to_.empty() && to_.back() != '{' && to_.back() != '[') to_ += ',';
  }
  std::string& to_;
};

double seconds(Milliseconds duration) { return static_cast<double>(duration.count()) / 1000.0; }

void write_pipeline(Json& json, const DaemonStatus& status) {
  const PipelineSnapshot& pipeline = *status.pipeline;
  json.number("last_seq", pipeline.last_seq);
  if (pipeline.watermark > kMinEventTime) json.time("watermark", pipeline.watermark);
  json.list("sources", [&] {
    for (const PipelineSnapshot::SourceTime& source : pipeline.sources) {
      json.object_item([&] {
        json.text("name", source.name);
        json.time("watermark", source.watermark);
        json.number("watermark_delay_seconds", seconds(status.now - source.watermark));
        json.time("newest_event", source.newest);
        if (source.last_arrival) json.time("last_arrival", *source.last_arrival);
        json.number("idle", source.idle);
      });
    }
  });
  json.list("never_seen", [&] {
    for (const std::string& source : never_seen(status)) json.text_item(source);
  });
  json.object("engine", [&] {
    json.number("state_bytes", pipeline.state_bytes);
    json.number("resident_bytes", pipeline.resident_bytes);
    json.number("seen_ids", pipeline.seen_ids);
  });
}

void write_inputs(Json& json, const DaemonStatus& status) {
  json.list("inputs", [&] {
    for (const InputStatus& input : status.inputs) {
      json.object_item([&] {
        json.text("name", input.name);
        json.text("type", input.type);
        json.number("connected", input.health.connected);
        json.number("finished", input.health.finished);
        json.number("failed", input.health.failed);
        json.text("message", input.health.message);
        json.object("lag_records", [&] {
          for (const auto& [stream, lag] : input.health.lag_records) json.number(stream, lag);
        });
      });
    }
  });
}

void write_sinks(Json& json, const DaemonStatus& status) {
  json.list("sinks", [&] {
    for (const SinkStatus& sink : status.sinks) {
      json.object_item([&] {
        json.text("name", sink.name);
        json.number("waiting", sink.depth);
        if (sink.oldest) json.number("oldest_seconds", seconds(status.now - *sink.oldest));
        json.number("failures", sink.failures);
        json.text("problem", sink.problem);
      });
    }
  });
}

void write_rules(Json& json, const DaemonStatus& status) {
  json.object("rules", [&] {
    if (status.pipeline && status.pipeline->bundle) {
      json.number("loaded", status.pipeline->bundle->rules.size());
      json.text("bundle", to_hex(status.pipeline->bundle->hash));
    }
    json.number("last_reload_successful", status.reload.successful);
    json.time("last_reload_success", status.reload.last_success);
    json.list("diagnostics", [&] {
      for (const std::string& diagnostic : status.reload.diagnostics) json.text_item(diagnostic);
    });
  });
}

}  // namespace

std::vector<std::string> never_seen(const DaemonStatus& status) {
  std::vector<std::string> names = status.awaited_sources;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::erase_if(names, [&](const std::string& name) {
    return std::any_of(status.pipeline->sources.begin(), status.pipeline->sources.end(),
                       [&](const auto& seen) { return seen.name == name; });
  });
  return names;
}

std::string write_status(const DaemonStatus& status) {
  std::string to = "{";
  Json json(to);
  json.text("version", status.version);
  json.time("started", status.started);
  json.number("uptime_seconds", seconds(status.now - status.started));
  json.number("ready", status.missing.empty());
  json.list("missing", [&] {
    for (const std::string& each : status.missing) json.text_item(each);
  });
  if (status.alerts) {
    json.object("alerts", [&] {
      json.number("open", status.alerts->total);
      json.number("withheld", status.alerts->withheld);
    });
  }
  if (status.pipeline) write_pipeline(json, status);
  json.object("queue", [&] {
    json.number("bytes", status.queue_bytes);
    json.number("capacity_bytes", status.queue_capacity_bytes);
    json.text("paused_by", status.paused_by);
  });
  write_inputs(json, status);
  write_sinks(json, status);
  write_rules(json, status);
  json.object("store", [&] {
    json.number("up", status.store.has_value());
    json.number("reopened", status.store_reopened);
    if (!status.store) return;
    json.number("journal_events", status.store->journal_events);
    json.number("alert_records", status.store->alert_records);
    json.number("dead_letters", status.store->dead_letters);
    json.number("disk_bytes", status.store->disk_bytes);
  });
  if (status.disk) {
    json.object("disk", [&] {
      json.number("free_bytes", status.disk->free);
      json.number("min_free_bytes", status.disk->floor);
    });
  }
  to += '}';
  return to;
}

}  // namespace tocsin::daemon
