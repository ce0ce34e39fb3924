#pragma once

#include <map>
#include <memory>
#include <string>

#include "daemon/alertmanager_sink.h"
#include "daemon/config.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/notifier.h"
#include "storage/store.h"

namespace tocsin::daemon {

// The sinks that mirror what fires (Alertmanager), over every loss of the store: what they do not
// send again ends by itself, and a disk that fails is no end of any warning.
//
// While a station lives, its notifier has them. In between they send again what they know last, on
// threads of their own: nothing new, and not that all is well.
// Thread-safety: main thread only.
class Mirrors {
 public:
  Mirrors(AlertmanagerSink::LevelsOf levels_of, Metrics& metrics, Log& log);
  ~Mirrors();

  // The sink of that configuration, which follows `source` from now on: for the notifier of a
  // station, which has stopped, and `source` with it, before go_on_alone() or the end. `instance`:
  // the name of the data folder. Waits for a request under way.
  std::shared_ptr<AlertmanagerSink> lend(const SinkConfig& config, const std::string& instance,
                                         AlertmanagerSink::Source source);
  // There is no station any more, and another will come.
  void go_on_alone();
  // Waits for a request under way.
  void stop();

 private:
  std::shared_ptr<AlertmanagerSink> make(const SinkConfig& config,
                                         const std::string& instance) const;

  const AlertmanagerSink::LevelsOf levels_of_;
  Metrics& metrics_;
  Log& log_;
  std::map<std::string, std::shared_ptr<AlertmanagerSink>> sinks_;  // by name; a station's too
  // While they are alone: their outboxes are empty.
  std::unique_ptr<storage::Store> no_news_;
  std::unique_ptr<Notifier> notifier_;
};

}  // namespace tocsin::daemon
