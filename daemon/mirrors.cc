#include "daemon/mirrors.h"

#include <random>
#include <utility>
#include <vector>

#include "daemon/wall_clock.h"
#include "storage/memory_store.h"

namespace tocsin::daemon {

Mirrors::Mirrors(AlertmanagerSink::LevelsOf levels_of, Metrics& metrics, Log& log)
    : levels_of_(std::move(levels_of)), metrics_(metrics), log_(log) {}

Mirrors::~Mirrors() { stop(); }

std::shared_ptr<AlertmanagerSink> Mirrors::make(const SinkConfig& config,
                                                const std::string& instance) const {
  return std::make_shared<AlertmanagerSink>(
      AlertmanagerSink::Options{.name = config.name,
                                .urls = config.urls,
                                .token_file = config.token_file,
                                .timeout = config.timeout,
                                .resend_interval = config.resend_interval,
                                .instance = instance},
      levels_of_, [clock = std::make_shared<WallClock>()] {
        // A jump would end all that fires, or keep it for a day when we are gone.
        static_cast<void>(clock->look());
        return clock->believed();
      });
}

std::shared_ptr<AlertmanagerSink> Mirrors::lend(const SinkConfig& config,
                                                const std::string& instance,
                                                AlertmanagerSink::Source source) {
  stop();
  std::shared_ptr<AlertmanagerSink>& sink = sinks_[config.name];
  if (sink == nullptr) sink = make(config, instance);
  sink->follow(std::move(source));
  return sink;
}

void Mirrors::go_on_alone() {
  if (notifier_ != nullptr || sinks_.empty()) return;
  no_news_ = storage::make_memory_store();
  std::vector<std::string> names;
  for (const auto& [name, sink] : sinks_) names.push_back(name);
  if (const Status status = no_news_->declare_sinks(names); !status) return;  // it has no disk
  notifier_ = std::make_unique<Notifier>(*no_news_);
  for (const auto& [name, sink] : sinks_) {
    sink->leave();
    ChannelOptions options;
    options.seed = std::random_device{}();
    notifier_->add(std::make_unique<SinkChannel>(*no_news_, sink, options, metrics_, log_));
  }
}

void Mirrors::stop() {
  if (notifier_ != nullptr) {
    for (const auto& [name, sink] : sinks_) sink->hurry(true);
    notifier_->stop(Milliseconds(0));
    for (const auto& [name, sink] : sinks_) sink->hurry(false);
  }
  notifier_.reset();
  no_news_.reset();
}

}  // namespace tocsin::daemon
