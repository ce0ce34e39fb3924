#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <thread>

#include "daemon/app.h"
#include "daemon/http_client.h"
#include "tests/daemon/small_bundle.h"
#include "tests/daemon/temporary_folder.h"

namespace tocsin::daemon {

template <typename Condition>
bool comes_true(const Condition& condition,
                std::chrono::milliseconds within = std::chrono::seconds(30)) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

// The whole daemon in this process, and what a client has of it.
class RunningApp : public testing::Test {
 protected:
  RunningApp() {
    config_.data_dir = folder_.path("data");
    config_.bundle.catalogue = {folder_.write("catalogue.yaml", kCatalogue)};
    config_.bundle.rules = {folder_.write("rules.yaml", kRules)};
    config_.http.port = 0;
    config_.commit_interval = Milliseconds(5);
    config_.min_free_disk = 0;
  }
  // Before what a test adds to it goes.
  void TearDown() override {
    if (thread_.joinable()) stop();
  }

  void start(OpenStore open_store) {
    app_ = std::make_unique<App>(config_, log_, std::move(open_store));
    thread_ = std::thread([this] { exit_code_ = app_->run(); });
    const std::string port_file = folder_.path("data/port");
    ASSERT_TRUE(comes_true([&] { return std::filesystem::exists(port_file); }));
    port_ = std::stoi(folder_.read("data/port"));
  }
  void wait_until_ready() {
    ASSERT_TRUE(comes_true([&] { return get("/-/ready").status == 200; })) << get("/-/ready").body;
  }
  static void signal_stop() { ::kill(::getpid(), SIGTERM); }
  int stop() {
    signal_stop();
    return join();
  }
  int join() {
    thread_.join();
    return exit_code_;
  }

  HttpAnswer call(const std::string& method, const std::string& path,
                  const std::string& body = {}) const {
    const auto answer = call_http({.method = method,
                                   .url = "http://127.0.0.1:" + std::to_string(port_) + path,
                                   .headers = {{"Content-Type", "application/x-ndjson"}},
                                   .body = body});
    if (answer) return *answer;
    return {.status = 0, .body = answer.error().message};
  }
  HttpAnswer get(const std::string& path) const { return call("GET", path); }
  HttpAnswer post(int number) const {
    return call("POST", "/v1/events", event_line(number, 0, "XA", 1));
  }
  // An event for which the rule fires.
  HttpAnswer post_many_dead() const {
    return call("POST", "/v1/events", event_line(1000, 0, "XA", 99));
  }
  // Whether that page says so.
  bool says(const std::string& path, const std::string& text) const {
    return get(path).body.find(text) != std::string::npos;
  }
  // Puts the rules down with another title, and another window when they are to begin anew.
  void write_rules(const std::string& title, int window = 5) const {
    std::string rules = kRules;
    rules.replace(rules.find("Many dead"), 9, title);
    rules.replace(rules.find("window: 5d"), 10, fmt::format("window: {}d", window));
    folder_.write("rules.yaml", rules);
  }

  const TemporaryFolder folder_;
  Config config_;
  Log log_{"error", "logfmt"};
  std::unique_ptr<App> app_;
  std::thread thread_;
  std::atomic<int> exit_code_{-1};
  int port_ = 0;
};

}  // namespace tocsin::daemon
