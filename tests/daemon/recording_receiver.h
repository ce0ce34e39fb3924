#pragma once

#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "daemon/http/server.h"

namespace tocsin::daemon {

// An HTTP receiver on a free port of loopback that keeps what it is sent and answers as told.
class RecordingReceiver final : public http::Handler, public http::Observer {
 public:
  RecordingReceiver() : server_(http::ServerOptions{}, *this, *this) {
    const auto port = server_.start();
    if (!port) throw std::runtime_error(port.error().message);
    url_ = "http://127.0.0.1:" + std::to_string(*port);
  }
  ~RecordingReceiver() override { server_.stop(); }

  const std::string& url() const { return url_; }
  void answer_with(int status) {
    const std::scoped_lock lock(mutex_);
    status_ = status;
  }
  void answer_with_body(std::string body) {
    const std::scoped_lock lock(mutex_);
    body_ = std::move(body);
  }
  std::vector<http::Request> take_requests() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(requests_, {});
  }

  void handle(http::Request request, http::Respond respond) override {
    http::Response response;
    {
      const std::scoped_lock lock(mutex_);
      requests_.push_back(std::move(request));
      response.status = status_;
      response.body = body_;
    }
    respond(std::move(response));
  }
  void connections_open(size_t) override {}
  void connection_refused(http::Refusal, std::string_view, std::string_view) override {}

 private:
  std::mutex mutex_;
  std::vector<http::Request> requests_;  // guarded by mutex_
  int status_ = 200;                     // guarded by mutex_
  std::string body_;                     // guarded by mutex_
  std::string url_;
  http::Server server_;
};

}  // namespace tocsin::daemon
