#include "daemon/http/server.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <optional>
#include <set>
#include <thread>

namespace tocsin::daemon::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using tcp = asio::ip::tcp;
using beast::error_code;

class Session;

constexpr std::chrono::milliseconds kAcceptPause{100};

namespace {

std::string address_of_peer(const tcp::socket& socket) {
  error_code gone;
  const tcp::endpoint peer = socket.remote_endpoint(gone);
  return gone ? "an address that is gone" : peer.address().to_string();
}

}  // namespace

// Outlives the Server while an answer is still due from another thread; see Session.
struct Server::State : std::enable_shared_from_this<Server::State> {
  State(ServerOptions o, Handler& h, Observer& w)
      : options(std::move(o)), handler(h), observer(w) {}
  const ServerOptions options;
  Handler& handler;
  Observer& observer;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
  asio::steady_timer last_call{io};
  std::thread thread;
  std::set<std::shared_ptr<Session>> sessions;  // server thread only
  bool stopping = false;                        // server thread only

  void accept();
  // The last connection has gone while stopping: nothing is left to wait for. The context is not
  // stopped but runs out of work: what is still queued in it would keep it alive for ever.
  void end_when_quiet() {
    if (stopping && sessions.empty()) last_call.cancel();
  }
};

// One connection: reads a request, hands it over, writes the answer, again.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, std::shared_ptr<Server::State> server)
      : server_(std::move(server)), peer_(address_of_peer(socket)), stream_(std::move(socket)) {}

  void read() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(server_->options.header_bytes));
    parser_->body_limit(server_->options.body_bytes);
    // One deadline for the whole header, however slowly its bytes drip in.
    stream_.expires_after(server_->options.read_timeout);
    bhttp::async_read_header(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code error, size_t) { self->on_header(error); });
  }

  void close() {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
    stream_.close();
    if (server_->sessions.erase(shared_from_this()) > 0) {
      server_->observer.connections_open(server_->sessions.size());
    }
    server_->end_when_quiet();
  }

  bool is_waiting_for_request() const { return !busy_; }

 private:
  void on_header(error_code error) {
    if (error) return on_read_error(error);
    busy_ = true;
    if (!has_clear_length()) {
      return refuse(Refusal::kMalformed, 400,
                    "malformed request: its length is not clear; send one of Content-Length and "
                    "Transfer-Encoding: chunked");
    }
    stream_.expires_after(server_->options.read_timeout);
    if (beast::iequals(parser_->get()[bhttp::field::expect], "100-continue")) {
      continue_.emplace(bhttp::status::continue_, 11);
      bhttp::async_write(stream_, *continue_,
                         [self = shared_from_this()](error_code failed, size_t) {
                           if (failed) return self->close();
                           self->read_body();
                         });
      return;
    }
    read_body();
  }

  // Where the body ends, for us and for whoever stands before us. The parser passes over codings
  // that it does not know, and would take the body for the next request.
  bool has_clear_length() const {
    const auto& header = parser_->get();
    const auto codings = header.count(bhttp::field::transfer_encoding);
    if (codings == 0) return true;
    return codings == 1 && header.version() >= 11 &&
           beast::iequals(header[bhttp::field::transfer_encoding], "chunked") &&
           header.count(bhttp::field::content_length) == 0;
  }

  void read_body() {
    bhttp::async_read(stream_, buffer_, *parser_,
                      [self = shared_from_this()](error_code error, size_t) {
                        if (error) return self->on_read_error(error);
                        self->hand_over();
                      });
  }

  void on_read_error(error_code error) {
    if (error == bhttp::error::body_limit) {
      return refuse(Refusal::kTooLarge, 413,
                    fmt::format("a body may have {} bytes; send smaller batches",
                                server_->options.body_bytes));
    }
    if (error == bhttp::error::header_limit) {
      return refuse(Refusal::kTooLarge, 431,
                    fmt::format("a header may have {} bytes", server_->options.header_bytes));
    }
    const bool has_begun = busy_ || buffer_.size() > 0 || parser_->got_some();
    if (error == beast::error::timeout && has_begun) tell(Refusal::kSlowToSend);
    const bool is_malformed =
        error.category() == make_error_code(bhttp::error::bad_method).category() &&
        error != bhttp::error::end_of_stream && error != bhttp::error::partial_message;
    if (is_malformed) {
      return refuse(Refusal::kMalformed, 400, "malformed request: " + error.message());
    }
    close();
  }

  void tell(Refusal why, std::string_view detail = {}) {
    server_->observer.connection_refused(why, peer_, detail);
  }

  // Answers, and closes the connection: where its next request would begin is not known.
  void refuse(Refusal why, int status, const std::string& detail) {
    keep_alive_ = false;
    tell(why, detail);
    write(problem(status, detail));
  }

  void hand_over() {
    auto message = parser_->release();
    keep_alive_ = message.keep_alive();
    is_head_ = message.method() == bhttp::verb::head;
    Request request;
    request.method = std::string(message.method_string());
    if (!parse_target(std::string(message.target()), request.path, request.query)) {
      return refuse(Refusal::kMalformed, 400, "malformed request target");
    }
    for (const auto& field : message) {
      std::string name(field.name_string());
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
        return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
      });
      request.headers.emplace_back(std::move(name), std::string(field.value()));
    }
    request.body = std::move(message.body());
    request.peer = peer_;
    server_->handler.handle(std::move(request), [self = shared_from_this()](Response response) {
      if (self->server_->io.stopped()) return;  // too late: the server has ended
      asio::post(self->stream_.get_executor(), [self, answer = std::move(response)]() mutable {
        self->write(std::move(answer));
      });
    });
  }

  void write(Response response) {
    answer_.emplace(bhttp::int_to_status(static_cast<unsigned>(response.status)), 11);
    answer_->set(bhttp::field::server, "tocsin");
    answer_->set(bhttp::field::content_type, response.content_type);
    answer_->set(bhttp::field::cache_control, "no-store");
    answer_->set("X-Content-Type-Options", "nosniff");
    answer_->set("Content-Security-Policy", "default-src 'none'");
    answer_->set("Referrer-Policy", "no-referrer");
    for (const auto& [name, value] : response.headers) answer_->set(name, value);
    answer_->keep_alive(keep_alive_ && !server_->stopping);
    answer_->body() = std::move(response.body);
    answer_->prepare_payload();
    if (is_head_) answer_->body().clear();  // the length stays that of the GET
    stream_.expires_after(server_->options.write_timeout);
    bhttp::async_write(stream_, *answer_, [self = shared_from_this()](error_code error, size_t) {
      self->busy_ = false;
      if (error == beast::error::timeout) self->tell(Refusal::kSlowToRead);
      if (error) return self->close();
      if (!self->answer_->keep_alive()) return self->linger();
      self->is_head_ = false;
      self->read();
    });
  }

  // Closing a socket with unread input resets the connection, and the client may lose the answer
  // that says why: so what it still sends is read for a moment and thrown away.
  void linger() {
    if (server_->stopping) return close();
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.expires_after(kLinger);
    discard();
  }

  void discard() {
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(kDiscardBytes),
                            [self = shared_from_this()](error_code error, size_t) {
                              if (error) return self->close();
                              self->discard();
                            });
  }

  static constexpr std::chrono::seconds kLinger{2};
  static constexpr size_t kDiscardBytes = 16u << 10;

  // First, so that it goes last: the stream needs the context that lives there.
  const std::shared_ptr<Server::State> server_;
  const std::string peer_;  // the address of the other side
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<bhttp::request_parser<bhttp::string_body>> parser_;
  std::optional<bhttp::response<bhttp::string_body>> answer_;
  std::optional<bhttp::response<bhttp::empty_body>> continue_;
  bool keep_alive_ = true;
  bool is_head_ = false;
  bool busy_ = false;  // a request is being read, judged or answered
};

