#include "daemon/app.h"

#include <fmt/format.h>
#include <pthread.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "daemon/commands/commands.h"
#include "daemon/signals.h"
#include "daemon/version.h"
#include "rules/load/rule_loader.h"

// Start and stop. What the API asks for is in app_backend.cc, what follows a failure of the store
// in app_reopening.cc.
namespace tocsin::daemon {
namespace {

WallTime wall_now() { return std::chrono::floor<Milliseconds>(std::chrono::system_clock::now()); }

int exit_code_of(const Error& error) {
  return error.code == ErrorCode::kInvalid ? kUsage : kEnvironment;
}

}  // namespace

App::App(Config config, Log& log, OpenStore open_store)
    : config_(std::move(config)),
      log_(log),
      open_store_(std::move(open_store)),
      started_(wall_now()),
      metrics_({.version = version(),
                .rocksdb = rocksdb_version(),
                .librdkafka = librdkafka_version(),
                .boost = boost_version(),
                .tzdb = tzdb_version()}),
      disk_(disk_of(config_.data_dir), config_.min_free_disk),
      mirrors_([this](const std::string& rule) { return rules_.levels_of(rule); }, metrics_, log_),
      reopen_wait_(0) {}

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
  for (const auto step :
       {&App::load_rules, &App::open_first_station, &App::start_http, &App::start_first_station}) {
    const int code = (this->*step)();
    if (code != kDone || stop_requested_) return code;
  }
  has_started_ = true;
  watch_rules();
  log_.info("ready", {{"rules", std::to_string(rules_.present().bundle->rules.size())},
                      {"data_dir", config_.data_dir}});
  return kDone;
}

int App::load_rules() {
  Diagnostics diagnostics;
  const auto [text, bundle] = rules::read_bundle(config_.bundle, diagnostics, wall_now());
  std::vector<std::string> told;
  for (const Diagnostic& d : diagnostics.sorted()) {
    told.push_back(to_text(d));
    if (d.severity == Severity::kError) fmt::print(stderr, "{}\n", to_text(d));
  }
  rules_.remember_load(bundle != nullptr, told);
  watch_.loaded(rules_as_written());
  if (!bundle) {
    log_.error("the rules do not load; `tocsin check` tells the same",
               {{"errors", std::to_string(diagnostics.errors())}});
    return kUsage;
  }
  rules_.put({.bundle = bundle, .text = rules::serialize(text)});
  symbols_ = std::make_shared<ingest::CurrentSymbols>(bundle->catalogue);
  metrics_.expect_sources(*bundle->catalogue);
  return kDone;
}

int App::open_first_station() {
  const Status status = open_station();
  if (status) return kDone;
  log_.error("cannot start", {{"error", status.error().message}});
  return kEnvironment;  // also when another daemon holds the folder: a restart may find it free
}

int App::start_first_station() {
  const Status status = start_station();
  if (status || stop_requested_) return kDone;  // what was interrupted the next start does
  log_.error("cannot start", {{"error", status.error().message}});
  return exit_code_of(status.error());
}

int App::start_http() {
  http::Api::Options access;
  access.access.loopback = is_loopback(config_.http.address);
  access.decompressed_bytes = config_.http.decompressed_bytes;
  access.body_records = config_.http.body_records;
  access.tlp_ceiling = config_.http.tlp_ceiling;
  access.ids = station()->ids();
  if (!config_.http.tokens_file.empty()) {
    Result<std::vector<std::string>> tokens = http::read_tokens(config_.http.tokens_file);
    if (!tokens) {
      log_.error("the tokens cannot be read", {{"error", tokens.error().message}});
      return exit_code_of(tokens.error());
    }
    access.access.tokens = std::move(*tokens);
  }
  http::Backend& backend = *this;
  api_ = std::make_unique<http::Api>(std::move(access), backend, metrics_, log_);
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

// HTTP answers until the end what it owes, and the store stays as long as HTTP does.
void App::stop() {
  if (const auto last = station()) last->stop(config_.shutdown_timeout);
  mirrors_.stop();
  main_.restart();
  main_.poll();  // whoever waits for rules is told
  if (server_) server_->stop();
  server_.reset();
  api_.reset();
  close_station("the daemon is stopping", /*comes_back=*/false);
  if (!wrote_port_file_) return;  // it may be that of the daemon whose folder this is
  std::error_code ignored;
  std::filesystem::remove(std::filesystem::path(config_.data_dir) / "port", ignored);
}

}  // namespace tocsin::daemon
