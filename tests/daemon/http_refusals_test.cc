// What the operator is told of clients that are slow, too many, too large, or talk no HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/system/error_code.hpp>
#include <cerrno>
#include <optional>
#include <vector>

#include "daemon/base64.h"
#include "tests/daemon/raw_connection.h"
#include "tests/daemon/served_api.h"

namespace tocsin::daemon {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// 100 lines, by gzip.
constexpr const char* kPacked = "H4sIAAAAAAACA6uu5aoeRcQhAPttoBksAQAA";
constexpr const char* kPost = "POST /v1/events HTTP/1.1\r\nHost: localhost\r\n";
constexpr const char* kGet = "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n";

// More than the sockets between hold.
class LongAnswer final : public http::Handler {
 public:
  void handle(http::Request, http::Respond respond) override {
    respond({.body = std::string(64u << 20, 'x')});
  }
};

class HttpRefusal : public ServedApi {
 protected:
  HttpRefusal() : ServedApi("info") { testing::internal::CaptureStderr(); }
  ~HttpRefusal() override {
    if (is_listening_) said();
  }

  uint16_t start(http::Handler* handler = nullptr) {
    is_listening_ = true;
    return serve(handler);
  }
  // What came to the log. Ends the server, so that nothing more comes.
  std::string said() {
    server_->stop();
    is_listening_ = false;
    return testing::internal::GetCapturedStderr();
  }
  std::string scrape() { return metrics_.scrape(backend_.status()); }

