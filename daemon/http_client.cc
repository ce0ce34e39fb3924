#include "daemon/http_client.h"

#include <fmt/format.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/url/parse.hpp>
#include <optional>

namespace tocsin::daemon {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using tcp = asio::ip::tcp;
using beast::error_code;

constexpr size_t kMaxAnswerBytes = 16u << 20;

struct Target {
  bool is_https = false;
  std::string host;
  std::string port;
  std::string authority;  // for the Host header
  std::string path;       // with query
};

std::optional<Target> parse_url(const std::string& text) {
  const auto url = boost::urls::parse_uri(boost::core::string_view(text.data(), text.size()));
  if (!url || (url->scheme() != "http" && url->scheme() != "https") || url->host().empty() ||
      url->has_userinfo()) {
    return std::nullopt;
  }
  Target target;
  target.is_https = url->scheme() == "https";
  target.host = url->host_address();
  target.port = url->has_port() ? std::string(url->port()) : (target.is_https ? "443" : "80");
  target.authority = std::string(url->encoded_host_and_port());
  const auto path = url->encoded_target();
  target.path = path.empty() ? "/" : std::string(path);
  return target;
}

// One call as a chain of steps on a context of its own, under one deadline.
class Exchange {
 public:
  Exchange(const HttpCall& call, Target target)
      : call_(call),
        target_(std::move(target)),
        deadline_(std::chrono::steady_clock::now() + call.timeout) {}

  Result<HttpAnswer> run() {
    if (target_.is_https) {
      error_code error;
      tls_context_.emplace(asio::ssl::context::tls_client);
      tls_context_->set_default_verify_paths(error);
      tls_context_->set_verify_mode(asio::ssl::verify_peer);
      tls_.emplace(beast::tcp_stream(io_), *tls_context_);
      tls_->set_verify_callback(asio::ssl::host_name_verification(target_.host));
      // What the macro SSL_set_tlsext_host_name does, without its cast.
      std::string host = target_.host;
      if (SSL_ctrl(tls_->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                   host.data()) != 1) {
        return failure("set the server's name for TLS", error);
      }
    } else {
      plain_.emplace(io_);
    }
    resolver_.async_resolve(target_.host, target_.port,
                            [this](error_code error, const tcp::resolver::results_type& results) {
                              if (error) return fail("look up", error);
                              connect(results);
                            });
    // The streams' own deadline does not cover the look-up.
    if (io_.run_until(deadline_ + std::chrono::seconds(1)); !answer_ && !error_) {
      return failure("wait for an answer", beast::error::timeout);
    }
    if (error_) return *error_;
    return *std::move(answer_);
  }

 private:
  beast::tcp_stream& socket() { return tls_ ? beast::get_lowest_layer(*tls_) : *plain_; }

  void connect(const tcp::resolver::results_type& results) {
    socket().expires_at(deadline_);
    socket().async_connect(results, [this](error_code error, const tcp::endpoint&) {
      if (error) return fail("connect", error);
      if (!tls_) return send(*plain_);
      tls_->async_handshake(asio::ssl::stream_base::client, [this](error_code failed) {
        if (failed) return fail("agree on TLS", failed);
        send(*tls_);
      });
    });
  }

  template <typename Stream>
  void send(Stream& stream) {
    request_.method_string(call_.method);
    request_.target(target_.path);
    request_.version(11);
    request_.set(bhttp::field::host, target_.authority);
    request_.set(bhttp::field::user_agent, "tocsin");
    request_.set(bhttp::field::connection, "close");
    for (const auto& [name, value] : call_.headers) request_.set(name, value);
    request_.body() = call_.body;
    request_.prepare_payload();
    bhttp::async_write(stream, request_, [this, &stream](error_code error, size_t) {
      if (error) return fail("send", error);
      parser_.body_limit(kMaxAnswerBytes);
      bhttp::async_read(stream, buffer_, parser_, [this](error_code failed, size_t) {
        if (failed) return fail("read the answer", failed);
        answer_ = HttpAnswer{static_cast<int>(parser_.get().result_int()),
                             std::move(parser_.get().body())};
      });
    });
  }

  Error failure(std::string_view step, error_code error) const {
    return unavailable(fmt::format("{} {}: {}: {}", call_.method, target_.authority, step,
                                   error ? error.message() : "failed"));
  }
  void fail(std::string_view step, error_code error) { error_ = failure(step, error); }

  const HttpCall& call_;
  const Target target_;
  const std::chrono::steady_clock::time_point deadline_;
  asio::io_context io_{1};
  tcp::resolver resolver_{io_};
  std::optional<beast::tcp_stream> plain_;
  std::optional<asio::ssl::context> tls_context_;
  std::optional<beast::ssl_stream<beast::tcp_stream>> tls_;
  beast::flat_buffer buffer_;
  bhttp::request<bhttp::string_body> request_;
  bhttp::response_parser<bhttp::string_body> parser_;
  std::optional<HttpAnswer> answer_;
  std::optional<Error> error_;
};

}  // namespace

Result<HttpAnswer> call_http(const HttpCall& call) {
  auto target = parse_url(call.url);
  if (!target) return invalid("the URL is not http://HOST:PORT/PATH or https://…");
  return Exchange(call, *std::move(target)).run();
}

std::string address_of(const std::string& url) {
  const auto target = parse_url(url);
  return target ? target->authority : std::string();
}

}  // namespace tocsin::daemon
