#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "daemon/http/api.h"
#include "daemon/http/server.h"
#include "tests/daemon/fake_backend.h"

namespace tocsin::daemon {

// The API on a port of its own, before a backend that says what it is told to.
class ServedApi : public testing::Test {
 protected:
  explicit ServedApi(const std::string& log_level) : log_(log_level, "logfmt") {}

  // The port; requests go to `handler` where there is one.
  uint16_t serve(http::Handler* handler = nullptr) {
    api_ = std::make_unique<http::Api>(api_options_, backend_, metrics_, log_);
    server_ = std::make_unique<http::Server>(server_options_, handler != nullptr ? *handler : *api_,
                                             *api_);
    const auto port = server_->start();
    EXPECT_TRUE(port);
    return port ? *port : uint16_t{0};
  }

  FakeBackend backend_;
  Metrics metrics_{{.version = "test", .rocksdb = "", .librdkafka = "", .boost = ""}};
  Log log_;
  http::Api::Options api_options_;
  http::ServerOptions server_options_;
  std::unique_ptr<http::Api> api_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace tocsin::daemon
