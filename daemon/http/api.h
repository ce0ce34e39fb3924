#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/http/access.h"
#include "daemon/http/backend.h"
#include "daemon/http/message.h"
#include "daemon/http/server.h"
#include "daemon/http/worker.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/tlp_policy.h"

namespace tocsin::daemon::http {

// The routes of the daemon: finds the one that a request means, refuses who may not, and counts.
// What is refused over its manners or its size is also told to the operator, seldom.
//
//   POST /v1/events             take events; answered after the durable commit
//   GET  /v1/alerts             newest transition of each alert: state, status, level, rule,
//   driver,
//                               country, id, limit, before
//   GET  /v1/alerts/{id}        all transitions of one
//   GET|DELETE /v1/dead-letters what could not be read: from, limit, reason; numbers
//   GET|DELETE /v1/dead-letters/{number}
//   GET|POST /v1/backups        list them; take one
//   GET  /v1/status             GET /metrics
//   GET  /-/healthy             GET /-/ready            POST /-/reload
//
// Errors are problem+json. What reads or writes the store, and unpacking, is done on a thread of
// its own, `toc-read`: one request after the other, each bounded in what it looks at, so that the
// server's thread can always take events and tell how the daemon is.
// Thread-safety: called on the server's thread.
class Api : public Handler, public Observer {
 public:
  struct Options {
    Access::Options access;
    size_t decompressed_bytes = 64u << 20;
    size_t body_records = 100'000;
    Tlp tlp_ceiling = Tlp::kAmber;  // above it an alert is shown without its content
    SealedIds ids;                  // and under one of these
  };
  // All outlive the server.
  Api(Options options, Backend& backend, Metrics& metrics, Log& log);

  void handle(Request request, Respond respond) override;
  void connections_open(size_t count) override;
  void connection_refused(Refusal why, std::string_view peer, std::string_view detail) override;

 private:
  enum class Where { kServerThread, kReadThread };
  struct Route {
    std::string_view method;
    std::string_view pattern;  // a last segment in braces takes any text
    Access::Need need;
    Where where;
    void (Api::*answer)(Request& request, std::string_view argument, const Respond& respond);
  };
  static const std::vector<Route>& routes();

  // A warning about one who asks: `detail` is one of few texts, so that not each is told.
  void warn_of(std::string_view message, std::string_view detail, std::string_view peer,
               std::string_view hint);
  void tell_too_large(std::string_view peer, std::string_view detail);
  // Why the store cannot be asked: there is none at the moment.
  Response store_is_away();
  TlpPolicy tlp(const storage::Store& store) const {
    return {options_.tlp_ceiling, options_.ids, store};
  }
  void take_events(Request& request, const Respond& respond);
  void post_events(Request& request, std::string_view, const Respond& respond);
  void get_alerts(Request& request, std::string_view, const Respond& respond);
  void get_alert(Request& request, std::string_view id, const Respond& respond);
  void get_dead_letters(Request& request, std::string_view, const Respond& respond);
  void delete_dead_letters(Request& request, std::string_view, const Respond& respond);
  void get_dead_letter(Request& request, std::string_view number, const Respond& respond);
  void delete_dead_letter(Request& request, std::string_view number, const Respond& respond);
  void get_backups(Request& request, std::string_view, const Respond& respond);
  void post_backups(Request& request, std::string_view, const Respond& respond);
  void get_status(Request& request, std::string_view, const Respond& respond);
  void get_metrics(Request& request, std::string_view, const Respond& respond);
  void get_healthy(Request& request, std::string_view, const Respond& respond);
  void get_ready(Request& request, std::string_view, const Respond& respond);
  void post_reload(Request& request, std::string_view, const Respond& respond);

  const Options options_;
  const Access access_;
  Backend& backend_;
  Metrics& metrics_;
  Log& log_;
  Worker reader_{"toc-read"};  // last, so that it ends first
};

}  // namespace tocsin::daemon::http
