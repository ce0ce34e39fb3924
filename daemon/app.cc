#include "daemon/app.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <span>

#include "daemon/commands/commands.h"
#include "daemon/inputs.h"
#include "daemon/signals.h"
#include "daemon/sinks.h"
#include "daemon/version.h"
#include "rules/load/rule_loader.h"
#include "storage/rocksdb_store.h"

namespace tocsin::daemon {
namespace {

WallTime wall_now() { return std::chrono::floor<Milliseconds>(std::chrono::system_clock::now()); }

std::shared_ptr<const rules::Bundle> compile_stored(const std::string& serialized) {
  const auto text = rules::parse_bundle_text(serialized);
  Diagnostics diagnostics;
  return text ? rules::load_bundle(*text, diagnostics) : nullptr;
}

LoopOptions loop_options(const Config& config) {
  LoopOptions options;
  options.commit_interval = config.commit_interval;
  options.commit_max_events = config.commit_max_events;
  options.checkpoint_interval = config.checkpoint_interval;
  options.heartbeat_interval = config.heartbeat_interval;
  options.retention = config.retention;
  return options;
}

int exit_code_of(const Error& error) {
  return error.code == ErrorCode::kInvalid ? kUsage : kEnvironment;
}

}  // namespace

App::App(Config config, Log& log)
    : config_(std::move(config)),
      log_(log),
      started_(wall_now()),
      metrics_({.version = version(),
                .rocksdb = rocksdb_version(),
                .librdkafka = librdkafka_version(),
                .boost = boost_version()}),
      disk_(disk_of(config_.data_dir), config_.min_free_disk),
      queue_(config_.queue_bytes) {}

App::~App() = default;

int App::run() {
  pthread_setname_np(pthread_self(), "tocsin");
  std::signal(SIGPIPE, SIG_IGN);
  const Signals signals({
      .on_stop =
          [this](int number) {
            log_.info("stopping", {{"signal", number == SIGINT ? "SIGINT" : "SIGTERM"}});
            stop_requested_ = true;
            main_.stop();
          },
      .on_hangup =
          [this] {
            boost::asio::post(main_, [this] { reload_rules([](const ReloadReport&) {}); });
          },
  });
  log_.info("starting", {{"version", version()}, {"config", config_.path}});
  exit_code_ = start();
  if (exit_code_ == kDone && !stop_requested_) {
    const auto until_stopped = boost::asio::make_work_guard(main_);
    main_.run();
  }
  stop();
  log_.info("stopped", {{"exit_code", std::to_string(exit_code_)}});
  return exit_code_;
}

int App::start() {
  for (const auto step : {&App::load_rules, &App::open_store, &App::start_http, &App::recover,
                          &App::start_notifier, &App::start_pipeline, &App::start_inputs}) {
    const int code = (this->*step)();
    if (code != kDone || stop_requested_) return code;
  }
  {
    const std::scoped_lock lock(mutex_);
    waiting_for_.clear();
  }
  has_started_ = true;
  log_.info("ready",
            {{"rules", std::to_string(bundle_->rules.size())}, {"data_dir", config_.data_dir}});
  return kDone;
}

int App::load_rules() {
  Diagnostics diagnostics;
  const auto [text, bundle] = rules::read_bundle(config_.bundle, diagnostics, wall_now());
  bundle_ = bundle;
  std::vector<std::string> told;
  for (const Diagnostic& d : diagnostics.sorted()) {
    told.push_back(to_text(d));
    if (d.severity == Severity::kError) fmt::print(stderr, "{}\n", to_text(d));
  }
  remember_reload(bundle_ != nullptr, told);
  if (!bundle_) {
    log_.error("the rules do not load; `tocsin check` tells the same",
               {{"errors", std::to_string(diagnostics.errors())}});
    return kUsage;
  }
  bundle_text_ = rules::serialize(text);
  symbols_ = std::make_shared<ingest::CurrentSymbols>(bundle_->catalogue);
  present_bundle_ = bundle_;
  metrics_.expect_sources(*bundle_->catalogue);
  return kDone;
}

int App::open_store() {
  auto store = storage::open_rocksdb_store(
      {.path = config_.data_dir,
       .durability = config_.durability,
       .dead_letters_max = config_.dead_letters_max,
       .tell = [this](const std::string& line) {
         log_.warn_seldom("RocksDB says", {{"of", "store"}, {"line", line}});
       }});
  if (!store) {
    log_.error("the data folder cannot be opened", {{"error", store.error().message}});
    return kEnvironment;  // also when another daemon holds it: a restart may find it free
  }
  store_ = std::move(*store);
  store_->set_catalogue(bundle_->catalogue);
  open_alerts_ = std::make_unique<OpenAlertsReader>(*store_, config_.http.tlp_ceiling);
  const Result<SealedIds> ids = SealedIds::of(*store_);
  if (!ids) {
    log_.error("the data folder has no key for ids", {{"error", ids.error().message}});
    return kEnvironment;
  }
  ids_ = *ids;
  const auto instance = store_->meta("instance");
  if (!instance) {
    log_.error("the data folder cannot be read", {{"error", instance.error().message}});
    return kEnvironment;
  }
  instance_ = instance->value_or("");
  if (!instance_.empty()) return kDone;
  std::random_device random;
  instance_ = fmt::format("{:08x}{:08x}", random(), random());
  if (Status status = store_->put_meta("instance", instance_); !status) {
    log_.error("the data folder cannot be named", {{"error", status.error().message}});
    return kEnvironment;
  }
  return kDone;
}

int App::start_http() {
  http::Api::Options access;
  access.access.loopback = is_loopback(config_.http.address);
  access.decompressed_bytes = config_.http.decompressed_bytes;
  access.body_records = config_.http.body_records;
  access.tlp_ceiling = config_.http.tlp_ceiling;
  access.ids = ids_;
  if (!config_.http.tokens_file.empty()) {
    Result<std::vector<std::string>> tokens = http::read_tokens(config_.http.tokens_file);
    if (!tokens) {
      log_.error("the tokens cannot be read", {{"error", tokens.error().message}});
      return exit_code_of(tokens.error());
    }
    access.access.tokens = std::move(*tokens);
  }
  http::Backend& backend = *this;
  api_ = std::make_unique<http::Api>(std::move(access), backend, metrics_);
  http::ServerOptions options;
  options.address = config_.http.address;
  options.port = config_.http.port;
  options.body_bytes = config_.http.body_bytes;
  options.connections = config_.http.connections;
  server_ = std::make_unique<http::Server>(options, *api_, *api_);
  const Result<uint16_t> port = server_->start();
  if (!port) {
    log_.error("cannot listen", {{"error", port.error().message}});
    return exit_code_of(port.error());
  }
  log_.info("listening", {{"address", config_.http.address}, {"port", std::to_string(*port)}});
  write_port_file(*port);
  return kDone;
}

void App::write_port_file(uint16_t port) {
  const std::filesystem::path path = std::filesystem::path(config_.data_dir) / "port";
  const std::filesystem::path fresh = path.string() + ".new";
  std::ofstream(fresh) << port << '\n';
  std::error_code error;
  std::filesystem::rename(fresh, path, error);  // whole or not at all, for whoever waits for it
  if (error) log_.warn("cannot write the port file", {{"error", error.message()}});
  wrote_port_file_ = !error;
}

int App::recover() {
  {
    const std::scoped_lock lock(mutex_);
    waiting_for_ = "recovery of state from the journal";
  }
  pipeline_ =
      std::make_unique<Pipeline>(*store_, bundle_, bundle_text_,
                                 PipelineOptions{.emit = config_.emit,
                                                 .shards = config_.shards,
                                                 .future_tolerance = config_.future_tolerance});
  std::string warning;
  const auto begin = std::chrono::steady_clock::now();
  Status status = pipeline_->recover(
      compile_stored,
      [this](uint64_t done, uint64_t of) {
        const std::scoped_lock lock(mutex_);
        waiting_for_ = fmt::format("recovery: {} of {} journal records", done, of);
        return !stop_requested_;
      },
      warning);
  if (!status && stop_requested_) return kDone;  // nothing was changed; the next start recovers
  if (status) status = pipeline_->commit(wall_now(), /*checkpoint=*/true);
  if (!warning.empty()) log_.warn("recovery", {{"warning", warning}});
  if (!status) {
    log_.error("recovery failed", {{"error", status.error().message}});
    return kEnvironment;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  log_.info("recovered", {{"journal", std::to_string(store_->last_seq())},
                          {"seconds", fmt::format("{:.3f}", seconds.count())}});
  return kDone;
}

int App::start_notifier() {
  std::vector<std::string> names;
  for (const SinkConfig& sink : config_.sinks) names.push_back(sink.name);
  if (Status status = store_->declare_sinks(names); !status) {
    log_.error("cannot declare the sinks", {{"error", status.error().message}});
    return kEnvironment;
  }
  notifier_ = std::make_unique<Notifier>(*store_);
  for (const SinkConfig& config : config_.sinks) {
    std::unique_ptr<NotificationSink> sink = make_sink(
        config, {.store = *store_,
                 .ids = ids_,
                 .instance = instance_,
                 .levels_of = [this](const std::string& rule) { return levels_of(rule); }});
    ChannelOptions options;
    options.filter = filter_options(config);
    options.ids = ids_;
    options.heartbeat_interval = config.heartbeat_interval;
    options.instance = instance_;
    options.seed = std::random_device{}();
    notifier_->add(
        std::make_unique<SinkChannel>(*store_, std::move(sink), options, metrics_, log_));
  }
  notifier_->start();
  return kDone;
}

std::vector<Level> App::levels_of(const std::string& rule) {
  std::shared_ptr<const rules::Bundle> bundle;
  {
    const std::scoped_lock lock(mutex_);
    bundle = present_bundle_;
  }
  std::vector<Level> levels;
  const auto found =
      std::lower_bound(bundle->rules.begin(), bundle->rules.end(), rule,
                       [](const rules::Rule& r, const std::string& id) { return r.id < id; });
  if (found == bundle->rules.end() || found->id != rule) return levels;
  for (const rules::LevelSpec& spec : found->levels) levels.push_back(spec.level);
  return levels;
}

int App::start_pipeline() {
  PipelineLoop::Callbacks callbacks;
  callbacks.on_commit = [this](const CommitReport& report) { on_commit(report); };
  callbacks.on_alerts = [this] { notifier_->wake(); };
  callbacks.on_failure = [this](const Error& error) {
    boost::asio::post(main_, [this, error] { fail(error); });
  };
  callbacks.has_room = [this] { return has_room(); };
  callbacks.on_end_of_stream = [this](const std::string& stream) {
    log_.info("input read whole", {{"stream", stream}});
  };
  loop_ = std::make_unique<PipelineLoop>(*pipeline_, *store_, queue_, loop_options(config_),
                                         std::move(callbacks));
  loop_->start();
  is_running_ = true;
  return kDone;
}

int App::start_inputs() {
  for (const InputConfig& config : config_.inputs) {
    auto input = make_input(config, symbols_, instance_);
    if (!input) {
      log_.error("an input cannot start",
                 {{"input", config.name}, {"error", input.error().message}});
      return exit_code_of(input.error());
    }
    const Status status = input->reader->start(
        queue_, [this](std::string_view stream) { return store_->position(stream); });
    if (!status) {
      log_.error("an input cannot start",
                 {{"input", config.name}, {"error", status.error().message}});
      // A file that is gone is told in its health; it holds nothing else back.
      if (status.error().code != ErrorCode::kNotFound) return exit_code_of(status.error());
    }
    inputs_.push_back(std::move(input->reader));
    if (!input->source.empty()) awaited_sources_.push_back(std::move(input->source));
  }
  return kDone;
}

// Inputs first, so that nothing new comes: an input that waits for room in the queue waits no more;
// then what is queued is judged and committed; then sinks get what is left in the outbox; HTTP
// answers until the end what it owes.
void App::stop() {
  is_running_ = false;
  queue_.close();
  for (const auto& input : inputs_) input->stop();
  if (loop_) loop_->stop();
  if (notifier_) notifier_->stop(config_.shutdown_timeout);
  if (server_) server_->stop();
  inputs_.clear();
  server_.reset();
  api_.reset();
  loop_.reset();
  notifier_.reset();
  pipeline_.reset();
  store_.reset();
  if (!wrote_port_file_) return;  // it may be that of the daemon whose folder this is
  std::error_code ignored;
  std::filesystem::remove(std::filesystem::path(config_.data_dir) / "port", ignored);
}

void App::fail(const Error& error) {
  log_.error("the store has failed; stopping, a restart recovers what was acknowledged",
             {{"error", error.message}});
  metrics_.commit_failed();
  exit_code_ = kEnvironment;
  main_.stop();
}

void App::on_commit(const CommitReport& report) { metrics_.committed(report, *bundle_->catalogue); }

bool App::has_room() {
  const std::optional<DiskSpace::Reading> before = disk_.last();
  const DiskSpace::Reading now = disk_.look();
  if (now.is_low == (before && before->is_low)) return !now.is_low;
  if (now.is_low) {
    log_.error("no input is taken",
               {{"reason", describe(now)},
                {"hint",
                 "make room on it, make it larger, or shorten `retention`; what was acknowledged "
                 "is safe, and input goes on by itself"}});
  } else {
    log_.info("input is taken again", {{"free_bytes", std::to_string(now.free)}});
  }
  return !now.is_low;
}

http::Backend::Taken App::push(ingest::RawBatch& batch) {
  if (!is_running_) return Taken::kPaused;
  const size_t weight = batch.size;
  if (queue_.try_push(batch, weight)) return Taken::kYes;
  return queue_.paused() || queue_.closed() ? Taken::kPaused : Taken::kFull;
}

std::string App::why_paused() {
  const std::vector<std::string> missing = this->missing();
  return missing.empty() ? "the daemon is stopping" : missing.front();
}

void App::reload(std::function<void(ReloadReport)> done) {
  if (!is_running_) {
    done({.accepted = false, .bundle = {}, .diagnostics = {"not running yet, or stopping"}});
    return;
  }
  boost::asio::post(main_, [this, done = std::move(done)] { reload_rules(done); });
}

void App::reload_rules(std::function<void(ReloadReport)> done) {
  Diagnostics diagnostics;
  const rules::LoadedBundle read = rules::read_bundle(config_.bundle, diagnostics, wall_now());
  const std::shared_ptr<const rules::Bundle>& fresh = read.bundle;
  ReloadReport report;
  for (const Diagnostic& d : diagnostics.sorted()) report.diagnostics.push_back(to_text(d));
  if (!fresh) {
    report.bundle = to_hex(loop_->snapshot()->bundle->hash);
    remember_reload(false, report.diagnostics);
    constexpr size_t kLoggedProblems = 20;
    for (const std::string& problem :
         std::span(report.diagnostics)
             .first(std::min(report.diagnostics.size(), kLoggedProblems))) {
      log_.error("problem in the rules", {{"problem", problem}});
    }
    log_.error("rules refused; those in force go on",
               {{"errors", std::to_string(diagnostics.errors())},
                {"hint", "`tocsin check` and `tocsin status` list every problem"}});
    done(std::move(report));
    return;
  }
  loop_->post([this, fresh, serialized = rules::serialize(read.text), report = std::move(report),
               done = std::move(done)](Pipeline& pipeline) mutable {
    const Status status = pipeline.activate(fresh, std::move(serialized));
    report.accepted = status.has_value();
    if (status) {
      const std::scoped_lock lock(mutex_);
      present_bundle_ = fresh;
    }
    if (!status) report.diagnostics.push_back(status.error().message);
    report.bundle = to_hex(pipeline.bundle().hash);
    remember_reload(report.accepted, report.diagnostics);
    if (status) {
      log_.info("rules reloaded",
                {{"rules", std::to_string(fresh->rules.size())}, {"bundle", report.bundle}});
    } else {
      log_.error("rules refused; those in force go on", {{"error", status.error().message}});
    }
    done(std::move(report));
  });
}

void App::remember_reload(bool accepted, const std::vector<std::string>& diagnostics) {
  const std::scoped_lock lock(mutex_);
  reload_status_.successful = accepted;
  reload_status_.diagnostics = diagnostics;
  if (accepted) reload_status_.last_success = wall_now();
}

bool App::is_mapped(std::string_view stream) const {
  return std::any_of(config_.inputs.begin(), config_.inputs.end(), [&](const InputConfig& input) {
    return !input.mapping.empty() && is_stream_of(input, stream);
  });
}

DaemonStatus App::status() {
  DaemonStatus status;
  status.version = version();
  status.started = started_;
  status.now = wall_now();
  status.missing = missing();
  if (is_running_) status.pipeline = loop_->snapshot();
  status.queue_bytes = queue_.weight();
  status.queue_capacity_bytes = queue_.max_weight();
  status.disk = disk_.last();
  if (status.disk && status.disk->is_low) status.paused_by = "disk";
  if (has_started_) {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      status.inputs.push_back(
          {.name = inputs_[i]->name(),
           .type = config_.inputs[i].type == InputConfig::Type::kKafka ? "kafka" : "file",
           .health = inputs_[i]->health()});
    }
    status.sinks = notifier_->status();
    status.awaited_sources = awaited_sources_;
  }
  {
    const std::scoped_lock lock(mutex_);
    status.reload = reload_status_;
  }
  status.store = store_->statistics();
  status.alerts = open_alerts_->read();
  return status;
}

std::vector<std::string> App::missing() {
  std::vector<std::string> missing;
  {
    const std::scoped_lock lock(mutex_);
    if (!waiting_for_.empty()) {
      missing.push_back(waiting_for_);
      return missing;
    }
  }
  if (!is_running_) missing.emplace_back("stopping");
  const std::optional<DiskSpace::Reading> disk = disk_.last();
  if (disk && disk->is_low) missing.push_back(describe(*disk));
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

}  // namespace tocsin::daemon
