#include "daemon/station.h"

#include <fmt/format.h>

#include <random>
#include <utility>

#include "daemon/alert_fields.h"
#include "daemon/inputs.h"
#include "daemon/sinks.h"
#include "daemon/stored_rules.h"
#include "rules/load/rule_loader.h"

namespace tocsin::daemon {
namespace {

WallTime wall_now() { return std::chrono::floor<Milliseconds>(std::chrono::system_clock::now()); }

LoopOptions loop_options(const Config& config) {
  LoopOptions options;
  options.commit_interval = config.commit_interval;
  options.commit_max_events = config.commit_max_events;
  options.checkpoint_interval = config.checkpoint_interval;
  options.heartbeat_interval = config.heartbeat_interval;
  options.retention = config.retention;
  options.erasure.journal = config.journal_by_marking;
  options.erasure.closed_alerts = config.closed_alerts_by_marking;
  options.erasure.marking_of = [](std::string_view json) {
    const auto fields = read_alert_fields(json);
    return fields ? fields->tlp : Tlp::kRed;
  };
  return options;
}

Error because(std::string_view what, const Error& error) {
  return {error.code, fmt::format("{}: {}", what, error.message)};
}

}  // namespace

Station::Station(StationSurroundings surroundings)
    : around_(std::move(surroundings)),
      queue_(around_.config.queue_bytes),
      input_watch_(around_.log) {}

Station::~Station() { stop(Milliseconds(0)); }

Result<std::unique_ptr<Station>> Station::open(StationSurroundings surroundings,
                                               const std::string& instance) {
  std::unique_ptr<Station> station(new Station(std::move(surroundings)));
  if (Status status = station->open_store(instance); !status) return status.error();
  return station;
}

Status Station::open_store(const std::string& instance) {
  const Config& config = around_.config;
  auto store =
      around_.open_store({.path = config.data_dir,
                          .durability = config.durability,
                          .dead_letters_max = config.dead_letters_max,
                          .must_exist = !instance.empty(),
                          .tell =
                              [&log = around_.log](const std::string& line) {
                                log.warn_seldom("RocksDB says", {{"of", "store"}, {"line", line}});
                              },
                          .on_torn = [this](const storage::TornLog& log) { tell_torn_log(log); }});
  if (!store) return because("the data folder cannot be opened", store.error());
  store_ = std::move(*store);
  store_->set_catalogue(around_.rules.present().bundle->catalogue);
  open_alerts_ = std::make_unique<OpenAlertsReader>(*store_, config.http.tlp_ceiling);
  const Result<SealedIds> ids = SealedIds::of(*store_);
  if (!ids) return because("the data folder has no key for ids", ids.error());
  ids_ = *ids;
  if (!config.backup.path.empty()) {
    backups_ = std::make_unique<Backups>(
        Backups::Options{.folder = config.backup.path, .keep = config.backup.keep}, *store_,
        around_.metrics, around_.log);
  }
  return name_folder(instance);
}

Status Station::name_folder(const std::string& instance) {
  const auto name = store_->meta("instance");
  if (!name) return because("the data folder cannot be read", name.error());
  instance_ = name->value_or("");
  if (!instance.empty() && instance_ != instance) {
    return unavailable("the data folder is another one than before; is its disk mounted?");
  }
  if (!instance_.empty()) return Status::ok();
  std::random_device random;
  instance_ = fmt::format("{:08x}{:08x}", random(), random());
  Status status = store_->put_meta("instance", instance_);
  return status ? status : because("the data folder cannot be named", status.error());
}

Status Station::start(std::function<void(const Error&)> on_failure) {
  if (Status status = declare_sinks(); !status) {
    return because("the sinks cannot be declared", status.error());
  }
  start_mirrors();
  if (Status status = recover(); !status) return because("recovery failed", status.error());
  if (around_.is_stopping()) return unavailable("told to stop");
  start_other_sinks();
  start_pipeline(std::move(on_failure));
  if (Status status = start_inputs(); !status) return status;
  wait_for({});
  has_started_ = true;
  return Status::ok();
}

Status Station::recover() {
  wait_for("recovery of state from the journal");
  const RulesInForce::Rules rules = around_.rules.present();
  const Config& config = around_.config;
  pipeline_ =
      std::make_unique<Pipeline>(*store_, rules.bundle, rules.text,
                                 PipelineOptions{.emit = config.emit,
                                                 .shards = config.shards,
                                                 .future_tolerance = config.future_tolerance,
                                                 .revision_share = config.revision_share,
                                                 .state_memory = config.state_memory,
                                                 .is_stopping = around_.is_stopping});
  std::string warning;
  const auto begin = std::chrono::steady_clock::now();
  Status status = pipeline_->recover(
      compile_stored,
      [this](uint64_t done, uint64_t of) {
        wait_for(fmt::format("recovery: {} of {} journal records", done, of));
        return !around_.is_stopping();
      },
      warning, wall_now());
  if (status) status = pipeline_->commit(wall_now(), /*checkpoint=*/true);
  if (!warning.empty()) around_.log.warn("recovery", {{"warning", warning}});
  if (!status) return status;
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  around_.log.info("recovered", {{"journal", std::to_string(store_->last_seq())},
                                 {"seconds", fmt::format("{:.3f}", seconds.count())}});
  return Status::ok();
}

Status Station::declare_sinks() {
  std::vector<std::string> names;
  for (const SinkConfig& sink : around_.config.sinks) names.push_back(sink.name);
  if (Status status = store_->declare_sinks(names); !status) return status;
  notifier_ = std::make_unique<Notifier>(*store_);
  return Status::ok();
}

// A recovery may take longer than what fires there lasts. They need nothing of it: what it tells
// comes through the outbox as all else.
void Station::start_mirrors() {
  for (const SinkConfig& config : around_.config.sinks) {
    if (is_mirror(config)) start_sink(config);
  }
}

// Behind the recovery: only then it is known how long we were away, and that all is well.
void Station::start_other_sinks() {
  notifier_->wake();
  for (const SinkConfig& config : around_.config.sinks) {
    if (!is_mirror(config)) start_sink(config);
  }
}

void Station::start_sink(const SinkConfig& config) {
  ChannelOptions options;
  options.filter = filter_options(config);
  options.ids = ids_;
  options.heartbeat_interval = config.heartbeat_interval;
  options.instance = instance_;
  options.is_judging = [this] { return is_judging(); };
  options.seed = std::random_device{}();
  const bool takes_digests =
      config.type == SinkConfig::Type::kWebhook || config.type == SinkConfig::Type::kKafka;
  if (takes_digests) options.downtime = downtime();
  std::shared_ptr<NotificationSink> sink =
      make_sink(config, {.store = *store_,
                         .ids = ids_,
                         .instance = instance_,
                         .is_judging = [this] { return is_judging(); },
                         .mirrors = around_.mirrors,
                         .metrics = around_.metrics,
                         .log = around_.log});
  notifier_->add(std::make_unique<SinkChannel>(*store_, std::move(sink), options, around_.metrics,
                                               around_.log));
}

std::optional<Downtime> Station::downtime() const {
  const auto from = pipeline_->listened_before();
  const Milliseconds digest_after = around_.config.digest_after;
  const bool is_told = from && digest_after.count() != 0 && wall_now() - *from >= digest_after;
  return is_told ? std::optional(Downtime{*from, wall_now()}) : std::nullopt;
}

void Station::start_pipeline(std::function<void(const Error&)> on_failure) {
  PipelineLoop::Callbacks callbacks;
  // Sources stay: another catalogue needs a restart.
  callbacks.on_commit = [this,
                         catalogue = pipeline_->bundle().catalogue](const CommitReport& report) {
    around_.metrics.committed(report, *catalogue);
    tell_dead_letters(report.counts);
  };
  callbacks.on_alerts = [this] { notifier_->wake(); };
  callbacks.on_failure = [this, tell = std::move(on_failure)](const Error& error) {
    is_running_ = false;
    tell(error);
  };
  callbacks.has_room = [this] { return has_room(); };
  callbacks.on_clock_jump = [this](Milliseconds jump) { tell_clock_jump(jump); };
  callbacks.on_standstill = [this](Milliseconds duration) { tell_standstill(duration); };
  callbacks.on_look = [this] {
    if (!has_started_ || !is_running_) return;
    for (const auto& input : inputs_) input_watch_.look(input->name(), input->health());
  };
  callbacks.on_end_of_stream = [this](const std::string& stream) {
    around_.log.info("input read whole", {{"stream", stream}});
  };
  purger_ = std::make_unique<Purger>(*store_, around_.log);
  callbacks.on_erased = [this](const storage::Store::Erased& erased) {
    around_.metrics.erased(erased);
    purger_->erased(erased);
  };
  loop_ = std::make_unique<PipelineLoop>(*pipeline_, *store_, queue_, loop_options(around_.config),
                                         std::move(callbacks));
  loop_->start();
  is_running_ = true;
}

Status Station::start_inputs() {
  for (const InputConfig& config : around_.config.inputs) {
    const std::string what = fmt::format("input {} cannot start", config.name);
    auto input = make_input(config, around_.symbols, instance_);
    if (!input) return because(what, input.error());
    const Status status = input->reader->start(
        queue_, [this](std::string_view stream) { return store_->position(stream); });
    // A file that is gone is told in its health; it holds nothing else back.
    if (!status && status.error().code != ErrorCode::kNotFound) {
      return because(what, status.error());
    }
    input_watch_.look(config.name, input->reader->health());
    inputs_.push_back(std::move(input->reader));
    if (!input->source.empty()) awaited_sources_.push_back(std::move(input->source));
  }
  return Status::ok();
}

bool Station::has_room() {
  const std::optional<DiskSpace::Reading> before = around_.disk.last();
  const DiskSpace::Reading now = around_.disk.look();
  if (now.is_low == (before && before->is_low)) return !now.is_low;
  if (now.is_low) {
    around_.log.error("no input is taken",
                      {{"reason", describe(now)},
                       {"hint",
                        "make room on it, make it larger, or shorten `retention`; what was "
                        "acknowledged is safe, and input goes on by itself"}});
  } else {
    around_.log.info("input is taken again", {{"free_bytes", std::to_string(now.free)}});
  }
  return !now.is_low;
}

// First the queue, so that nothing new comes and no input waits for room in it; then what is queued
// is judged and committed; last the sinks, which get what is left in the outbox: what fires in a
// mirror must not end because a backup ends slowly.
void Station::stop(Milliseconds for_sinks) {
  is_running_ = false;
  queue_.close();
  for (const auto& input : inputs_) input->stop();
  if (loop_) loop_->stop();
  if (purger_) purger_->stop();
  if (backups_) backups_->stop();
  if (notifier_) notifier_->stop(for_sinks);
}

void Station::post(std::function<void(Pipeline*)> work) {
  if (!loop_) return work(nullptr);
  loop_->post(std::move(work));
}

http::Backend::Taken Station::push(ingest::RawBatch& batch) {
  using Taken = http::Backend::Taken;
  if (!is_running_) return Taken::kPaused;
  const size_t weight = batch.size;
  if (queue_.try_push(batch, weight)) return Taken::kYes;
  return queue_.paused() || queue_.closed() ? Taken::kPaused : Taken::kFull;
}

void Station::add_to(DaemonStatus& status) {
  if (is_running_) status.pipeline = loop_->snapshot();
  status.queue_bytes = queue_.weight();
  if (has_started_) {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const bool is_kafka = around_.config.inputs[i].type == InputConfig::Type::kKafka;
      status.inputs.push_back({.name = inputs_[i]->name(),
                               .type = is_kafka ? "kafka" : "file",
                               .health = inputs_[i]->health()});
    }
    status.sinks = notifier_->status();
    status.awaited_sources = awaited_sources_;
  }
  status.store = store_->statistics();
  status.alerts = open_alerts_->read();
}

std::vector<std::string> Station::missing() const {
  {
    const std::scoped_lock lock(mutex_);
    if (!waiting_for_.empty()) return {waiting_for_};
  }
  std::vector<std::string> missing;
  if (!is_running_) missing.emplace_back("stopping");
  for (const auto& input : inputs_) {
    const ingest::SourceHealth health = input->health();
    // What failed for good is told by status and metrics: to wait for it would be for ever.
    if (!health.connected && !health.finished && !health.failed) {
      missing.push_back(fmt::format("input {}: {}", input->name(),
                                    health.message.empty() ? "not connected" : health.message));
    }
  }
  return missing;
}

void Station::wait_for(std::string what) {
  const std::scoped_lock lock(mutex_);
  waiting_for_ = std::move(what);
}

}  // namespace tocsin::daemon
