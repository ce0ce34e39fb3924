#include <algorithm>
#include <boost/asio/post.hpp>
#include <span>

#include "daemon/app.h"
#include "daemon/commands/commands.h"
#include "daemon/inputs.h"
#include "daemon/rule_test_gate.h"
#include "daemon/version.h"
#include "rules/load/rule_loader.h"

// The half of App that answers the API, and reloads rules.
namespace tocsin::daemon {
namespace {

constexpr const char* kIsStopping = "tocsin is stopping; the next start loads the rules";

}  // namespace

std::shared_ptr<Station> App::station() const {
  const std::scoped_lock lock(mutex_);
  return station_;
}

std::shared_ptr<storage::Store> App::store() {
  const std::shared_ptr<Station> present = station();
  return present ? std::shared_ptr<storage::Store>(present, &present->store()) : nullptr;
}

std::shared_ptr<Backups> App::backups() {
  const std::shared_ptr<Station> present = station();
  if (!present || present->backups() == nullptr) return nullptr;
  return {present, present->backups()};
}

http::Backend::Taken App::push(ingest::RawBatch& batch) {
  const std::shared_ptr<Station> present = station();
  return present ? present->push(batch) : Taken::kPaused;
}

std::string App::why_paused() {
  const std::vector<std::string> missing = this->missing();
  return missing.empty() ? "it was for a moment" : missing.front();
}

std::vector<std::string> App::missing() {
  std::shared_ptr<Station> present;
  {
    const std::scoped_lock lock(mutex_);
    if (!station_) return {away_};
    present = station_;
  }
  std::vector<std::string> missing = present->missing();
  const std::optional<DiskSpace::Reading> disk = disk_.last();
  if (disk && disk->is_low) missing.insert(missing.begin(), describe(*disk));
  return missing;
}

DaemonStatus App::status() {
  DaemonStatus status;
  status.version = version();
  status.started = started_;
  status.now = std::chrono::floor<Milliseconds>(std::chrono::system_clock::now());
  status.missing = missing();
  status.queue_capacity_bytes = config_.queue_bytes;
  status.reload = rules_.last_load();
  status.disk = disk_.last();
  status.store_reopened = reopened_;
  const std::shared_ptr<Station> present = station();
  if (present) present->add_to(status);
  if (has_started_ && !(present && present->is_running())) {
    status.paused_by = "store";
  } else if (status.disk && status.disk->is_low) {
    status.paused_by = "disk";
  }
  return status;
}

bool App::is_mapped(std::string_view stream) const {
  return std::any_of(config_.inputs.begin(), config_.inputs.end(), [&](const InputConfig& input) {
    return !input.mapping.empty() && is_stream_of(input, stream);
  });
}

void App::reload(Done done) {
  if (!has_started_) {
    done({.accepted = false, .bundle = {}, .diagnostics = {"it still starts, with these rules"}});
    return;
  }
  if (stop_requested_) {
    done({.accepted = false, .bundle = {}, .diagnostics = {kIsStopping}});
    return;
  }
  boost::asio::post(main_, [this, done = std::move(done)] { reload_rules(done); });
}

std::string App::rules_as_written() const {
  if (config_.watch_rules.count() == 0) return {};
  Diagnostics diagnostics;
  std::string text = rules::serialize(rules::read_bundle_text(config_.bundle, diagnostics));
  for (const Diagnostic& d : diagnostics.sorted()) text += to_text(d);
  return text;
}

void App::watch_rules() {
  if (config_.watch_rules.count() == 0) return;
  watch_timer_.expires_after(config_.watch_rules);
  watch_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    if (watch_.is_to_be_loaded(rules_as_written())) {
      log_.info("the files of the rules have changed");
      reload_rules([](const ReloadReport&) {});
    }
    watch_rules();
  });
}

void App::reload_rules(const Done& done) {
  if (stop_requested_) {
    return done({.accepted = false, .bundle = {}, .diagnostics = {kIsStopping}});
  }
  watch_.loaded(rules_as_written());  // before they are read: what changes meanwhile is seen later
  Diagnostics diagnostics;
  const rules::LoadedBundle read =
      rules::read_bundle(config_.bundle, diagnostics,
                         std::chrono::floor<Milliseconds>(std::chrono::system_clock::now()));
  ReloadReport report;
  for (const Diagnostic& d : diagnostics.sorted()) report.diagnostics.push_back(to_text(d));
  if (!read.bundle) return refuse_rules(std::move(report), done);
  if (config_.reload_tests && read.bundle->hash != rules_.present().bundle->hash) {
    const std::vector<std::string> failing = failing_rule_tests(config_.bundle.rules);
    report.diagnostics.insert(report.diagnostics.end(), failing.begin(), failing.end());
    if (!failing.empty()) return refuse_rules(std::move(report), done);
  }
  Reload reload{.rules = {.bundle = read.bundle, .text = rules::serialize(read.text)},
                .report = std::move(report),
                .done = done};
  // Those that are still being judged go on.
  if (!(*read.bundle->catalogue == *rules_.present().bundle->catalogue)) {
    return settle(Pipeline::other_catalogue(), reload);
  }
  reload.number = ++reloads_;
  put_in_force(reload);
}

void App::refuse_rules(ReloadReport report, const Done& done) {
  constexpr size_t kLoggedProblems = 20;
  for (const std::string& problem :
       std::span(report.diagnostics).first(std::min(report.diagnostics.size(), kLoggedProblems))) {
    log_.error("problem in the rules", {{"problem", problem}});
  }
  log_.error("rules refused; those in force go on",
             {{"problems", std::to_string(report.diagnostics.size())},
              {"hint", "`tocsin check`, `tocsin test` and `tocsin status` list every problem"}});
  report.bundle = to_hex(rules_.present().bundle->hash);
  rules_.remember_load(false, report.diagnostics);
  done(std::move(report));
}

void App::put_in_force(const Reload& reload) {
  if (reload.number != reloads_) {
    return settle(invalid("these rules were not loaded: others were loaded meanwhile"), reload);
  }
  if (exit_code_ != kDone) {
    return settle(unavailable("tocsin ends, as its log says; the next start loads them"), reload);
  }
  const std::shared_ptr<Station> present = station();
  if (!present) return settle(Status::ok(), reload);  // the next one begins with them
  present->post([this, reload](Pipeline* pipeline) {
    const auto activated = [this, reload](const Status& status) {
      const bool is_decided = status || status.error().code == ErrorCode::kInvalid;
      if (is_decided) return settle(status, reload);
      if (stop_requested_) {
        return settle(unavailable(kIsStopping), reload);
      }
      // The store has just failed, and the station goes: that is said on the same thread before.
      boost::asio::post(main_, [this, reload] { put_in_force(reload); });
    };
    if (pipeline == nullptr) return activated(unavailable("the pipeline has ended"));
    pipeline->activate(reload.rules.bundle, reload.rules.text, activated);
  });
}

void App::settle(const Status& status, const Reload& reload) {
  ReloadReport report = reload.report;
  report.accepted = status.has_value();
  if (status) {
    rules_.put(reload.rules);
    report.bundle = to_hex(reload.rules.bundle->hash);
    log_.info("rules reloaded", {{"rules", std::to_string(reload.rules.bundle->rules.size())},
                                 {"bundle", report.bundle}});
  } else {
    report.bundle = to_hex(rules_.present().bundle->hash);
    report.diagnostics.push_back(status.error().message);
    log_.error("rules refused; those in force go on", {{"error", status.error().message}});
  }
  rules_.remember_load(report.accepted, report.diagnostics);
  reload.done(std::move(report));
}

}  // namespace tocsin::daemon
