#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/http/message.h"
#include "rules/model/result.h"

namespace tocsin::daemon::http {

// Whoever answers requests.
class Handler {
 public:
  virtual ~Handler() = default;
  // On the server's thread: must not wait. `respond` may be called later.
  virtual void handle(Request request, Respond respond) = 0;
};

// Why a connection is closed over what the other side does, or is not had at all.
enum class Refusal : uint8_t {
  kNoRoom,      // for one more in this process or this machine: it waits in the kernel
  kTooMany,     // connections: it is closed at once
  kSlowToSend,  // its request has not come whole in time
  kSlowToRead,  // it has not taken its answer in time
  kTooLarge,    // a header or body over its limit
  kMalformed,   // no request, or one whose length is not clear
};

// Told of connections, for metrics and the log. On the server's thread.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void connections_open(size_t count) = 0;
  // `peer`: the address of the other side, of a proxy where one stands between. `detail`: what it
  // is answered, one of few texts; empty when it gets no answer.
  virtual void connection_refused(Refusal why, std::string_view peer, std::string_view detail) = 0;
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;             // 0: a free one
  size_t body_bytes = 8u << 20;  // larger bodies: 413
  size_t header_bytes = 16u << 10;
  size_t connections = 256;  // more are closed at once
  // For a whole header, a whole body, and the pause between two requests: slow clients are dropped.
  std::chrono::milliseconds read_timeout{30'000};
  std::chrono::milliseconds write_timeout{60'000};
};

// An HTTP/1.1 server with keep-alive on one thread of its own. No TLS, no HTTP/2: a proxy in front
// has those.
// Thread-safety: start and stop from one thread.
class Server {
 public:
  // Both outlive the server and every answer that is still due.
  Server(ServerOptions options, Handler& handler, Observer& observer);
  ~Server();  // NOLINT(bugprone-exception-escape): without memory it may end the program
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Binds and serves; gives the port. kUnavailable when the address cannot be had.
  Result<uint16_t> start();
  // Takes no more connections, lets answers under way go out for a moment, and joins.
  void stop();

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace tocsin::daemon::http