void Server::State::accept() {
  acceptor.async_accept([this](error_code error, tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (error) {
      // Out of descriptors or memory: at once again would be a busy loop.
      observer.connection_refused(Refusal::kNoRoom, {}, error.message());
      pause.expires_after(kAcceptPause);
      pause.async_wait([this](error_code aborted) {
        if (!aborted) accept();
      });
      return;
    }
    if (sessions.size() < options.connections) {
      auto session = std::make_shared<Session>(std::move(socket), shared_from_this());
      sessions.insert(session);
      observer.connections_open(sessions.size());
      session->read();
    } else {
      // Closed as the socket goes.
      observer.connection_refused(Refusal::kTooMany, address_of_peer(socket), {});
    }
    accept();
  });
}

Server::Server(ServerOptions options, Handler& handler, Observer& observer)
    : state_(std::make_shared<State>(std::move(options), handler, observer)) {}

Server::~Server() { stop(); }  // NOLINT(bugprone-exception-escape): as in the header

Result<uint16_t> Server::start() {
  const ServerOptions& options = state_->options;
  const std::string where = fmt::format("{}:{}", options.address, options.port);
  error_code error;
  const auto address =
      asio::ip::make_address(options.address == "localhost" ? "127.0.0.1" : options.address, error);
  if (error) return invalid(fmt::format("listen on {}: {}", where, error.message()));
  const tcp::endpoint endpoint(address, options.port);
  tcp::acceptor& acceptor = state_->acceptor;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return unavailable(fmt::format("listen on {}: {}", where, error.message()));
  state_->accept();
  state_->thread = std::thread([state = state_] {
    pthread_setname_np(pthread_self(), "toc-http");
    state->io.run();
  });
  return acceptor.local_endpoint().port();
}

void Server::stop() {
  if (!state_->thread.joinable()) return;
  asio::post(state_->io, [state = state_.get()] {
    state->stopping = true;
    error_code ignored;
    state->acceptor.close(ignored);
    state->pause.cancel();
    // Answers under way go out; idle connections close now, the rest within a second.
    state->last_call.expires_after(std::chrono::seconds(1));
    state->last_call.async_wait([state](error_code) {
      const auto left = state->sessions;
      for (const auto& session : left) session->close();
    });
    const auto sessions = state->sessions;
    for (const auto& session : sessions) {
      if (session->is_waiting_for_request()) session->close();
    }
    state->end_when_quiet();
  });
  state_->thread.join();
}

}  // namespace tocsin::daemon::http