  bool is_listening_ = false;
};

auto tells(const std::string& message) {
  return AllOf(HasSubstr("level=warn msg=\"" + message + "\""), HasSubstr("from=127.0.0.1"),
               HasSubstr("hint="));
}

TEST_F(HttpRefusal, OfAClientThatDripsItsRequestIsTold) {
  server_options_.read_timeout = std::chrono::milliseconds(100);
  RawConnection client(start());
  client.send(kGet);
  client.read_to_end();
  EXPECT_TRUE(client.was_closed());
  EXPECT_THAT(said(), tells("a connection is closed: its request comes too slowly"));
}

TEST_F(HttpRefusal, OfAClientThatDoesNotReadItsAnswerIsTold) {
  server_options_.write_timeout = std::chrono::milliseconds(100);
  LongAnswer handler;
  RawConnection client(start(&handler));
  client.send(std::string(kGet) + "\r\n");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  const auto is_cut_off = [&] {
    return scrape().find("tocsin_http_connections_refused_total{reason=\"timeout\"} 1") !=
           std::string::npos;
  };
  while (!is_cut_off() && std::chrono::steady_clock::now() < deadline) ::usleep(20'000);
  EXPECT_TRUE(is_cut_off());
  EXPECT_THAT(said(), tells("a connection is closed: its answer is not read"));
}

TEST_F(HttpRefusal, OfTooManyConnectionsIsToldAndAFloodFillsNoLog) {
  server_options_.connections = 1;
  const uint16_t port = start();
  RawConnection first(port);
  first.send(std::string(kGet) + "\r\n");
  first.read_until("alive");
  constexpr int kFlood = 200;
  for (int i = 0; i < kFlood; ++i) {
    RawConnection another(port);
    another.read_to_end();
    EXPECT_TRUE(another.was_closed());
  }
  EXPECT_THAT(scrape(), HasSubstr("tocsin_http_connections_refused_total{reason=\"limit\"} 200"));
  const std::string lines = said();
  EXPECT_THAT(lines, tells("a connection is closed: too many are open"));
  EXPECT_LT(std::count(lines.begin(), lines.end(), '\n'), kFlood / 4);
}

// Takes all descriptors that the process may still have, but one.
class AllDescriptorsButOne {
 public:
  AllDescriptorsButOne() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    few.rlim_cur = 512;
    ::setrlimit(RLIMIT_NOFILE, &few);
    for (int taken = ::dup(STDIN_FILENO); taken >= 0; taken = ::dup(STDIN_FILENO)) {
      taken_.push_back(taken);
    }
    EXPECT_FALSE(taken_.empty());
    ::close(taken_.back());
    taken_.pop_back();
  }
  ~AllDescriptorsButOne() {
    for (const int each : taken_) ::close(each);
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }
  AllDescriptorsButOne(const AllDescriptorsButOne&) = delete;
  AllDescriptorsButOne& operator=(const AllDescriptorsButOne&) = delete;

 private:
  rlimit before_{};
  std::vector<int> taken_;
};

TEST_F(HttpRefusal, WithNoDescriptorLeftIsToldAndWhoWaitsIsTakenLater) {
  const uint16_t port = start();
  {
    // What tells of a refusal does it once before: sanitizers take a descriptor to look at a type
    // that they have not seen.
    RawConnection malformed(port);
    malformed.send("no request\r\n\r\n");
    malformed.read_to_end();
    scrape();
    boost::system::error_code(EMFILE, boost::system::system_category()).message();
  }
  std::optional<AllDescriptorsButOne> taken(std::in_place);
  RawConnection client(port);
  client.send(std::string(kGet) + "\r\n");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  const auto is_told = [&] { return scrape().find("{reason=\"no_room\"} 0") == std::string::npos; };
  while (!is_told() && std::chrono::steady_clock::now() < deadline) ::usleep(20'000);
  EXPECT_TRUE(is_told());
  taken.reset();
  client.read_until("alive");
  EXPECT_THAT(said(), AllOf(HasSubstr("level=warn msg=\"no connection can be accepted\""),
                            HasSubstr("hint=")));
}

TEST_F(HttpRefusal, OfWhatIsOverALimitIsToldWhichOne) {
  server_options_.body_bytes = 1000;
  api_options_.decompressed_bytes = 200;
  api_options_.body_records = 10;
  const std::string packed = decode_base64(kPacked).value();
  const std::string lines(30, '\n');
  struct Case {
    std::string request;
    int answer;
    std::string detail;
  };
  const Case cases[] = {
      {std::string(kPost) + "Content-Length: 99999\r\n\r\n", 413, "a body may have 1000 bytes"},
      {kGet + ("X: " + std::string(20'000, 'x')) + "\r\n\r\n", 431, "a header may have"},
      {std::string(kPost) + "Content-Length: 30\r\n\r\n" + lines, 413, "more than 10 records"},
      {kPost + ("Content-Encoding: gzip\r\nContent-Length: " + std::to_string(packed.size())) +
           "\r\n\r\n" + packed,
       413, "the body is larger than 200 bytes"},
  };
  const uint16_t port = start();
  for (const Case& each : cases) {
    SCOPED_TRACE(each.detail);
    RawConnection client(port);
    client.send(each.request);
    EXPECT_THAT(client.read_until("}\n"), StartsWith("HTTP/1.1 " + std::to_string(each.answer)));
  }
  // Answered before the whole request was taken: such a connection is closed.
  EXPECT_THAT(scrape(), HasSubstr("tocsin_http_connections_refused_total{reason=\"too_large\"} 2"));
  const std::string log = said();
  EXPECT_THAT(log, tells("a request is over its limit"));
  for (const Case& each : cases) EXPECT_THAT(log, HasSubstr(each.detail));
}

TEST_F(HttpRefusal, OfWhatIsNoRequestIsTold) {
  RawConnection client(start());
  client.send("\x16\x03\x01\x02 tls hello \r\n\r\n");
  client.read_until("}\n");
  EXPECT_THAT(said(), tells("a connection is closed: what it sends is no HTTP request"));
}

TEST_F(HttpRefusal, OfSendersThatHaveToWaitIsTold) {
  backend_.taken = http::Backend::Taken::kFull;
  RawConnection client(start());
  client.send(std::string(kPost) + "Content-Length: 3\r\n\r\n{}\n");
  EXPECT_THAT(client.read_until("}\n"), StartsWith("HTTP/1.1 429"));
  EXPECT_THAT(said(), tells("senders are told to wait: events come faster than they are judged"));
}

}  // namespace
}  // namespace tocsin::daemon
