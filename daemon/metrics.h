#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "daemon/daemon_status.h"
#include "daemon/pipeline_loop.h"
#include "rules/model/catalogue.h"

namespace tocsin::daemon {

// How an attempt to deliver to a sink ended.
enum class Delivery { kDelivered, kUnavailable, kRefused };
// What became of one transition at a sink.
enum class SinkOutcome { kDelivered, kRedacted, kWithheld, kBelowLevel, kRefused, kDigest };

// Every metric of the program: names, help and labels stand in metrics.cc and nowhere else.
//
// Two kinds: what is counted as it happens (the verbs below), and what is asked for at a scrape
// (DaemonStatus). No label has values that come from outside without a closed list behind them: no
// groups, no event ids, no paths.
// Thread-safety: any thread.
class Metrics {
 public:
  // What `tocsin_build_info` tells.
  struct Build {
    std::string version;
    std::string rocksdb;
    std::string librdkafka;
    std::string boost;
    std::string tzdb{};
  };
  explicit Metrics(const Build& build);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Gives every series of a closed list its zero before anything happens, so that the first
  // occurrence is seen as an increase.
  void expect_sources(const Catalogue& catalogue);
  void expect_sink(const std::string& sink);

  // Everything of one commit, once a commit. `catalogue` names the sources of the report.
  void committed(const CommitReport& report, const Catalogue& catalogue);
  void commit_failed();
  void delivery_attempted(const std::string& sink, Delivery delivery, double seconds);
  void sink_handled(const std::string& sink, SinkOutcome outcome, uint64_t transitions);
  // `route` is the pattern ("/v1/alerts/{id}"), never the path that was asked for.
  void request_answered(std::string_view route, std::string_view method, int status,
                        double seconds);
  // Backups are taken; the last was taken then (WallTime{}: never).
  void expect_backups(WallTime last);
  void backup_ended(bool succeeded, WallTime now);
  void erased(const storage::Store::Erased& erased);
  void connections_open(size_t count);
  // "limit", "timeout", "too_large", "malformed"
  void connection_refused(std::string_view reason);
  void clock_jumped();
  void stood_still();
  // The torn end of a file was cut off: "store", "alert_log".
  void torn_write(std::string_view file);

  // The text format of Prometheus.
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";
  std::string scrape(const DaemonStatus& status);

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace tocsin::daemon
